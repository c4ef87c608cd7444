/** Reads the command line of the test task. Pure. */

import type { Filter } from "./selection.ts";

/** What the command line asks for. */
export interface TestArguments extends Filter {
  /** Runs the whole fault table instead of a sample. */
  isNightly: boolean;
}

/** Reads the arguments of the task; undefined when they are wrong. */
export function readTestArguments(args: readonly string[]): TestArguments | undefined {
  const isNightly = args.includes("--nightly");
  const options = args.filter((arg) => arg.startsWith("-") && arg !== "--nightly");
  const substrings = args.filter((arg) => !arg.startsWith("-")).map((arg) => arg.replace(/^\.\//, ""));
  if (options.length === 0) return { substrings, isNightly };
  if (options.length === 1 && options[0] === "--unit") return { substrings, isNightly, only: "unit" };
  if (options.length === 1 && options[0] === "--box") return { substrings, isNightly, only: "box" };
  return undefined;
}
