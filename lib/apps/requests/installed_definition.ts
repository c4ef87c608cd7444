/** Keeps the compose file of a request in line with the release that is installed. Pure. */

import type { AppRequest } from "../../model/app.ts";
import type { StoredUpdate } from "../../store/update_rows.ts";
import { hasFailed } from "../plan/rollback.ts";
import type { LiveApp } from "../state/live_app.ts";

/**
 * The request with the compose file of the installed release. Studio may not have heard yet of an update that went
 * through, and calls the new file the newest; or of one that has failed, and calls its file the present one.
 */
export function withInstalledDefinition(
  request: AppRequest,
  { app, update }: { app: LiveApp; update: StoredUpdate | undefined },
): AppRequest {
  if (request.stage === "DEV" || app.version === "") return request;
  if (update !== undefined && hasFailed(request.presentVersion, update) && app.version === update.from.version) {
    return { ...request, dockerCompose: update.dockerCompose ?? null };
  }
  const isAdopted = request.requestUpdate && request.newestVersion === app.version &&
    request.presentVersion !== app.version;
  return isAdopted ? { ...request, dockerCompose: request.newDockerCompose } : request;
}
