/** Bounds on values from outside: a decoder checks them before it looks closer or quotes anything. Pure. */

import { AgentError } from "./errors.ts";

/** How big a value may be. What is absent is not bounded. */
export interface Bounds {
  /** Characters of all texts and member names in it together; every other value counts as one. */
  chars: number;
  /** Entries of each list and members of each object in it. */
  entries?: number;
  /** Lists and objects within each other. */
  depth?: number;
}

/**
 * What is wrong with the size of a JSON value, as in `has more than 100 entries`; undefined when it is within `bounds`.
 * Stops at the first excess, so that it costs no more than a value within the bounds.
 */
export function excessOf(value: unknown, bounds: Bounds): string | undefined {
  const { chars, entries = Infinity, depth = Infinity } = bounds;
  const left: { value: unknown; depth: number }[] = [{ value, depth: 1 }];
  let leftChars = chars;
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    leftChars -= typeof next.value === "string" ? next.value.length : 1;
    if (leftChars < 0) return `has more than ${chars} characters`;
    if (typeof next.value !== "object" || next.value === null) continue;
    if (next.depth > depth) return `is nested deeper than ${depth} levels`;
    const { names, children } = contentOf(next.value);
    if (children.length > entries) return `has more than ${entries} entries`;
    if (children.length > leftChars) return `has more than ${chars} characters`;
    for (const name of names) leftChars -= name.length;
    for (const child of children) left.push({ value: child, depth: next.depth + 1 });
  }
  return undefined;
}

/** Throws `bad_request` ("Cannot read <where>: <path> has more than …") when `value` is beyond `bounds`. */
export function assertBounds(value: unknown, { where, path, bounds }: {
  where: string;
  path: string;
  bounds: Bounds;
}): void {
  const excess = excessOf(value, bounds);
  if (excess !== undefined) throw new AgentError("bad_request", `Cannot read ${where}: ${path} ${excess}`);
}

/** The first few of a list, and how many there are: for one log line about all of them. */
export function summarize(texts: readonly string[]): { count: number; first: string[] } {
  return { count: texts.length, first: texts.slice(0, summaryLimit) };
}

const summaryLimit = 5;

function contentOf(value: object): { names: readonly string[]; children: readonly unknown[] } {
  if (Array.isArray(value)) return { names: [], children: value };
  return { names: Object.keys(value), children: Object.values(value) };
}
