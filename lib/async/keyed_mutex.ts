/** Exclusive access by key: work under the same key runs one after the other, in order of arrival. */

import { throwIfAborted } from "./deadline.ts";

/** Runs at most one piece of work per key at a time. */
export class KeyedMutex<Key> {
  readonly #tails = new Map<Key, Promise<void>>();

  /** True while work under `key` runs or waits. */
  isBusy(key: Key): boolean {
    return this.#tails.has(key);
  }

  /**
   * Waits for its turn, runs `work` and returns its result. Throws `canceled` when `signal` is aborted before its turn.
   */
  async run<T>(key: Key, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const { promise: done, resolve: finish } = Promise.withResolvers<void>();
    const tail = before.then(() => done);
    this.#tails.set(key, tail);
    try {
      await before;
      throwIfAborted(signal, "The wait for exclusive access");
      return await work();
    } finally {
      finish();
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }
}
