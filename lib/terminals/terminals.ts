/**
 * Terminals: shells in containers and on the device that somebody uses from Studio. Whatever they need is loaded with
 * the first one.
 */

import { textOf } from "../base/errors.ts";
import type { ConnectStep } from "../backend/connect_step.ts";
import { existsSync } from "../files/exists.ts";
import type { TerminalSet, TerminalSetDeps } from "./terminal_set.ts";

/** What terminals need. */
export type TerminalsDeps = TerminalSetDeps;

/** The terminals of the device. Errors are the answers of the procedures. */
export interface Terminals extends AsyncDisposable {
  readonly connectSteps: ConnectStep[];
  /**
   * Opens a shell in a running container for an owner; its output waits for `start()`. Throws `container_missing`,
   * `busy`, and as the engine.
   */
  request(containerName: string, owner: string, signal: AbortSignal): Promise<TerminalAddress>;
  /** The shell of a caller on the device itself: the one that is open, or a new one. Throws `busy`, `not_available`. */
  openDevice(owner: string): Promise<TerminalAddress>;
  /** Begins to pass on output, input and sizes. Throws `bad_request`, `denied`. */
  start(sessionId: string, caller: string | undefined): Promise<void>;
  /** Ends a shell. Resolves when it is gone. Throws `bad_request`, `denied`. */
  stop(sessionId: string, caller: string | undefined): Promise<void>;
  /** Ends the shells that an earlier run of the agent has left behind. Never throws. */
  endLeft(): Promise<void>;
}

/** Where a terminal is reached. */
export interface TerminalAddress {
  sessionID: string;
  dataTopic: string;
  writeTopic: string;
  resizeTopic: string;
}

/** Creates the terminals; nothing is loaded or runs before one is asked for. */
export function createTerminals(deps: TerminalsDeps): Terminals {
  return new LoadedTerminals(deps);
}

class LoadedTerminals implements Terminals {
  readonly connectSteps: ConnectStep[];
  readonly #deps: TerminalsDeps;
  #set: Promise<TerminalSet> | undefined;
  #connection: AbortSignal | undefined;

  constructor(deps: TerminalsDeps) {
    this.#deps = deps;
    this.connectSteps = [{
      name: "continue the terminals",
      phase: "serve",
      callsBackend: false,
      run: async ({ signal }) => {
        this.#connection = signal;
        if (this.#set !== undefined) await (await this.#set).attach(signal);
      },
    }];
  }

  async request(containerName: string, owner: string, signal: AbortSignal): Promise<TerminalAddress> {
    return await (await this.#load()).request(containerName, owner, signal);
  }

  async openDevice(owner: string): Promise<TerminalAddress> {
    return await (await this.#load()).openDevice(owner);
  }

  async start(sessionId: string, caller: string | undefined): Promise<void> {
    await (await this.#load()).start(sessionId, caller);
  }

  async stop(sessionId: string, caller: string | undefined): Promise<void> {
    await (await this.#load()).stop(sessionId, caller);
  }

  async endLeft(): Promise<void> {
    const { openShellsFile, log } = this.#deps;
    if (!existsSync(openShellsFile)) return;
    try {
      await (await this.#load()).endLeft();
    } catch (error) {
      log.warn("Cannot end the shells that an earlier run has left", { error: textOf(error) });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#set)?.[Symbol.asyncDispose]();
  }

  async #load(): Promise<TerminalSet> {
    this.#set ??= this.#create();
    return await this.#set;
  }

  async #create(): Promise<TerminalSet> {
    const { TerminalSet } = await import("./terminal_set.ts");
    const set = new TerminalSet(this.#deps);
    await set.takeOver();
    if (this.#connection !== undefined) await set.attach(this.#connection);
    return set;
  }
}
