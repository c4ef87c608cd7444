/** Decides which of the reports that wait on the disk still have to be sent. Pure. */

import { type AppIdText, idText, isAppState, isStage } from "../../model/app.ts";
import type { AppReport } from "../../backend/requests.ts";
import { type Dict, isCount, isDict } from "../../base/json.ts";
import type { WaitingReport } from "../../store/outbox_rows.ts";

/** A report that waits on the disk. */
export interface PendingReport {
  rowId: number;
  report: AppReport;
}

/** Reads the stored reports, oldest first. Leaves out what an agent of another version has left. */
export function decodeReports(stored: readonly WaitingReport[]): PendingReport[] {
  return stored.flatMap(({ rowId, report }) => {
    const decoded = decodeReport(report);
    return decoded === undefined ? [] : [{ rowId, report: decoded }];
  });
}

/** Leaves out states that are followed by another one of the same app, except milestones. */
export function foldReports(pending: readonly PendingReport[]): PendingReport[] {
  const last = new Map<AppIdText, number>();
  for (const { rowId, report } of pending) last.set(idText(report.id), rowId);
  return pending.filter(({ rowId, report }) => last.get(idText(report.id)) === rowId || isMilestone(report));
}

/** True for an update that went through and for a failure: Studio does not learn of them from any later state. */
export function isMilestone(report: AppReport): boolean {
  return report.updateStatus === "pending_remote_confirmation" || report.state === "FAILED";
}

function decodeReport(value: Dict): AppReport | undefined {
  const { id, state, requestorAccountKey, releaseKey, requestUpdate, releaseBuild, updateStatus } = value;
  if (!isDict(id) || !isCount(id.appKey) || !isStage(id.stage) || !isAppState(state)) return undefined;
  const statuses = ["", "pending_remote_confirmation", "completed", "canceled"] as const;
  return {
    id: { appKey: id.appKey, stage: id.stage },
    state,
    requestorAccountKey: isCount(requestorAccountKey) ? requestorAccountKey : 0,
    releaseKey: isCount(releaseKey) ? releaseKey : 0,
    requestUpdate: requestUpdate === true,
    releaseBuild: releaseBuild === true,
    updateStatus: statuses.find((known) => known === updateStatus) ?? "",
  };
}
