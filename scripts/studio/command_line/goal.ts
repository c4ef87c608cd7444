/** Says when a device has done what it was asked. Pure. */

import type { AppState } from "../../../lib/model/app.ts";
import { type Dict, isCount, isDict } from "../../../lib/base/json.ts";
import type { Report } from "../reports.ts";

/** What is waited for. */
export interface Goal {
  appKey: number;
  target: AppState;
  /** The key of the release that an update ends with; undefined when none was asked for. */
  updateTo: number | undefined;
}

/** The parts of a report that people see. */
export type SeenReport = Pick<Report, "at" | "serial" | "appKey" | "appName" | "state" | "releaseKey" | "updateStatus">;

/** How it stands after a report. */
export type Judgement = { kind: "goingOn" } | { kind: "reached" } | { kind: "failed"; why: string };

/** Judges the reports of the goal's app, in order; the last one decides. */
export function judge(goal: Goal, reports: readonly SeenReport[]): Judgement {
  const last = reports.at(-1);
  if (last === undefined) return { kind: "goingOn" };
  if (last.state === "FAILED") return { kind: "failed", why: "the device reports FAILED and tries again by itself" };
  if (goal.updateTo === undefined) return { kind: last.state === goal.target ? "reached" : "goingOn" };
  const hasBegun = reports.some((report) => report.state === "UPDATING");
  if (last.state !== goal.target) return { kind: "goingOn" };
  if (last.releaseKey === goal.updateTo) return { kind: "reached" };
  if (last.updateStatus === "canceled" && hasBegun) return { kind: "failed", why: "the update was canceled" };
  return hasBegun ? { kind: "failed", why: "the device went back to the version before" } : { kind: "goingOn" };
}

/** Reads a report from the Studio's own topic; undefined when it is none. */
export function readReport(value: unknown): SeenReport | undefined {
  if (!isDict(value) || !isSeenReport(value)) return undefined;
  return value;
}

function isSeenReport(value: Dict): value is Dict & SeenReport {
  const texts = ["at", "serial", "appName", "state", "updateStatus"];
  return texts.every((name) => typeof value[name] === "string") && isCount(value.appKey) && isCount(value.releaseKey);
}
