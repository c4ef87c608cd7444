/** Sets the state of an app, in memory and in the database first, and reports it to Studio. */

import type { AppState } from "../../model/app.ts";
import type { Clock } from "../../async/clock.ts";
import { throwIfAborted, waitAtMost } from "../../async/deadline.ts";
import type { Log } from "../../base/log.ts";
import type { LiveApp } from "../state/live_app.ts";
import type { Outbox } from "./outbox.ts";
import type { AppRecords } from "../state/app_records.ts";

/** What a state reporter works with. */
export interface StateReporterDeps {
  records: AppRecords;
  outbox: Pick<Outbox, "send">;
  /** Takes over a promise that nobody waits for, and whatever it rejects with. */
  keep(task: Promise<void>): void;
  clock: Clock;
  log: Log;
  /** Ends with the agent. */
  life: AbortSignal;
}

/**
 * How long work on an app waits for Studio to take a report. The wait only keeps reports and lines of the log in order;
 * a bad link must not keep an app down.
 */
export const patienceMs = 1_000;

/** Between two tries to store what the database has refused. */
const storeEveryMs = 5_000;

/** Stores and reports the states of apps. */
export class StateReporter {
  readonly #deps: StateReporterDeps;
  /** Apps of which the database has refused something; each is waited for once. */
  readonly #unstored = new Set<LiveApp>();

  constructor(deps: StateReporterDeps) {
    this.#deps = deps;
  }

  /** Sets and reports a state. Throws `canceled` when `signal` is aborted; the state is set all the same. */
  async announce(app: LiveApp, state: AppState, signal: AbortSignal): Promise<void> {
    this.setState(app, state);
    await this.report(app, signal);
  }

  /**
   * Sets a state. A full disk stops no app: the state is stored once there is free space, and after a restart it is
   * read from the engine.
   */
  setState(app: LiveApp, state: AppState): void {
    try {
      this.#deps.records.setState(app, state);
    } catch (error) {
      this.#deps.log.error("Cannot store the state of an app", { app: app.appName, state, error });
      this.storeLater(app);
    }
  }

  /** Sets the installed version, stored like a state. The release stays when none is named. */
  setVersion(app: LiveApp, release: { version: string; releaseKey?: number }): void {
    try {
      this.#deps.records.setVersion(app, release);
    } catch (error) {
      const { version } = release;
      this.#deps.log.error("Cannot store the version of an app", { app: app.appName, version, error });
      this.storeLater(app);
    }
  }

  /** Forgets an app; its rows are deleted later when they cannot be now. */
  forget(app: LiveApp): void {
    try {
      this.#deps.records.forget(app.id);
    } catch (error) {
      this.#deps.log.error("Cannot delete what is stored of an app", { app: app.appName, error });
      this.storeLater(app);
    }
  }

  /** Stores what the database has refused of an app, together with the app's state, once there is free space. */
  storeLater(app: LiveApp): void {
    if (this.#unstored.has(app)) return;
    this.#unstored.add(app);
    this.#deps.keep(this.#storeWhenPossible(app));
  }

  /** Reports the state of an app. Throws `canceled` only. */
  async report(app: LiveApp, signal: AbortSignal): Promise<void> {
    const limitMs = this.#isSwitching(app) ? 0 : patienceMs;
    await waitAtMost(this.#send(app), { limitMs, clock: this.#deps.clock, signal });
    throwIfAborted(signal, `Reporting app "${app.appName}"`);
  }

  /** True while an update keeps the app down: a bad link must not make that longer. */
  #isSwitching(app: LiveApp): boolean {
    return (app.state === "PRESENT" || app.state === "STARTING") && this.#deps.records.updates.isUnderWay(app.id);
  }

  async #storeWhenPossible(app: LiveApp): Promise<void> {
    const { records, clock, log, life } = this.#deps;
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
    // While the report waits for its turn, Studio may confirm the update by taking an earlier one.
    const current = () => {
      const isConfirmed = updateStatus === "pending_remote_confirmation" && app.updateStatus === "completed";
      return { ...report, updateStatus: isConfirmed ? app.updateStatus : updateStatus };
    };
    const hasArrived = await this.#deps.outbox.send(current, () => {
      // From here on Studio knows of the update.
      if (app.updateStatus === "pending_remote_confirmation") app.updateStatus = "completed";
    });
    if (hasArrived) this.#deps.log.debug("Reported an app", { app: app.appName, state });
  }
}
