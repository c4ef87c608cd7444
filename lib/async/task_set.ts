/** Keeps promises that run in the background, so that none floats and their owner can wait for them. */

/**
 * Promises that nobody awaits one by one.
 *
 * - A promise counts until it has settled; it is no longer counted when code that awaits `add()` goes on.
 * - An error reaches the callback and nobody else: neither `add()` nor `settled()` ever rejects.
 */
export class TaskSet {
  readonly #running = new Set<Promise<unknown>>();
  readonly #onError: (error: unknown, about: Record<string, unknown>) => void;

  /** `onError` gets every error, with what `add()` was given about the task. It must not throw. */
  constructor(onError: (error: unknown, about: Record<string, unknown>) => void) {
    this.#onError = onError;
  }

  /** How many tasks are running. */
  get size(): number {
    return this.#running.size;
  }

  /** Keeps `task` until it has settled. Resolves to its value, or to undefined when it failed. */
  add<T>(task: Promise<T>, about: Record<string, unknown> = {}): Promise<T | undefined> {
    const kept: Promise<T | undefined> = task
      .catch((error) => {
        this.#onError(error, about);
        return undefined;
      })
      .finally(() => this.#running.delete(kept));
    this.#running.add(kept);
    return kept;
  }

  /** Waits until nothing is running, including tasks that are added during the wait. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
