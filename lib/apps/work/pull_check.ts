/**
 * What a registry says of an image before the engine pulls it: whether it fits, and whether the registry wants to be
 * asked at all, and whether the login stays with it. The check may stop a pull for one of these reasons; whatever else
 * becomes of it, the pull goes on.
 */

import type { Clock } from "../../async/clock.ts";
import { throwIfAborted, waitAtMost } from "../../async/deadline.ts";
import { AgentError, hasCode, isCanceled, textOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { noSpaceText, type PullSpace } from "../../disk_space/pull_space.ts";

/** What a check works with. */
export interface PullCheckOptions {
  /** Asks the registry. May throw `registry_busy` and `untrusted_server`. */
  ask(signal: AbortSignal): Promise<PullSpace>;
  clock: Pick<Clock, "sleep">;
  log: Log;
}

/** One check, begun at its creation. */
export class PullCheck {
  readonly #options: PullCheckOptions;
  readonly #life = new AbortController();
  readonly #end: Promise<void>;
  #refusal: AgentError | undefined;

  /** `onRefused` is called when the answer speaks against the pull. */
  constructor(options: PullCheckOptions, onRefused: () => void) {
    this.#options = options;
    this.#end = this.#run(onRefused);
  }

  /**
   * Why the pull must not go on: `no_space`, or what the registry has answered. Undefined while nothing speaks against
   * it.
   */
  get refusal(): AgentError | undefined {
    return this.#refusal;
  }

  /** Waits for the answer, for `limitMs` at most. Throws `canceled` only. */
  async wait(limitMs: number, signal: AbortSignal): Promise<void> {
    await waitAtMost(this.#end, { limitMs, clock: this.#options.clock, signal });
    throwIfAborted(signal, "The question for the size of an image");
  }

  /** Ends the question, if it has no answer yet. */
  async end(): Promise<void> {
    this.#life.abort();
    await this.#end;
  }

  async #run(onRefused: () => void): Promise<void> {
    const { ask, log } = this.#options;
    try {
      const space = await ask(this.#life.signal);
      if (space.kind === "fits") return;
      this.#refusal = new AgentError("no_space", noSpaceText(space));
    } catch (error) {
      if (isCanceled(error)) return;
      if (!hasCode(error, "registry_busy", "untrusted_server")) {
        log.info("Cannot find out whether an image fits", { error: textOf(error) });
        return;
      }
      this.#refusal = error;
    }
    if (!this.#life.signal.aborted) onRefused();
  }
}
