/** What programs on the device may ask the running agent. Everything but this file is loaded after the start. */

import type { Clock } from "../async/clock.ts";
import { textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { LocalDeps } from "./dependencies.ts";
import type { Question } from "./questions.ts";
import type { SocketServer } from "./socket_server.ts";

/** Disposing ends what is being answered. */
export interface Local extends AsyncDisposable {
  /** Opens the socket, once. A device on which it cannot be opened is as good as any other. */
  start(): void;
  /** Does so after a while, for agents that do not connect: nothing may hold up the connection. */
  startLater(): void;
}

/** What it is created with. */
export interface LocalOptions {
  /** Loads what it answers from, when it opens. */
  load(): Promise<LocalDeps>;
  clock: Clock;
  log: Log;
}

/** Creates the area. */
export function createLocal(options: LocalOptions): Local {
  return new LazyLocal(options);
}

/** An agent connects within half of this, if it can. */
const laterMs = 1_000;

class LazyLocal implements Local {
  readonly #options: LocalOptions;
  readonly #life = new AbortController();
  #waiting = Promise.resolve();
  #opening: Promise<SocketServer | undefined> | undefined;

  constructor(options: LocalOptions) {
    this.#options = options;
  }

  start(): void {
    // On Windows this runtime has no such sockets.
    if (Deno.build.os === "windows" || this.#life.signal.aborted) return;
    this.#opening ??= this.#open();
  }

  startLater(): void {
    this.#waiting = this.#options.clock.sleep(laterMs, this.#life.signal).then(
      () => this.start(),
      // The agent has ended before.
      () => {},
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await this.#waiting;
    await (await this.#opening)?.[Symbol.asyncDispose]();
  }

  async #open(): Promise<SocketServer | undefined> {
    const { load, log } = this.#options;
    try {
      const [deps, { SocketServer }] = await Promise.all([load(), import("./socket_server.ts")]);
      const answer = (question: Question, signal: AbortSignal) => answerQuestion(question, deps, signal);
      return await SocketServer.open({ agentDir: deps.agentDir, answer, log });
    } catch (error) {
      log.warn("The commands status, logs and doctor cannot ask this agent", { error: textOf(error) });
      return undefined;
    }
  }
}

async function answerQuestion(question: Question, deps: LocalDeps, signal: AbortSignal): Promise<unknown> {
  switch (question.ask) {
    case "status": {
      const { gatherFacts } = await import("./gather_facts.ts");
      return await gatherFacts(deps, signal);
    }
    case "registryLogin":
      return await deps.checkRegistry(signal);
    case "history":
      return await deps.readHistory(question.channel, signal);
  }
}
