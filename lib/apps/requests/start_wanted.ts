/** Starts the work that leads from the states of apps to what is stored as wanted. */

import type { AppRequest } from "../../model/app.ts";
import type { LiveApp } from "../state/live_app.ts";
import type { EngineSnapshot } from "../watch/engine_snapshot.ts";
import type { Origin } from "../work/attempt.ts";
import type { ReconcileDeps } from "./reconcile_deps.ts";

/** Between two starts, so that a device with many apps does not do everything at once. */
export const startPauseMs = 100;

/** Starts what is wanted, in the order of the requests. Does not wait for the end of the work. */
export async function startWanted(
  deps: ReconcileDeps,
  options: {
    origin: Origin;
    pauseMs: number;
    isWanted(app: LiveApp, request: AppRequest): boolean;
    /** A snapshot that was taken just now. */
    snapshot?: EngineSnapshot;
  },
): Promise<void> {
  const { snapshot } = options;
  for (const request of deps.records.requests()) {
    const app = deps.records.find(request);
    if (app === undefined || !options.isWanted(app, request)) continue;
    const images = deps.projects.imagesOf(app, request);
    const found = snapshot?.find(app.id, deps.namesOf(app), { images, folders: deps.folders });
    const observed = snapshot && found && { ...found, takenAtMs: snapshot.takenAtMs };
    deps.keep(deps.workerOf(app.id).act(request, { origin: options.origin, observed }));
    if (options.pauseMs > 0) await deps.clock.sleep(options.pauseMs, deps.life);
  }
}

/** Starts again what is wanted, after a time in which it was refused. Does not wait for the end of the work. */
export function resumeWanted(deps: ReconcileDeps): void {
  deps.keep(startWanted(deps, { origin: "sync", pauseMs: startPauseMs, isWanted: isDriven }));
}

/** True for an app that the agent brings to its wanted state by itself: DEV apps wait for their developer. */
export function isDriven(_app: LiveApp, request: AppRequest): boolean {
  return request.stage === "PROD" && request.target !== "PUBLISHED" && request.target !== "BUILT";
}
