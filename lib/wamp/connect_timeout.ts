/** How long a dial may take to connect: short at first, longer when the network proves slow. Pure. */

const growthLimitMs = 20_000;
// A router that accepts and never answers must not keep the client offline forever.
const longestMs = 120_000;

/** The timeout of the next dial. */
export class ConnectTimeout {
  readonly #firstMs: number;
  #ms: number;

  /** `firstMs` 0 means no limit; in fact two minutes. */
  constructor(firstMs: number) {
    this.#firstMs = firstMs > 0 ? firstMs : longestMs;
    this.#ms = this.#firstMs;
  }

  /** Milliseconds for the next dial. */
  get ms(): number {
    return this.#ms;
  }

  /** The last dial did not connect in time: doubles the timeout, up to 20 s or the first one if that is longer. */
  onTimeout(): void {
    this.#ms = Math.min(this.#ms * 2, Math.max(growthLimitMs, this.#firstMs));
  }

  /** A dial connected in `tookMs`: the next may take four times as long, but never less than the first timeout. */
  onConnected(tookMs: number): void {
    this.#ms = Math.max(this.#firstMs, Math.min(4 * Math.round(tookMs), growthLimitMs));
  }
}
