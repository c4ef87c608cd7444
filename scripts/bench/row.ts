/** A row of the benchmark: what is measured, its target, and what the reference agent reached. Pure. */

/** The programs that a benchmark can run: the sources, or the minified bundle. */
export const programs = ["source", "bundle"] as const;

/** One of them. */
export type Program = typeof programs[number];

/** The routers that a benchmark can use: that of the local Studio, or Crossbar.io. */
export const routers = ["embedded", "crossbar"] as const;

/** One of them. */
export type RouterName = typeof routers[number];

/** The groups of rows that are measured together, in the order in which they are run and shown. */
export const groupNames = [
  "start",
  "memory",
  "calls",
  "reconcile",
  "install",
  "update",
  "logs",
  "terminals",
  "stop",
  "payload",
  "compose",
  "dev",
  "tunnels",
  "local",
  "load",
  "fleet",
  "absence",
  "day",
  "transitions",
  "log_query",
] as const;

/** One of them. */
export type GroupName = typeof groupNames[number];

/** Groups that take so long that they are measured only on request. */
export const longGroups: readonly GroupName[] = ["absence", "day", "transitions", "log_query"];

/** The unit of a row. */
export type Unit =
  | "ms"
  | "MiB"
  | "bytes"
  | "%"
  | "% per 1,000 lines/s"
  | "calls/s"
  | "lines/s"
  | "MB/s"
  | "lines"
  | "modules"
  | "";

/** One value for all, or one value for each program or router. */
export type TargetLimit = number | Readonly<Record<Program, number>> | Readonly<Record<RouterName, number>>;

/** A target; `aboveYardstick` allows the value of the yardstick plus the limit. */
export interface Target {
  kind: "atMost" | "atLeast" | "aboveYardstick";
  limit: TargetLimit;
}

/** A row of the table. */
export interface Row {
  group: GroupName;
  name: string;
  unit: Unit;
  /** Undefined for a row that is only shown. */
  target?: Target;
  /** What the reference agent reached on a machine of two processors, through Crossbar.io; a range where it varied. */
  reference?: readonly [number] | readonly [number, number];
  /** What the same machine needs in the same run for the simple operation that the value contains. */
  yardstick?: string;
}
