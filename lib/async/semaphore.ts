/** Limits how much runs at the same time; the rest waits in order of arrival, what is urgent before the rest. */

import { throwIfAborted } from "./deadline.ts";
import { AgentError } from "../base/errors.ts";

/** Lets at most a fixed number of pieces of work run at the same time. */
export class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];
  /** Those that go first. */
  readonly #urgent: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Waits for a permit, runs `work` and returns its result. Throws `canceled` when `signal` is aborted during the wait.
   */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return await this.#runFrom(this.#waiting, work, signal);
  }

  /** Like `run()`, before all that has not begun and is not urgent. */
  async runUrgent<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return await this.#runFrom(this.#urgent, work, signal);
  }

  async #runFrom<T>(queue: (() => void)[], work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#take(queue, signal);
    try {
      return await work();
    } finally {
      const next = this.#urgent.shift() ?? this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  async #take(queue: (() => void)[], signal: AbortSignal): Promise<void> {
    throwIfAborted(signal, "The wait for a permit");
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      const index = queue.indexOf(resolve);
      // A permit that was handed over in the same moment is used; the work sees the aborted signal itself.
      if (index < 0) return;
      queue.splice(index, 1);
      reject(new AgentError("canceled", "The wait for a permit was canceled"));
    };
    queue.push(resolve);
    signal.addEventListener("abort", leave, { once: true });
    await promise.finally(() => signal.removeEventListener("abort", leave));
  }
}
