/** A device with its whole table on a router, a Studio that grants or refuses, and callers. */

import { systemClock } from "../../../lib/async/clock.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { createHandler } from "../../../lib/handlers/dispatch.ts";
import type { Device } from "../../../lib/handlers/device.ts";
import { registerProcedures } from "../../../lib/handlers/register.ts";
import { procedures } from "../../../lib/handlers/procedures.ts";
import { pruneSystem, type RunProgram } from "../../../lib/docker/cli.ts";
import { runCommand } from "../../../lib/host/command.ts";
import { readInterfaces } from "../../../lib/host/addresses.ts";
import { type AppLogs, createAppLogs } from "../../../lib/app_logs/app_logs.ts";
import { Database } from "../../../lib/store/database.ts";
import { createBackend } from "../../../lib/backend/backend.ts";
import type { CallReply, Session } from "../../../lib/wamp/session.ts";
import { offlineWire } from "../../../lib/wamp/wire.ts";
import type { Router } from "../../../scripts/studio/router/router.ts";
import { ScriptedEngine, write } from "../../fakes/fake_engine_server.ts";
import { openSession, startRouter } from "../wamp/open_session.ts";
import { type DeviceChange, fakeDevice } from "../../fakes/fake_handler_device.ts";

/** A device that answers. Disposing ends everything. */
export class RegisteredDevice implements AsyncDisposable {
  readonly router: Router;
  /** What Studio answers when it is asked for a privilege; throws to let the call fail. */
  grant: () => unknown = () => true;
  /** Power actions that were asked for. */
  readonly power: string[] = [];
  readonly #sessions: Session[] = [];
  readonly #life = new AbortController();
  readonly #engine = new ScriptedEngine(answerEmpty);
  readonly #folder = Deno.makeTempDirSync({ prefix: "device-" });
  readonly #database = Database.open(`${this.#folder}/reagent.db`, { log: silentLog });
  readonly #logs: AppLogs;
  readonly #callers = new Map<string, Session>();

  private constructor(router: Router) {
    this.router = router;
    const engine = this.#engine.client();
    this.#logs = createAppLogs({
      serialNumber: "SN-1",
      engine,
      database: this.#database,
      publish: () => Promise.resolve(),
      isConnected: () => false,
      waitingBytes: () => 0,
      match: () => Promise.resolve([]),
      positionsDir: `${this.#folder}/log_positions`,
      containersToFollow: () => [],
      clock: systemClock,
      random: () => 0.5,
      log: silentLog,
    });
  }

  /** Starts router, Studio and device, and registers the table. */
  static async start(change: DeviceChange = {}): Promise<RegisteredDevice> {
    const device = new RegisteredDevice(await startRouter());
    const studio = await device.#join("system");
    await studio.register("reswarm.devices.check_privilege", () => Promise.resolve({ args: [device.grant()] }));
    const session = await device.#join("12-345");
    const answering = device.#createDevice(session, change);
    await registerProcedures(session, procedures, {
      serialNumber: "SN-1",
      handlerOf: (row) => createHandler(row, { device: answering, clock: systemClock, life: device.#life.signal }),
      log: silentLog,
    });
    return device;
  }

  /** Calls a procedure as an account, or as `system`. */
  async call(name: string, args: unknown[] = [], options: { kwargs?: object; as?: string } = {}): Promise<CallReply> {
    const { kwargs = {}, as = "77" } = options;
    const caller = this.#callers.get(as) ?? await this.#join(as);
    this.#callers.set(as, caller);
    return await caller.call(`re.mgmt.SN-1.${name}`, args, { kwargs: { ...kwargs } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    for (const session of this.#sessions) await session.close();
    await this.router[Symbol.asyncDispose]();
    await this.#logs[Symbol.asyncDispose]();
    await this.#engine[Symbol.asyncDispose]();
    this.#database[Symbol.dispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #join(authid: string): Promise<Session> {
    this.router.addUser(authid, { secret: "s" });
    const session = await openSession(this.router.url, { authid });
    this.#sessions.push(session);
    return session;
  }

  #createDevice(session: Session, change: DeviceChange): Device {
    const wire = { ...offlineWire(), call: session.call.bind(session) };
    const backend = createBackend(wire, () => ({ deviceKey: 345, swarmKey: 12, serialNumber: "SN-1" }));
    const engine = this.#engine.client();
    // The command is printed, not run.
    const echo: RunProgram = (program, args, options) => runCommand("echo", [program, ...args], options);
    return fakeDevice({
      checkPrivilege: (question, signal) => backend.checkPrivilege(question, signal),
      engine,
      diskSpace: {
        prune: async ({ all }, signal) => {
          if (all) return await pruneSystem(echo, { signal, timeoutMs: 10_000 });
          await engine.pruneDanglingImages(signal);
          return undefined;
        },
      },
      logs: {
        readHistory: (channel, signal) => this.#logs.readHistory(channel, signal),
        query: (query, signal) => this.#logs.query(query, signal),
      },
      network: { readInterfaces },
      ...change,
      host: {
        schedulePower: (action) => void this.power.push(action),
        ...change.host,
      },
    });
  }
}

/** An engine without images and containers. */
async function answerEmpty(connection: Deno.Conn, head: string): Promise<void> {
  const isList = /^GET (\/v[0-9.]+)?\/(images|containers)\/json/.test(head);
  const isPrune = head.startsWith("POST") && head.includes("/images/prune");
  const [status, body] = isList ? [200, "[]"] : isPrune ? [200, "{}"] : [404, '{"message":"No such container"}'];
  const heading = `HTTP/1.1 ${status} X\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  await write(connection, heading + body);
}
