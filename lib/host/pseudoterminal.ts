/** What a program on a terminal of its own offers, however the terminal is made. */

/** What to run. */
export interface PtyOptions {
  program: string;
  args: readonly string[];
  /** All variables of the program. */
  env: Readonly<Record<string, string>>;
  folder: string;
  rows: number;
  columns: number;
}

/** A program that runs on a terminal. */
export interface Pty {
  readonly pid: number;
  /** The next output; undefined once the program has ended and all of it was read. */
  read(): Promise<Uint8Array | undefined>;
  /** Resolves when the terminal has taken all of it. Throws `io_failed`. */
  write(bytes: Uint8Array): Promise<void>;
  resize(size: { rows: number; columns: number }): Promise<void>;
  /** Closes the terminal: what runs on it is hung up. */
  close(): void;
}
