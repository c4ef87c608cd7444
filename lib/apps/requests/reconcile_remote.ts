/** Brings the device in line with what Studio wants, on every connect. */

import { throwIfAborted } from "../../async/deadline.ts";
import { Semaphore } from "../../async/semaphore.ts";
import { EngineSnapshot } from "../watch/engine_snapshot.ts";
import { applyAnswer } from "./apply_answer.ts";
import { observeApps } from "./observe_apps.ts";
import type { ReconcileDeps } from "./reconcile_deps.ts";
import { isDriven, startWanted } from "./start_wanted.ts";

/** Reports that are sent at the same time, so that a slow link does not delay each app in turn. */
const reportsAtOnce = 8;

/** Studio is asked again after this time when it names no app at all. */
const doubtMs = 1_000;

/**
 * Asks Studio what it wants of this device: apps that it does not name are removed, its requests are stored, every app
 * is reported, and the work on what is wanted starts. Reports and work happen even when Studio does not answer, except
 * with `isRepeated`: the first try did them, and doing them again would end the waits of apps that fail. Can be
 * repeated as a whole. Throws what the question to Studio threw, `engine_unreachable`, `engine_failed`, `store_failed`,
 * `canceled`.
 */
export async function reconcileRemote(
  deps: ReconcileDeps,
  options: { isRepeated: boolean; signal: AbortSignal },
): Promise<void> {
  const { isRepeated, signal } = options;
  let failure: unknown;
  try {
    const askedAtMs = deps.clock.now();
    await applyAnswer(deps, { rows: await askStudio(deps, signal), askedAtMs }, signal);
  } catch (error) {
    throwIfAborted(signal, "Applying what Studio wants");
    if (isRepeated) throw error;
    deps.log.warn("Cannot apply what Studio wants", { error });
    failure = error;
  }
  try {
    // What has happened goes before what is.
    await deps.sendMissed();
  } catch (error) {
    throwIfAborted(signal, "Sending missed reports");
    deps.log.warn("Cannot send the reports that Studio has missed", { error });
  }
  const snapshot = await EngineSnapshot.take(deps.engine, { clock: deps.clock, signal });
  await reportAll(deps, snapshot, signal);
  deps.keep(startWanted(deps, { origin: "sync", pauseMs: 0, isWanted: isDriven, snapshot }));
  if (failure !== undefined) throw failure;
}

async function askStudio(deps: ReconcileDeps, signal: AbortSignal): Promise<unknown[]> {
  const rows = await deps.backend.getRequestedAppStates(signal);
  if (rows.length > 0 || deps.records.all().length === 0) return rows;
  // An empty answer costs every app of the device, so it has to come twice.
  await deps.clock.sleep(doubtMs, signal);
  return await deps.backend.getRequestedAppStates(signal);
}

async function reportAll(deps: ReconcileDeps, snapshot: EngineSnapshot, signal: AbortSignal): Promise<void> {
  const semaphore = new Semaphore(reportsAtOnce);
  const { takenAtMs } = snapshot;
  await Promise.all(
    observeApps(deps, snapshot).map(({ app, observed }) => {
      return semaphore.run(() => deps.workerOf(app.id).correct(observed, { isReported: true, takenAtMs }), signal);
    }),
  );
}
