/** The one at a time for an app: who works on it holds its turn, and can be cut by a request that cannot wait. */

import type { AppRequest } from "../../model/app.ts";
import type { Step } from "../plan/steps.ts";

/**
 * What is being done with an app.
 *
 * - `signal` ends with the agent and with a cut; after a cut by a request, `takeInterruption()` gives a fresh one.
 */
export class Job {
  readonly #life: AbortSignal;
  #controller = new AbortController();
  #signal: AbortSignal;
  #interruptedBy: AppRequest | undefined;
  /** The step that is being done; undefined between transitions. */
  step: Step | undefined;
  /** Something was asked, and stored, since this was last set to false. */
  isAskedAnew = false;

  /** `life` ends with the agent. */
  constructor(life: AbortSignal) {
    this.#life = life;
    this.#signal = AbortSignal.any([life, this.#controller.signal]);
  }

  /** Ends what is being done. */
  get signal(): AbortSignal {
    return this.#signal;
  }

  /** Cuts what is being done; `by` is what is done next. */
  interrupt(by: AppRequest): void {
    this.#interruptedBy = by;
    this.#controller.abort();
  }

  /** Cuts what is being done; nothing follows. */
  end(): void {
    this.#interruptedBy = undefined;
    this.#controller.abort();
  }

  /** What has cut the turn, once; from then on work can go on. Undefined when the turn is to end. */
  takeInterruption(): AppRequest | undefined {
    const by = this.#interruptedBy;
    if (by === undefined || this.#life.aborted) return undefined;
    this.#interruptedBy = undefined;
    this.#controller = new AbortController();
    this.#signal = AbortSignal.any([this.#life, this.#controller.signal]);
    return by;
  }
}
