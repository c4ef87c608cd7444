/** Keeps what a request says of the installed release in line with the device. Pure. */

import type { AppRequest } from "../../model/app.ts";
import type { StoredUpdate } from "../../store/update_rows.ts";
import { hasFailed } from "../plan/rollback.ts";
import { isGone, type LiveApp } from "../state/live_app.ts";
import { stableTarget } from "../state/transitions.ts";

/**
 * The request with the release that is installed, and its compose file. Studio may not have heard yet of an update that
 * went through, and calls the new file the newest; or of one that has failed, and calls its file the present one.
 */
export function withInstalledDefinition(
  request: AppRequest,
  { app, update, stored }: {
    app: LiveApp;
    update: StoredUpdate | undefined;
    /** The request before. */
    stored?: AppRequest | undefined;
  },
): AppRequest {
  if (request.stage === "DEV" || app.version === "") return request;
  const known = { presentVersion: app.version, releaseKey: app.releaseKey };
  if (update !== undefined && hasFailed(request.presentVersion, update) && app.version === update.from.version) {
    return { ...request, ...known, dockerCompose: update.dockerCompose ?? null };
  }
  const isAdopted = request.requestUpdate && request.newestVersion === app.version &&
    request.presentVersion !== app.version;
  if (isAdopted) return { ...request, ...known, dockerCompose: request.newDockerCompose };
  // A release does not change its kind, and what is installed has to be stopped and removed with its own file.
  const isSame = isGone(stableTarget(request.target)) || ["", app.version].includes(request.presentVersion);
  if (request.dockerCompose !== null || !isSame || isGone(app.state)) return request;
  return { ...request, dockerCompose: stored?.dockerCompose ?? null };
}
