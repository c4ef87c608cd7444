/** Decides when a device has done what was requested. Pure. */

import { type AppState, isStage, type Stage } from "../../../lib/model/app.ts";
import { type Dict, isCount, isDict } from "../../../lib/base/json.ts";
import type { Report } from "../reports.ts";

/** The goal of a request. */
export interface Goal {
  appKey: number;
  stage: Stage;
  target: AppState;
  /** The key of the release that an update must end with; undefined when no update was requested. */
  updateTo: number | undefined;
}

/** The members of a report that are published. */
export type PublicReport = Pick<
  Report,
  "at" | "serial" | "appKey" | "appName" | "stage" | "state" | "releaseKey" | "updateStatus"
>;

/** The state of a goal. */
export type Judgement = { kind: "inProgress" } | { kind: "reached" } | { kind: "failed"; reason: string };

/** Judges a goal by the reports of its app, in order; the last one decides. */
export function judge(goal: Goal, reports: readonly PublicReport[]): Judgement {
  const last = reports.at(-1);
  if (last === undefined) return { kind: "inProgress" };
  if (last.state === "FAILED") return { kind: "failed", reason: failureText(goal.stage) };
  if (goal.updateTo === undefined) return { kind: isReached(goal.target, reports) ? "reached" : "inProgress" };
  const hasBegun = reports.some((report) => report.state === "UPDATING");
  if (last.state !== goal.target) return { kind: "inProgress" };
  if (last.releaseKey === goal.updateTo) return { kind: "reached" };
  if (last.updateStatus === "canceled" && hasBegun) return { kind: "failed", reason: "the update was canceled" };
  return hasBegun
    ? { kind: "failed", reason: "the device rolled back to the previous version" }
    : { kind: "inProgress" };
}

/** What was built is reported as `PRESENT` right after. */
function isReached(target: AppState, reports: readonly PublicReport[]): boolean {
  const states = reports.slice(-2).map(({ state }) => state);
  return states.at(-1) === target || (target === "BUILT" && states.join() === "BUILT,PRESENT");
}

/** A DEV app waits for its developer. */
function failureText(stage: Stage): string {
  return `the device reports FAILED${stage === "DEV" ? "" : " and retries by itself"}`;
}

/** Reads a report from the Studio's own topic; undefined when it is invalid. */
export function readReport(value: unknown): PublicReport | undefined {
  if (!isDict(value) || !isPublicReport(value)) return undefined;
  return value;
}

function isPublicReport(value: Dict): value is Dict & PublicReport {
  const texts = ["at", "serial", "appName", "state", "updateStatus"];
  const areTexts = texts.every((name) => typeof value[name] === "string");
  return areTexts && isStage(value.stage) && isCount(value.appKey) && isCount(value.releaseKey);
}
