/** Holds output back while nobody can receive it. */

import { AgentError } from "../base/errors.ts";

/** A gate that is closed at first, can be opened and closed again, and in the end is given up. */
export class Gate {
  #isOpen = false;
  #isGivenUp = false;
  #opened = Promise.withResolvers<void>();

  get isOpen(): boolean {
    return this.#isOpen;
  }

  open(): void {
    this.#isOpen = true;
    this.#opened.resolve();
  }

  close(): void {
    if (!this.#isOpen || this.#isGivenUp) return;
    this.#isOpen = false;
    this.#opened = Promise.withResolvers();
  }

  /** Whoever waits, now or later, gets `canceled`. */
  giveUp(): void {
    this.#isGivenUp = true;
    this.#isOpen = false;
    this.#opened.resolve();
  }

  /** Resolves when it is open. Throws `canceled` when it was given up. */
  async wait(): Promise<void> {
    while (!this.#isOpen) {
      if (this.#isGivenUp) throw new AgentError("canceled", "The output of a terminal was given up");
      await this.#opened.promise;
    }
  }
}
