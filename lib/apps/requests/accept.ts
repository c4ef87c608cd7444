/** Takes what Studio asks: into the database, or into memory when the disk is too full and the request makes room. */

import type { AppRequest } from "../../model/app.ts";
import { hasCode } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { StateReporter } from "../report/state_reporter.ts";
import { makesRoom } from "../plan/decide.ts";
import type { AppRecords } from "../state/app_records.ts";

/** What requests are taken with. */
export interface AcceptDeps {
  records: AppRecords;
  reporter: Pick<StateReporter, "storeLater">;
  log: Log;
}

/**
 * Takes a request; true when it is stored. A full disk is when people remove apps to get room, so what makes room is acted on although
 * it is in memory only, and stored once there is room. After an end of the agent before that, Studio's next answer tells it again.
 * `isQuestion`: Studio asks by itself, and does not repeat what it wants. Throws `store_failed` for everything else that cannot be
 * stored; nothing of it is kept then.
 */
export function acceptRequest(
  { records, reporter, log }: AcceptDeps,
  request: AppRequest,
  { isQuestion }: { isQuestion: boolean },
): boolean {
  const known = records.find(request);
  try {
    if (isQuestion && known !== undefined) records.updates.noteRequest(known, request);
    records.store(request);
    return true;
  } catch (error) {
    if (!hasCode(error, "store_failed") || !makesRoom(known, request)) throw error;
    const { appName: app, target } = request;
    log.error("Cannot store what Studio wants of an app, doing it nevertheless", { app, target, error });
    reporter.storeLater(records.hold(request));
    return false;
  }
}
