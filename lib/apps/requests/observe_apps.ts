/** Matches the apps of the device with what the engine has. */

import { idText } from "../../model/app.ts";
import type { LiveApp } from "../state/live_app.ts";
import { formerPartsOf, type ObservedApp } from "../state/observed_app.ts";
import type { EngineSnapshot } from "../watch/engine_snapshot.ts";
import type { ReconcileDeps } from "./reconcile_deps.ts";

/**
 * All apps, each with what the snapshot has of it. Notes in the apps what there is under other names.
 */
export function observeApps(
  { folders, records, namesOf, projects }: Pick<ReconcileDeps, "folders" | "records" | "namesOf" | "projects">,
  snapshot: EngineSnapshot,
): { app: LiveApp; observed: ObservedApp }[] {
  const requests = new Map(records.requests().map((request) => [idText(request), request]));
  return records.all().map((app) => {
    const images = projects.imagesOf(app, requests.get(idText(app.id)));
    const observed = snapshot.find(app.id, namesOf(app), { images, folders });
    app.former = formerPartsOf(observed);
    return { app, observed };
  });
}
