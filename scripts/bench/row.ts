/** What a row of the benchmark says: what is measured, the bar it is held against, what the reference agent reached. Pure. */

/** What was started: the sources, or the minified bundle. */
export const programs = ["source", "bundle"] as const;

/** One of them. */
export type Program = typeof programs[number];

/** The routers that a benchmark can run on: the one of the local Studio, or Crossbar.io. */
export const routers = ["embedded", "crossbar"] as const;

/** One of them. */
export type RouterName = typeof routers[number];

/** Rows that are measured together, in the order in which they are run and shown. */
export const groupNames = [
  "start",
  "memory",
  "calls",
  "reconcile",
  "install",
  "update",
  "logs",
  "stop",
  "payload",
  "load",
  "fleet",
  "absence",
  "day",
  "transitions",
] as const;

/** One of them. */
export type GroupName = typeof groupNames[number];

/** Those that take so long that they are measured only when they are named. */
export const longGroups: readonly GroupName[] = ["absence", "day", "transitions"];

/** What values are counted in. */
export type Unit =
  | "ms"
  | "MiB"
  | "bytes"
  | "%"
  | "% per 1,000 lines/s"
  | "calls/s"
  | "lines/s"
  | "lines"
  | "modules"
  | "";

/** One value for all, or one for each program or router. */
export type Limit = number | Readonly<Record<Program, number>> | Readonly<Record<RouterName, number>>;

/** `aboveYardstick`: at most the yardstick's value and so much more. */
export interface Bar {
  kind: "most" | "least" | "aboveYardstick";
  limit: Limit;
}

/** A row of the table. */
export interface Row {
  group: GroupName;
  name: string;
  unit: Unit;
  /** Undefined where nothing is set. */
  bar?: Bar;
  /** What the reference agent reached on a machine of two processors, through Crossbar.io; a range where it varied. */
  reference?: readonly [number] | readonly [number, number];
  /** What the same machine needs, in the same run, for the simple thing that the value contains. */
  yardstick?: string;
}
