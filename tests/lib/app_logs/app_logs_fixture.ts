/** For the tests of app logs: a router with a device and viewers, a fake engine, a database, and the logs. */

import { AgentError } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { Engine } from "../../../lib/docker/engine.ts";
import { type AppLogs, createAppLogs } from "../../../lib/app_logs/app_logs.ts";
import { Database } from "../../../lib/store/database.ts";
import { createBackend } from "../../../lib/backend/backend.ts";
import type { Session } from "../../../lib/wamp/session.ts";
import { offlineWire } from "../../../lib/wamp/wire.ts";
import type { Router } from "../../../scripts/studio/router/router.ts";
import { pollUntil } from "../../../scripts/testbed/wait.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { openSession, startRouter } from "../wamp/open_session.ts";
import { FakeLogEngine } from "../../fakes/fake_log_engine.ts";

/** The channel of most tests; also the name of its container. */
export const channel = "prod_42_shop";

/** Its app. */
export const shop = { appKey: 42, stage: "PROD" } as const;

/** Listens to one topic. */
export class Viewer {
  readonly received: unknown[] = [];
  readonly #waiting: { count: number; resolve: () => void }[] = [];

  constructor(readonly session: Session) {}

  /** All messages, with joined lines split. */
  get lines(): unknown[] {
    return this.received.flatMap((payload) => typeof payload === "string" ? payload.split("\n") : [payload]);
  }

  /** Takes the payload of an event. */
  take(payload: unknown): void {
    this.received.push(payload);
    for (const { count, resolve } of this.#waiting) if (this.received.length >= count) resolve();
  }

  /** Returns all messages as soon as there are `count`. */
  async messages(count: number): Promise<unknown[]> {
    if (this.received.length < count) await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
    return this.received;
  }
}

/** A device on a router. Disposing ends everything. */
export class LogsWorld implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly #folder: string;
  #session: Session | undefined;
  #viewers: Session[] = [];
  logs: AppLogs;
  database: Database;

  private constructor(readonly router: Router, readonly engine: FakeLogEngine) {
    this.#folder = Deno.makeTempDirSync({ prefix: "logs-" });
    this.database = this.#openDatabase();
    this.logs = this.#createLogs();
  }

  /** Starts router and engine; the device is not connected yet. */
  static async start(): Promise<LogsWorld> {
    return new LogsWorld(await startRouter(), await FakeLogEngine.start());
  }

  /** Connects the device, as the link does. */
  async connect(channels: string[] = []): Promise<void> {
    this.#session = await openSession(this.router.url);
    await this.logs.attach(this.#session, channels.map((name) => ({ channel: name, containerName: name })));
  }

  /** Breaks the device's connection. */
  async disconnect(): Promise<void> {
    const session = this.#session;
    if (session === undefined) return;
    this.router.dropSession(session.id);
    await session.closed;
  }

  /** Resolves when the device has received everything that the router has sent so far. */
  async receivedAll(): Promise<void> {
    await this.#session?.call("wamp.session.count");
  }

  /** Opens a viewer of a channel. */
  async view(name = channel): Promise<Viewer> {
    const session = await openSession(this.router.url, { authid: "system" });
    this.#viewers.push(session);
    const viewer = new Viewer(session);
    await session.subscribe(`reswarm.logs.SN-1.${name}`, ({ args }) => viewer.take(args[0]));
    return viewer;
  }

  /** Disposes the logs and creates new ones with the same database. */
  async restartAgent(): Promise<void> {
    await this.logs[Symbol.asyncDispose]();
    this.database[Symbol.dispose]();
    this.database = this.#openDatabase();
    this.logs = this.#createLogs();
  }

  /** Lets time pass until a viewer has `count` lines and messages, and returns them, however they were joined. */
  async delivered(viewer: Viewer, count: number): Promise<unknown[]> {
    for (let messages = 1; viewer.lines.length < count; messages += 1) {
      await this.passTimeUntil(viewer.messages(messages));
    }
    return viewer.lines;
  }

  /** Lets time pass, 200 ms at a time, until `event` has resolved. */
  async passTimeUntil(event: Promise<unknown>): Promise<void> {
    let hasHappened = false;
    const noticed = event.then(() => hasHappened = true);
    for (let round = 0; !hasHappened; round += 1) {
      if (round > 1_000) throw new Error("The event did not happen");
      await this.clock.advance(200);
    }
    await noticed;
  }

  /** Resolves when the history has `count` lines, which a follower has read then. */
  async remembered(count: number): Promise<void> {
    const { signal } = new AbortController();
    await pollUntil(`${count} lines are remembered`, async () => {
      return (await this.logs.readHistory(channel, signal)).length >= count || undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.logs[Symbol.asyncDispose]();
    this.database[Symbol.dispose]();
    await this.#session?.close();
    for (const viewer of this.#viewers) await viewer.close();
    await this.engine[Symbol.asyncDispose]();
    await this.router[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }

  #openDatabase(): Database {
    return Database.open(`${this.#folder}/reagent.db`, { log: silentLog });
  }

  #createLogs(): AppLogs {
    const session = () => this.#session;
    const wire = {
      ...offlineWire(),
      call: async (procedure: string, args?: unknown[]) => {
        const open = session();
        if (open === undefined) throw new AgentError("not_connected", "not connected");
        return await open.call(procedure, args);
      },
    };
    const backend = createBackend(wire, () => ({ deviceKey: 345, swarmKey: 12, serialNumber: "SN-1" }));
    return createAppLogs({
      serialNumber: "SN-1",
      engine: new Engine({ log: silentLog, env: { DOCKER_HOST: this.engine.host } }),
      database: this.database,
      publish: async (topic, payload) => await session()?.publish(topic, [payload]),
      isConnected: () => session()?.isOpen ?? false,
      waitingBytes: () => 0,
      match: (topic) => backend.matchSubscription(topic),
      positionsDir: `${this.#folder}/positions`,
      containersToFollow: () => [],
      clock: this.clock,
      random: () => 0.5,
      log: silentLog,
    });
  }
}
