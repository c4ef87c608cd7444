/** A program on a terminal: what sessions need of it, wherever it runs. */

import type { TerminalSize } from "../docker/exec.ts";

/** A shell that runs. */
export interface Shell {
  /** The next output, valid until the next call; undefined once the shell has ended and all of it was read. */
  read(): Promise<Uint8Array | undefined>;
  /** Resolves when the shell has taken all of it. Throws when it has ended. */
  write(bytes: Uint8Array): Promise<void>;
  /** Throws when the shell has ended. */
  resize(size: TerminalSize, signal: AbortSignal): Promise<void>;
  /** Ends it: its hang-up signal, then KILL. Resolves when it is gone, or cannot be ended. Never throws. */
  end(): Promise<void>;
}
