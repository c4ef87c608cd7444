/** The newest warnings and errors of the log, in memory, for those who ask the running agent what is wrong. */

import { localTimeText } from "../base/local_time.ts";
import type { LogEntry } from "./format.ts";

/** One of them. */
export interface Problem {
  /** RFC 3339. */
  time: string;
  level: string;
  message: string;
  /** What the line says about the error; absent when it says nothing. */
  error?: string;
}

/** How many are kept. */
export const problemLimit = 10;

const errorLimitChars = 1_000;

/** Keeps the newest ones since the start. */
export class LastProblems {
  readonly #problems: Problem[] = [];

  /** Takes every line of the log. */
  take({ level, message, fields, date }: LogEntry): void {
    if (!["warn", "error", "fatal", "panic"].includes(level)) return;
    const { error } = fields;
    const said = typeof error === "string" ? { error: error.slice(0, errorLimitChars) } : {};
    this.#problems.push({ time: localTimeText(date), level, message, ...said });
    if (this.#problems.length > problemLimit) this.#problems.shift();
  }

  /** Oldest first. */
  list(): Problem[] {
    return [...this.#problems];
  }
}
