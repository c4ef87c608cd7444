/** What the benchmark is asked for on its command line. Pure. */

import { type Program, programs } from "./figures.ts";

/** The routers that a benchmark can run on: the one of the local Studio, or Crossbar.io. */
export type RouterName = "embedded" | "crossbar";

/** A benchmark as it was asked for. */
export interface BenchWish {
  router: RouterName;
  programs: readonly Program[];
  /** Measured starts of each program without apps, and again with apps. */
  starts: number;
  /** Seconds after a start before memory is read. */
  settleSeconds: number;
}

/** How the task is called. */
export const usage = "Usage: deno task bench [--router embedded|crossbar] [--program source|bundle] [--starts N] " +
  "[--settle SECONDS]";

const defaults: BenchWish = { router: "embedded", programs, starts: 3, settleSeconds: 20 };

/** Reads the arguments; undefined when they are wrong. */
export function readBenchWish(args: readonly string[]): BenchWish | undefined {
  const wish = { ...defaults };
  for (let index = 0; index < args.length; index += 2) {
    const [name, value = ""] = [args[index], args[index + 1]];
    const count = /^[1-9][0-9]{0,2}$/.test(value) ? Number(value) : undefined;
    const program = programs.find((known) => known === value);
    if (name === "--router" && (value === "embedded" || value === "crossbar")) wish.router = value;
    else if (name === "--program" && program !== undefined) wish.programs = [program];
    else if (name === "--starts" && count !== undefined) wish.starts = count;
    else if (name === "--settle" && count !== undefined) wish.settleSeconds = count;
    else return undefined;
  }
  return wish;
}
