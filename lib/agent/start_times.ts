/** How long each phase of a start took, for the operator. */

import type { Clock } from "../async/clock.ts";

/** The marks of a start, in the order in which they are printed. */
export const startMarks = ["log", "config", "database", "container engine", "connection", "boot"] as const;

/** One of them. */
export type StartMark = typeof startMarks[number];

/** Records when each phase had passed, counted from construction. */
export class StartTimes {
  readonly #clock: Pick<Clock, "now">;
  readonly #beganAt: number;
  readonly #marks = new Map<StartMark, number>();

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
    this.#beganAt = clock.now();
  }

  /** True once a phase has passed. */
  has(mark: StartMark): boolean {
    return this.#marks.has(mark);
  }

  /** A phase has passed; only the first time counts. */
  mark(mark: StartMark): void {
    if (!this.#marks.has(mark)) this.#marks.set(mark, Math.round(this.#clock.now() - this.#beganAt));
  }

  /** Six lines, framed by dashes: milliseconds since the start; a phase that has not passed has none. */
  lines(): string[] {
    const frame = "-".repeat(34);
    return [frame, ...startMarks.map((mark) => `${mark.padEnd(20)} ${this.#text(mark).padStart(13)}`), frame];
  }

  #text(mark: StartMark): string {
    const ms = this.#marks.get(mark);
    return ms === undefined ? "not yet" : `${ms} ms`;
  }
}
