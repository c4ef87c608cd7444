/** All terminals of the device. Loaded when the first one is asked for. */

import type { Clock } from "../async/clock.ts";
import { AgentError, textOf } from "../base/errors.ts";
import { deviceUri } from "../backend/uris.ts";
import type { Engine } from "../docker/engine.ts";
import { decodeText } from "../docker/log_lines.ts";
import { hasUri } from "../wamp/remote_error.ts";
import { errorUris } from "../wamp/uris.ts";
import { characterEnd } from "./character_end.ts";
import { type ContainerShellDeps, endContainerShell, openContainerShell } from "./container_shell.ts";
import { findContainer } from "./container_lookup.ts";
import { type OpenShell, OpenShells } from "./open_shells.ts";
import { Reaper } from "./reaper.ts";
import {
  type TerminalDeps,
  type TerminalKind,
  type TerminalOptions,
  TerminalSession,
  type TerminalTopics,
} from "./terminal_session.ts";
import { readContainerSize, readDeviceSize } from "./window_size.ts";

/** What terminals are made with. */
export interface TerminalSetDeps extends TerminalDeps {
  serialNumber: string;
  engine: Pick<Engine, "execs" | "listContainers">;
  /** Where the shells that run are noted. */
  openShellsFile: string;
  clock: Clock;
}

/** Terminals of one kind that may be open at once: each is a process and some memory. */
export const terminalLimit = 32;

/** A container terminal whose output nobody has asked for ends after this. */
export const startLimitMs = 60_000;

/** How long a terminal goes on while nobody is subscribed to its output. */
export const containerUnwatchedMs = 600_000;

/** Likewise, on the device: what somebody has begun there may take a night. */
export const deviceUnwatchedMs = 8 * 3_600_000;

const containerKind: TerminalKind = {
  name: "container",
  encode: (bytes) => bytes.toBase64(),
  messageEnd: (bytes) => bytes.length,
  readSize: readContainerSize,
  endedText: "session was not found",
  unwatchedMs: containerUnwatchedMs,
};

const deviceKind: TerminalKind = {
  name: "device",
  encode: decodeText,
  messageEnd: characterEnd,
  readSize: readDeviceSize,
  endedText: "the terminal session has ended",
  unwatchedMs: deviceUnwatchedMs,
};

/**
 * The terminals by their ids.
 *
 * - One that has ended is not here any more, even while its last output is on the way.
 * - At most 32 of each kind.
 */
export class TerminalSet implements AsyncDisposable {
  readonly #deps: TerminalSetDeps;
  readonly #sessions = new Map<string, TerminalSession>();
  /** Besides the above those whose end has not been reported yet. */
  readonly #all = new Set<TerminalSession>();
  readonly #openShells: OpenShells;
  readonly #reaper: Reaper;
  readonly #life = new AbortController();
  #left: OpenShell[] = [];
  readonly #devices = new Map<string, Promise<TerminalSession>>();
  readonly #opening = { container: 0, device: 0 };
  #connection: AbortSignal | undefined;
  #isRefusalLogged = false;

  constructor(deps: TerminalSetDeps) {
    this.#deps = { ...deps, match: (topic, signal) => this.#match(deps, topic, signal) };
    this.#openShells = new OpenShells(deps.openShellsFile, deps.log);
    this.#reaper = new Reaper({ clock: deps.clock, log: deps.log, life: this.#life.signal });
  }

  /** Reads what an earlier process has left, before a new shell is noted in its place. */
  async takeOver(): Promise<void> {
    this.#left = await this.#openShells.takeOver();
  }

  /** Ends the shells that an earlier process has left. */
  async endLeft(): Promise<void> {
    const left = this.#left;
    this.#left = [];
    for (const shell of left) {
      this.#deps.log.info("Ending the shell of a terminal that an earlier run has left", { session: shell.sessionId });
      await endContainerShell(shell, await this.#shellDeps());
    }
  }

  /** Opens a shell in a container. See `Terminals`. */
  async request(containerName: string, owner: string, signal: AbortSignal): Promise<TerminalTopics> {
    const session = await this.#open("container", async () => {
      const container = findContainer(containerName, await this.#deps.engine.listContainers(signal));
      if (container === undefined) throw new AgentError("container_missing", "container not found");
      const topics = this.#topicsOf(crypto.randomUUID(), containerName);
      const { sessionID: sessionId } = topics;
      const shellDeps = await this.#shellDeps();
      const shell = await openContainerShell(shellDeps, { containerId: container.id, sessionId }, signal);
      return { kind: containerKind, topics, owner, container: containerName, shell };
    });
    this.#endUnlessStarted(session);
    return session.topics;
  }

  /** The terminal of the device for a caller: the one that is open already, or a new one. See `Terminals`. */
  async openDevice(owner: string): Promise<TerminalTopics> {
    const known = this.#devices.get(owner);
    const opened = known ?? this.#openDevice(owner);
    const forget = () => {
      if (this.#devices.get(owner) === opened) this.#devices.delete(owner);
    };
    if (known === undefined) {
      this.#devices.set(owner, opened);
      opened.then(({ endSignal }) => endSignal.addEventListener("abort", forget, { once: true }), forget);
    }
    const session = await opened;
    if (!session.isEnded) return session.topics;
    forget();
    return await this.openDevice(owner);
  }

  /** Begins to pass on the output of a terminal. */
  async start(sessionId: string, caller: string | undefined): Promise<void> {
    await this.#begin(this.#get(sessionId, caller));
  }

  /** Ends a terminal. */
  async stop(sessionId: string, caller: string | undefined): Promise<void> {
    await this.#get(sessionId, caller).end("stopped");
  }

  /** Continues all terminals on a new connection. Throws when the router refuses something; it can be repeated. */
  async attach(connection: AbortSignal): Promise<void> {
    this.#connection = connection;
    const sessions = [...this.#all].filter(({ isStarted }) => isStarted);
    const results = await Promise.allSettled(sessions.map((session) => session.attach(connection)));
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  /** Ends all terminals. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await Promise.all([...this.#all].map((session) => session.end("agent ends")));
  }

  async #openDevice(owner: string): Promise<TerminalSession> {
    const session = await this.#open("device", async () => {
      const { openDeviceShell } = await import("./device_shell.ts");
      const topics = this.#topicsOf(crypto.randomUUID());
      const { clock, log } = this.#deps;
      const shell = await openDeviceShell(topics.sessionID, { openShells: this.#openShells, clock, log });
      return { kind: deviceKind, topics, owner, shell };
    });
    try {
      await this.#begin(session);
    } catch (error) {
      await session.end("never started");
      throw error;
    }
    return session;
  }

  async #begin(session: TerminalSession): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined || connection.aborted) throw new AgentError("not_connected", "not connected");
    await session.attach(connection);
    session.start();
  }

  #get(sessionId: string, caller: string | undefined): TerminalSession {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) throw new AgentError("bad_request", "session was not found");
    session.assertUsableBy(caller);
    return session;
  }

  /** Opens a terminal, which counts from the beginning. */
  async #open(kind: TerminalKind["name"], openShell: () => Promise<TerminalOptions>): Promise<TerminalSession> {
    const count = [...this.#sessions.values()].filter((session) => session.kind === kind).length + this.#opening[kind];
    if (count >= terminalLimit) {
      throw new AgentError("busy", `too many terminal sessions are open on this device (at most ${terminalLimit})`);
    }
    this.#opening[kind] += 1;
    let options: TerminalOptions;
    try {
      options = await openShell();
    } finally {
      this.#opening[kind] -= 1;
    }
    if (!this.#life.signal.aborted) return this.#add(options);
    await options.shell.end();
    throw new AgentError("canceled", "the agent ends");
  }

  #add(options: TerminalOptions): TerminalSession {
    const session = new TerminalSession(options, this.#deps);
    const { sessionID } = options.topics;
    this.#sessions.set(sessionID, session);
    this.#all.add(session);
    session.onEnd = () => this.#sessions.delete(sessionID);
    session.onForgotten = () => this.#all.delete(session);
    this.#reaper.watch(session, { limitMs: options.kind.unwatchedMs });
    return session;
  }

  #endUnlessStarted(session: TerminalSession): void {
    const { clock, log } = this.#deps;
    const end = async () => {
      await clock.sleep(startLimitMs, session.endSignal);
      if (!session.isStarted) await session.end("never started");
    };
    end().catch((error) => log.debug("A terminal has ended before its start", { error: textOf(error) }));
  }

  #topicsOf(sessionID: string, container?: string): TerminalTopics {
    const rest = container === undefined ? sessionID : `${container}.${sessionID}`;
    const topic = (name: string) => deviceUri(this.#deps.serialNumber, `${name}.${rest}`);
    return {
      sessionID,
      dataTopic: topic(container === undefined ? "data" : "term_data"),
      writeTopic: topic("term_write"),
      resizeTopic: topic("term_resize"),
    };
  }

  async #match({ match, log }: TerminalSetDeps, topic: string, signal?: AbortSignal): Promise<number[]> {
    try {
      return await match(topic, signal);
    } catch (error) {
      if (hasUri(error, errorUris.notAuthorized, errorUris.noSuchProcedure) && !this.#isRefusalLogged) {
        this.#isRefusalLogged = true;
        log.warn("The router does not say who watches terminals; those that nobody watches stay", {
          error: textOf(error),
        });
      }
      throw error;
    }
  }

  async #shellDeps(): Promise<ContainerShellDeps> {
    const { engine, clock, log } = this.#deps;
    return { execs: await engine.execs(), openShells: this.#openShells, clock, log };
  }
}
