/** Passes sizes on to a shell: one at a time, and of many only the newest. */

import type { TerminalSize } from "../docker/exec.ts";

/** Invariant: at most one change is under way, and at most one size waits behind it. */
export class Resizer {
  readonly #resize: (size: TerminalSize) => Promise<void>;
  #waiting: { size: TerminalSize; done: PromiseWithResolvers<void> } | undefined;
  #isBusy = false;

  constructor(resize: (size: TerminalSize) => Promise<void>) {
    this.#resize = resize;
  }

  /** Resolves when this size, or a newer one in its place, is in use. Throws what the change of that one throws. */
  async set(size: TerminalSize): Promise<void> {
    const waiting = this.#waiting ??= { size, done: Promise.withResolvers<void>() };
    waiting.size = size;
    if (!this.#isBusy) await this.#work();
    await waiting.done.promise;
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      await this.#resize(next.size).then(next.done.resolve, next.done.reject);
      // Whoever has asked gets the error; when all of them are gone, nobody misses it.
      next.done.promise.catch(() => {});
    }
    this.#isBusy = false;
  }

  #take(): { size: TerminalSize; done: PromiseWithResolvers<void> } | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }
}
