/** Accepts a request of Studio: into the database, or into memory when the disk is full and the request frees space. */

import type { AppRequest } from "../../model/app.ts";
import { hasCode } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { StateReporter } from "../report/state_reporter.ts";
import { freesSpace } from "../plan/decide.ts";
import type { AppRecords } from "../state/app_records.ts";
import { fitRequest } from "./fit_request.ts";
import { withInstalledDefinition } from "./installed_definition.ts";

/** What requests are accepted with. */
export interface AcceptDeps {
  records: AppRecords;
  reporter: Pick<StateReporter, "storeLater">;
  /** Called before anything of the request can get into the log. */
  hideSecretsOf(request: AppRequest): void;
  log: Log;
}

/**
 * Accepts a request; true when it is stored. A full disk is when people remove apps, so a request that frees space is
 * carried out although it is only held in memory, and stored later. If the agent ends before that, Studio's next answer
 * repeats it. `isUnprompted`: Studio has sent the request of its own accord, not as an answer. Throws `store_failed`
 * for any other request that cannot be stored, and `bad_request` for one that is beyond the limits of the device;
 * nothing of it is kept.
 */
export function acceptRequest(
  { records, reporter, hideSecretsOf, log }: AcceptDeps,
  options: { request: AppRequest; isUnprompted: boolean },
): boolean {
  const { isUnprompted } = options;
  const known = records.find(options.request);
  const asked = known === undefined ? options.request : withInstalledDefinition(options.request, {
    app: known,
    update: records.updates.find(known.id),
    stored: records.request(known.id),
  });
  const request = fitRequest(records, { request: asked, known });
  hideSecretsOf(request);
  try {
    if (isUnprompted && known !== undefined) records.updates.noteRequest(known, request);
    records.store(request);
    return true;
  } catch (error) {
    if (!hasCode(error, "store_failed") || !freesSpace(known, request)) throw error;
    const { appName: app, target } = request;
    log.error("Cannot store what Studio wants of an app, doing it nevertheless", { app, target, error });
    reporter.storeLater(records.hold(request));
    return false;
  }
}
