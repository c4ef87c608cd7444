/** Brings the device in line with what is stored, at the start and without Studio. */

import { type Dict, isDict, parseJson } from "../../base/json.ts";
import type { AppRequest } from "../../model/app.ts";
import { isUsableAppName } from "../../model/app_names.ts";
import { composeProjectLabel } from "../../model/labels.ts";
import { composeFileName, projectOwnerOf } from "../../model/owner.ts";
import { requestLimitBytes } from "../../model/request_limits.ts";
import { isGone, type LiveApp } from "../state/live_app.ts";
import { EngineSnapshot } from "../watch/engine_snapshot.ts";
import { projectFolderOf } from "../watch/compose_facts.ts";
import { adoptedProject, adoptedRequest } from "./adopted_request.ts";
import type { ReconcileDeps } from "./reconcile_deps.ts";
import { isDriven, startPauseMs, startWanted } from "./start_wanted.ts";
import { observeApps } from "./observe_apps.ts";

/**
 * Sets the states of all apps to what the engine has, then starts what is stored as wanted and can be done without
 * Studio. Resolves when the states are right; the starts go on. Containers without an app are left to the next connect,
 * because only Studio knows whether they belong to apps that a lost database has forgotten. With `isRebuilt`, apps of
 * unknown containers are adopted first. Throws `engine_unreachable`, `engine_failed`, `store_failed`, `canceled`.
 */
export async function reconcileLocal(
  deps: ReconcileDeps,
  options: { isRebuilt: boolean; signal: AbortSignal },
): Promise<void> {
  const { isRebuilt, signal } = options;
  const snapshot = await EngineSnapshot.take(deps.engine, { clock: deps.clock, signal });
  const { takenAtMs } = snapshot;
  if (isRebuilt) await adoptContainers(deps, snapshot, signal);
  for (const { app, observed } of observeApps(deps, snapshot)) {
    await deps.workerOf(app.id).correct(observed, { isReported: false, takenAtMs });
  }
  deps.keep(startWanted(deps, { origin: "boot", pauseMs: startPauseMs, isWanted: mayStartOffline }));
}

/** What runs goes on, as the app that it was created for. */
async function adoptContainers(deps: ReconcileDeps, snapshot: EngineSnapshot, signal: AbortSignal): Promise<void> {
  const { records, engine, log } = deps;
  for (const { id } of snapshot.containers) {
    const container = await engine.inspect(id, signal);
    const request = container && adoptedRequest(container);
    if (request === undefined || records.find(request) !== undefined) continue;
    log.warn("Adopted an app from its container", { app: request.appName, appKey: request.appKey });
    records.store(request);
  }
  await adoptProjects(deps, snapshot, signal);
}

/** With the compose file that is still in the app's folder. */
async function adoptProjects(deps: ReconcileDeps, snapshot: EngineSnapshot, signal: AbortSignal): Promise<void> {
  const { records, engine, folders, log } = deps;
  for (const [, containers] of Map.groupBy(snapshot.containers, ({ labels }) => labels[composeProjectLabel])) {
    const [first] = containers;
    const app = first && projectOwnerOf(first, folders);
    if (app === undefined || !isUsableAppName(app.appName) || records.find(app.id) !== undefined) continue;
    const definition = await readDefinition(`${projectFolderOf(folders, app)}/${composeFileName}`);
    if (definition === undefined) {
      log.warn("Cannot adopt an app from its project, its compose file cannot be read", { app: app.appName });
      continue;
    }
    const details = await Promise.all(containers.map(({ id }) => engine.inspect(id, signal)));
    log.warn("Adopted an app from its project", { app: app.appName, appKey: app.id.appKey });
    records.store(adoptedProject(app, { definition, containers: details.filter((one) => one !== undefined) }));
  }
}

/** Undefined for what is no compose file. */
async function readDefinition(path: string): Promise<Dict | undefined> {
  try {
    const { size, isFile } = await Deno.lstat(path);
    if (!isFile || size > requestLimitBytes) return undefined;
    const definition = parseJson(await Deno.readTextFile(path));
    return isDict(definition) && isDict(definition.services) ? definition : undefined;
  } catch {
    // It is missing or cannot be read.
    return undefined;
  }
}

/** Nothing is downloaded and nothing is built offline. */
function mayStartOffline(app: LiveApp, request: AppRequest): boolean {
  if (!isDriven(app, request) || (app.state === app.target && app.isUnsettled !== true)) return false;
  if (isGone(app.state) && !isGone(app.target)) return false;
  return !(app.target === "PRESENT" && request.requestUpdate);
}
