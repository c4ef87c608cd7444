/** Waits while an app holds its own update back, with a file in its data folder. */

import { isAlive, type ObservedApp } from "../state/observed_app.ts";
import type { StepContext } from "./step_context.ts";
import { done, type Effect } from "./transition.ts";

/** The file in the data folder of the app. */
export const updateLockName = "update.lock";

/** An older file was left behind. */
export const updateLockAgeMs = 24 * 3_600_000;

const permissionEveryMs = 2_000;

/** What the wait works with. */
export type UpdatePermissionContext = Pick<
  StepContext,
  "app" | "names" | "appLogs" | "readUpdateLock" | "observe" | "clock" | "log"
>;

/** The text in the log of the app. */
export const heldBackText =
  `The update is downloaded and waits, because the app holds it back with ${updateLockName} in its data folder`;

/**
 * Resolves when the app does not hold its update back: the file is not there or is older than a day, or the app does
 * not run any more and nothing is left to protect. Says once in the log of the app that it waits. Throws `canceled`.
 */
export async function awaitPermission(context: UpdatePermissionContext, signal: AbortSignal): Promise<Effect> {
  const { app, names, appLogs, readUpdateLock, observe, clock, log } = context;
  for (let looks = 0;; looks += 1) {
    const changedAt = await readUpdateLock();
    const ageMs = changedAt === undefined ? Infinity : clock.wall().getTime() - changedAt.getTime();
    // The clock of a device may have been set back.
    if (Math.abs(ageMs) >= updateLockAgeMs || !isUp(await observe(signal))) break;
    if (looks === 0) {
      appLogs.say(names.container, heldBackText);
      log.info("An app holds its update back", { app: app.appName, ...app.id });
    }
    await clock.sleep(permissionEveryMs, signal);
  }
  return done;
}

function isUp({ containers, project }: ObservedApp): boolean {
  return [...containers, ...project?.services ?? []].some(({ status }) => isAlive(status));
}
