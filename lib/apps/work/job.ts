/** What is being done for an app, as long as nothing else is; a request that cannot wait interrupts it. */

import type { AppRequest } from "../../model/app.ts";
import type { Step } from "../plan/steps.ts";

/**
 * One job of an app's worker.
 *
 * - `signal` is aborted with the agent and by an interruption; after one by a request, `takeInterruption()` renews it.
 */
export class Job {
  readonly #life: AbortSignal;
  #controller = new AbortController();
  #signal: AbortSignal;
  #interruptedBy: AppRequest | undefined;
  /** The step that is being done; undefined between transitions. */
  step: Step | undefined;
  /** A request was stored since this was last set to false. */
  hasNewRequest = false;

  /** `life` ends with the agent. */
  constructor(life: AbortSignal) {
    this.#life = life;
    this.#signal = AbortSignal.any([life, this.#controller.signal]);
  }

  /** Ends what is being done. */
  get signal(): AbortSignal {
    return this.#signal;
  }

  /** Interrupts what is being done; `by` is what is done next. */
  interrupt(by: AppRequest): void {
    this.#interruptedBy = by;
    this.#controller.abort();
  }

  /** Interrupts what is being done; nothing follows. */
  end(): void {
    this.#interruptedBy = undefined;
    this.#controller.abort();
  }

  /** The request that has interrupted the job, once; then work can go on. Undefined when the job is to end. */
  takeInterruption(): AppRequest | undefined {
    const by = this.#interruptedBy;
    if (by === undefined || this.#life.aborted) return undefined;
    this.#interruptedBy = undefined;
    this.#controller = new AbortController();
    this.#signal = AbortSignal.any([this.#life, this.#controller.signal]);
    return by;
  }
}
