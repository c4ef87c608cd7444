/** How long each part of a start took, for the operator. */

import type { Clock } from "../async/clock.ts";

/** The marks of a start, in the order in which they are told. */
export const startMarks = ["log", "config", "database", "container engine", "connection", "boot"] as const;

/** One of them. */
export type StartMark = typeof startMarks[number];

/** Notes when each part was through, counted from the construction. */
export class StartTimes {
  readonly #clock: Pick<Clock, "now">;
  readonly #beganAt: number;
  readonly #marks = new Map<StartMark, number>();

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
    this.#beganAt = clock.now();
  }

  /** True once a part was noted. */
  has(mark: StartMark): boolean {
    return this.#marks.has(mark);
  }

  /** A part is through; only the first time counts. */
  mark(mark: StartMark): void {
    if (!this.#marks.has(mark)) this.#marks.set(mark, Math.round(this.#clock.now() - this.#beganAt));
  }

  /** Six lines, framed by dashes: milliseconds since the start; a part that is not through has none. */
  lines(): string[] {
    const frame = "-".repeat(34);
    return [frame, ...startMarks.map((mark) => `${mark.padEnd(20)} ${this.#text(mark).padStart(13)}`), frame];
  }

  #text(mark: StartMark): string {
    const ms = this.#marks.get(mark);
    return ms === undefined ? "not yet" : `${ms} ms`;
  }
}
