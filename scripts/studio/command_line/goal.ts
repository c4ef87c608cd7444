/** Decides when a device has done what was requested. Pure. */

import type { AppState } from "../../../lib/model/app.ts";
import { type Dict, isCount, isDict } from "../../../lib/base/json.ts";
import type { Report } from "../reports.ts";

/** The goal of a request. */
export interface Goal {
  appKey: number;
  target: AppState;
  /** The key of the release that an update must end with; undefined when no update was requested. */
  updateTo: number | undefined;
}

/** The members of a report that are published. */
export type PublicReport = Pick<
  Report,
  "at" | "serial" | "appKey" | "appName" | "state" | "releaseKey" | "updateStatus"
>;

/** The state of a goal. */
export type Judgement = { kind: "inProgress" } | { kind: "reached" } | { kind: "failed"; reason: string };

/** Judges a goal by the reports of its app, in order; the last one decides. */
export function judge(goal: Goal, reports: readonly PublicReport[]): Judgement {
  const last = reports.at(-1);
  if (last === undefined) return { kind: "inProgress" };
  if (last.state === "FAILED") return { kind: "failed", reason: "the device reports FAILED and retries by itself" };
  if (goal.updateTo === undefined) return { kind: last.state === goal.target ? "reached" : "inProgress" };
  const hasBegun = reports.some((report) => report.state === "UPDATING");
  if (last.state !== goal.target) return { kind: "inProgress" };
  if (last.releaseKey === goal.updateTo) return { kind: "reached" };
  if (last.updateStatus === "canceled" && hasBegun) return { kind: "failed", reason: "the update was canceled" };
  return hasBegun
    ? { kind: "failed", reason: "the device rolled back to the previous version" }
    : { kind: "inProgress" };
}

/** Reads a report from the Studio's own topic; undefined when it is invalid. */
export function readReport(value: unknown): PublicReport | undefined {
  if (!isDict(value) || !isPublicReport(value)) return undefined;
  return value;
}

function isPublicReport(value: Dict): value is Dict & PublicReport {
  const texts = ["at", "serial", "appName", "state", "updateStatus"];
  return texts.every((name) => typeof value[name] === "string") && isCount(value.appKey) && isCount(value.releaseKey);
}
