/**
 * Lines for standard output and error, written in the background: a stalled or closed reader must not stop the agent.
 */

/** Where the bytes go: `Deno.stdout` or `Deno.stderr`. */
export interface ByteOutput {
  write(bytes: Uint8Array): Promise<number>;
}

/** Bytes that may wait for a slow reader. */
export const waitingLimitBytes = 1_048_576;

/** The lines of one output. Lines above the limit are dropped and counted; once the reader is gone, all are dropped. */
export class LineStream {
  readonly #output: ByteOutput;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #isClosed = false;
  #isWriting = false;
  #run: Promise<void> = Promise.resolve();

  constructor(output: ByteOutput) {
    this.#output = output;
  }

  /** Takes a line with its line feed. */
  write(line: string): void {
    if (this.#isClosed) return;
    const bytes = new TextEncoder().encode(line);
    if (this.#waitingBytes + bytes.length > waitingLimitBytes) {
      this.#lost += 1;
      return;
    }
    this.#push(bytes);
    if (!this.#isWriting) this.#run = this.#writeAll();
  }

  /** Resolves when nothing waits any more, which may be never. */
  async written(): Promise<void> {
    await this.#run;
  }

  #push(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    for (let bytes = this.#waiting.shift(); bytes !== undefined; bytes = this.#waiting.shift()) {
      try {
        for (let done = 0; done < bytes.length;) done += await this.#output.write(bytes.subarray(done));
        this.#reportLost();
      } catch (error) {
        // The disk behind the output may be full, or the output not ready: later lines may pass.
        this.#lost += 1;
        if (error instanceof Deno.errors.BrokenPipe) this.#close();
      }
      this.#waitingBytes = Math.max(0, this.#waitingBytes - bytes.length);
    }
    this.#isWriting = false;
  }

  /** After the waiting lines, because the lost ones came after them. */
  #reportLost(): void {
    if (this.#lost === 0) return;
    const lost = this.#lost;
    this.#lost = 0;
    this.#push(new TextEncoder().encode(`… ${lost} line(s) lost\n`));
  }

  #close(): void {
    this.#isClosed = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}
