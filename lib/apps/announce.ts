/** Makes a state known: in memory and in the database first, then to Studio, as far as Studio can be reached. */

import type { AppState } from "../base/app.ts";
import { within } from "../base/clock.ts";
import { hasCode, isCanceled } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Backend } from "../wamp/backend.ts";
import type { LiveApp } from "./live_app.ts";
import type { AppRecords } from "./records.ts";

/** What an announcement needs. */
export interface AnnouncerParts {
  records: AppRecords;
  backend: Pick<Backend, "reportAppState">;
  log: Log;
}

/** Studio gets this long to take a report; transitions wait for it, so that reports arrive in order. */
const reportLimitMs = 10_000;

/**
 * Announces states of apps.
 *
 * - A state that is kept is never lost by a report that fails: the next connect reports every app. A queue of reports that
 *   survives goes where `#report()` gives up.
 */
export class Announcer {
  readonly #parts: AnnouncerParts;

  constructor(parts: AnnouncerParts) {
    this.#parts = parts;
  }

  /** Keeps and reports a state. Throws `canceled` when `signal` ends, with the state kept. */
  async announce(app: LiveApp, state: AppState, signal: AbortSignal): Promise<void> {
    this.keep(app, state);
    await this.report(app, signal);
  }

  /** Keeps a state. A full disk stops no app: what the engine has is found again after a restart. */
  keep(app: LiveApp, state: AppState): void {
    try {
      this.#parts.records.setState(app, state);
    } catch (error) {
      this.#parts.log.error("Cannot store the state of an app", { app: app.appName, state, error });
    }
  }

  /** Reports the state that an app has. Throws `canceled` only. */
  async report(app: LiveApp, signal: AbortSignal): Promise<void> {
    const { backend, log } = this.#parts;
    const { id, state, requestorAccountKey, releaseKey, requestUpdate, releaseBuild, updateStatus } = app;
    const report = { id, state, requestorAccountKey, releaseKey, requestUpdate, releaseBuild, updateStatus };
    const what = `Reporting app "${app.appName}" as ${state}`;
    try {
      await within(reportLimitMs, (limit) => backend.reportAppState(report, limit), { what, signal });
      // Studio has seen that the update is through.
      if (updateStatus === "pending_remote_confirmation" && app.updateStatus === updateStatus) {
        app.updateStatus = "completed";
      }
      log.debug("Reported an app", { app: app.appName, state });
    } catch (error) {
      if (isCanceled(error) && signal.aborted) throw error;
      const isAway = hasCode(error, "not_connected");
      log[isAway ? "debug" : "warn"](`${what} failed`, { error });
    }
  }
}
