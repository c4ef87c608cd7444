/** Matches the apps of the device with what the engine has. */

import { idText } from "../../model/app.ts";
import type { LiveApp } from "../state/live_app.ts";
import { formerPartsOf, type ObservedApp } from "../state/observed_app.ts";
import type { EngineSnapshot } from "../watch/engine_snapshot.ts";
import type { ReconcileDeps } from "./reconcile_deps.ts";

/**
 * All apps, each with what the snapshot has of it; nothing for a compose app, which is more than one container. Notes
 * in the apps what there is under other names.
 */
export function observeApps(
  { records, namesOf }: Pick<ReconcileDeps, "records" | "namesOf">,
  snapshot: EngineSnapshot,
): { app: LiveApp; observed: ObservedApp | undefined }[] {
  const requests = new Map(records.requests().map((request) => [idText(request), request]));
  return records.all().map((app) => {
    const isCompose = (requests.get(idText(app.id))?.dockerCompose ?? null) !== null;
    if (isCompose) return { app, observed: undefined };
    const observed = snapshot.find(app.id, namesOf(app));
    app.former = formerPartsOf(observed);
    return { app, observed };
  });
}
