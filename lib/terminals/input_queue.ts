/** What viewers type, on its way to a shell. */

/** How much may wait: a shell that does not read must not fill the memory. */
export const inputLimitBytes = 4 * 1024 * 1024;

/** A large text must not lie in one write: a shell takes some kilobytes at a time. */
const writeBytes = 64 * 1024;

/** What happens to input. */
export interface InputQueueOptions {
  write(bytes: Uint8Array): Promise<void>;
  /** Called for input that is dropped because too much waits, or because the shell has ended. */
  onDropped(bytes: number): void;
}

/** Keeps the order, holds a bounded amount, and never makes anybody wait. */
export class InputQueue {
  readonly #options: InputQueueOptions;
  readonly #parts: Uint8Array[] = [];
  #waitingBytes = 0;
  #isWriting = false;
  #isEnded = false;

  constructor(options: InputQueueOptions) {
    this.#options = options;
  }

  /** Takes what was typed; what comes after the end or above the limit is dropped. */
  push(text: string): void {
    if (this.#isEnded || text === "") return;
    const bytes = new TextEncoder().encode(text);
    if (this.#waitingBytes + bytes.length > inputLimitBytes) return this.#options.onDropped(bytes.length);
    this.#parts.push(bytes);
    this.#waitingBytes += bytes.length;
    if (!this.#isWriting) this.#writeAll().catch(() => this.end());
  }

  /** Drops what waits, and everything that follows. */
  end(): void {
    this.#isEnded = true;
    this.#parts.length = 0;
    this.#waitingBytes = 0;
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    try {
      for (let part = this.#parts.shift(); part !== undefined; part = this.#parts.shift()) {
        for (let at = 0; at < part.length && !this.#isEnded; at += writeBytes) {
          const piece = part.subarray(at, at + writeBytes);
          await this.#options.write(piece);
          this.#waitingBytes = Math.max(0, this.#waitingBytes - piece.length);
        }
      }
    } finally {
      this.#isWriting = false;
    }
  }
}
