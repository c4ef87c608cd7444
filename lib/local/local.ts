/** What programs on the device may ask the running agent. Everything but this file is loaded after the start. */

import { textOf } from "../base/errors.ts";
import type { LocalDeps } from "./dependencies.ts";
import type { Question } from "./questions.ts";
import type { SocketServer } from "./socket_server.ts";

/** Disposing ends what is being answered. */
export interface Local extends AsyncDisposable {
  /** Opens the socket in the background. A device on which it cannot be opened is as good as any other. */
  start(): void;
}

/** Creates the area. */
export function createLocal(deps: LocalDeps): Local {
  return new LazyLocal(deps);
}

class LazyLocal implements Local {
  readonly #deps: LocalDeps;
  #opening: Promise<SocketServer | undefined> = Promise.resolve(undefined);

  constructor(deps: LocalDeps) {
    this.#deps = deps;
  }

  start(): void {
    // Its system has no such sockets in this runtime.
    if (Deno.build.os !== "windows") this.#opening = this.#open();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#opening)?.[Symbol.asyncDispose]();
  }

  async #open(): Promise<SocketServer | undefined> {
    const { agentDir, log } = this.#deps;
    try {
      const { SocketServer } = await import("./socket_server.ts");
      return await SocketServer.open({
        agentDir,
        answer: (question, signal) => this.#answer(question, signal),
        log,
      });
    } catch (error) {
      log.warn("The commands status, logs and doctor cannot ask this agent", { error: textOf(error) });
      return undefined;
    }
  }

  async #answer(question: Question, signal: AbortSignal): Promise<unknown> {
    switch (question.ask) {
      case "status": {
        const { gatherFacts } = await import("./gather_facts.ts");
        return await gatherFacts(this.#deps, signal);
      }
      case "registryLogin":
        return await this.#deps.checkRegistry(signal);
      case "history":
        return await this.#deps.readHistory(question.channel, signal);
    }
  }
}
