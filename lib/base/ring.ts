/** A bounded list that forgets its oldest entries and counts what it forgot. */

/** Keeps the newest `limit` entries. */
export class Ring<T> {
  readonly #limit: number;
  #entries: T[] = [];
  #dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many entries were forgotten since the start or the last `clear()`. */
  get dropped(): number {
    return this.#dropped;
  }

  /** How many entries are kept. */
  get size(): number {
    return Math.min(this.#entries.length, this.#limit);
  }

  /** Adds an entry; the oldest goes when the ring is full. */
  push(entry: T): void {
    this.#entries.push(entry);
    if (this.#entries.length > this.#limit) this.#dropped += 1;
    // Cutting in blocks keeps an append at constant cost.
    if (this.#entries.length >= this.#limit * 2) this.#entries = this.#entries.slice(-this.#limit);
  }

  /** The kept entries, oldest first. */
  toArray(): T[] {
    return this.#entries.slice(-this.#limit);
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries = [];
    this.#dropped = 0;
  }
}
