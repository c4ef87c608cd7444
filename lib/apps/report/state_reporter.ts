/** Makes a state known: in memory and in the database first, then to Studio, as far as Studio can be reached. */

import type { AppState } from "../../model/app.ts";
import type { Clock } from "../../async/clock.ts";
import { throwIfAborted, waitPatiently } from "../../async/deadline.ts";
import type { Log } from "../../base/log.ts";
import type { LiveApp } from "../state/live_app.ts";
import type { Outbox } from "./outbox.ts";
import type { AppRecords } from "../state/records.ts";

/** What an announcement needs. */
export interface StateReporterDeps {
  records: AppRecords;
  outbox: Pick<Outbox, "send">;
  /** Takes over a promise that nobody waits for, and what it fails with. */
  keep(task: Promise<void>): void;
  clock: Clock;
  log: Log;
  /** Ends with the agent. */
  life: AbortSignal;
}

/**
 * Work on an app goes on after this, whether Studio has the report or not: it waits so long only that reports and lines of the log
 * arrive in their order, and a bad link must not keep an app down.
 */
export const patienceMs = 1_000;

/** Between two tries to store what a full disk has refused. */
const storeEveryMs = 5_000;

/** Announces states of apps. */
export class StateReporter {
  readonly #parts: StateReporterDeps;
  /** Apps of which the database has refused something; each has one wait. */
  readonly #unstored = new Set<LiveApp>();

  constructor(parts: StateReporterDeps) {
    this.#parts = parts;
  }

  /** Keeps and reports a state. Throws `canceled` when `signal` ends, with the state kept. */
  async announce(app: LiveApp, state: AppState, signal: AbortSignal): Promise<void> {
    this.keep(app, state);
    await this.report(app, signal);
  }

  /** Keeps a state. A full disk stops no app: the state is stored when there is room, and the engine tells it after a restart. */
  keep(app: LiveApp, state: AppState): void {
    try {
      this.#parts.records.setState(app, state);
    } catch (error) {
      this.#parts.log.error("Cannot store the state of an app", { app: app.appName, state, error });
      this.storeLater(app);
    }
  }

  /** Keeps which version is installed, as `keep()` does with a state. */
  keepVersion(app: LiveApp, version: string, releaseKey = app.releaseKey): void {
    try {
      this.#parts.records.setVersion(app, version, releaseKey);
    } catch (error) {
      this.#parts.log.error("Cannot store the version of an app", { app: app.appName, version, error });
      this.storeLater(app);
    }
  }

  /** Forgets an app, as `keep()` does with a state. */
  forget(app: LiveApp): void {
    try {
      this.#parts.records.forget(app.id);
    } catch (error) {
      this.#parts.log.error("Cannot delete what is stored of an app", { app: app.appName, error });
      this.storeLater(app);
    }
  }

  /** The database has refused something of this app that is in memory; it is stored, with the app's state, once there is room. */
  storeLater(app: LiveApp): void {
    if (this.#unstored.has(app)) return;
    this.#unstored.add(app);
    this.#parts.keep(this.#storeWhenPossible(app));
  }

  /** Reports the state that an app has. Throws `canceled` only. */
  async report(app: LiveApp, signal: AbortSignal): Promise<void> {
    const limitMs = this.#isSwitching(app) ? 0 : patienceMs;
    await waitPatiently(this.#send(app), { limitMs, clock: this.#parts.clock, signal });
    throwIfAborted(signal, `Reporting app "${app.appName}"`);
  }

  /** True while an update keeps the app down: how long that takes is not for the link to say. */
  #isSwitching(app: LiveApp): boolean {
    return (app.state === "PRESENT" || app.state === "STARTING") && this.#parts.records.isOnTheWay(app.id);
  }

  async #storeWhenPossible(app: LiveApp): Promise<void> {
    const { records, clock, log, life } = this.#parts;
    while (this.#unstored.has(app)) {
      await clock.sleep(storeEveryMs, life);
      try {
        records.setState(app, app.state);
        this.#unstored.delete(app);
      } catch (error) {
        log.debug("Still cannot store the state of an app", { app: app.appName, error });
      }
    }
  }

  async #send(app: LiveApp): Promise<void> {
    const { id, state, requestorAccountKey, releaseKey, requestUpdate, releaseBuild, updateStatus } = app;
    const report = { id, state, requestorAccountKey, releaseKey, requestUpdate, releaseBuild };
    // While it waited for its turn Studio may have confirmed the update by the report before.
    const current = () => {
      const isConfirmed = updateStatus === "pending_remote_confirmation" && app.updateStatus === "completed";
      return { ...report, updateStatus: isConfirmed ? app.updateStatus : updateStatus };
    };
    const hasArrived = await this.#parts.outbox.send(current, () => {
      // Studio has seen that the update is through.
      if (app.updateStatus === "pending_remote_confirmation") app.updateStatus = "completed";
    });
    if (hasArrived) this.#parts.log.debug("Reported an app", { app: app.appName, state });
  }
}
