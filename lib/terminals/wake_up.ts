/** Lets code wait until something has changed. */

/** Wakes everybody who waits. Whoever is woken looks again and decides whether to go on waiting. */
export class WakeUp {
  #next = Promise.withResolvers<void>();

  /** Resolves at the next `notify()`. */
  wait(): Promise<void> {
    return this.#next.promise;
  }

  notify(): void {
    const { resolve } = this.#next;
    this.#next = Promise.withResolvers();
    resolve();
  }
}
