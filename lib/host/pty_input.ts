/**
 * Writes to the master side of a pseudoterminal. The runtime's own stream for terminals never goes on once a terminal
 * was full, which it is after 4 KiB that no program has read.
 */

import { AgentError, textOf } from "../base/errors.ts";

/** The C library of every Linux that the agent is built for. */
const library = "libc.so.6";

const symbols = { write: { parameters: ["i32", "buffer", "usize"], result: "isize" } } as const;

const writeLimitBytes = 64 * 1024;

/** Between two attempts while the terminal is full. */
const retryMs = { first: 1, limit: 20 };

/** Input of one pseudoterminal. */
export class PtyInput {
  readonly #library: Deno.DynamicLibrary<typeof symbols>;
  #isClosed = false;

  /** Throws `not_available` where the library cannot be loaded. */
  constructor() {
    try {
      this.#library = Deno.dlopen(library, symbols);
    } catch (error) {
      throw new AgentError("not_available", `Cannot load "${library}": ${textOf(error)}`, { cause: error });
    }
  }

  /**
   * Resolves when the terminal behind this file, which must be in non-blocking mode, has taken all of it. Throws
   * `io_failed` when it was closed before.
   */
  async write(fd: number, bytes: Uint8Array): Promise<void> {
    let waitMs = retryMs.first;
    for (let done = 0; done < bytes.length;) {
      if (this.#isClosed) throw new AgentError("io_failed", "The terminal has ended");
      const part = bytes.slice(done, done + writeLimitBytes);
      const size = Number(this.#library.symbols.write(fd, part, BigInt(part.length)));
      if (size > 0) {
        done += size;
        waitMs = retryMs.first;
        continue;
      }
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      waitMs = Math.min(2 * waitMs, retryMs.limit);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#library.close();
  }
}
