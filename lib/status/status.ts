/** The device's condition as Studio sees it: one report per heartbeat, and one whenever a boot run asks for it. */

import type { Clock } from "../async/clock.ts";
import { singleFlight } from "../async/single_flight.ts";
import { TaskSet } from "../async/task_set.ts";
import type { Backend } from "../backend/backend.ts";
import { hasCode, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { Heartbeat } from "./heartbeat.ts";
import { StatusReporter } from "./status_reporter.ts";

/** What the reports and their schedule need of the rest of the agent. */
export interface StatusDeps {
  backend: Pick<Backend, "updateDeviceStatus">;
  /** The stats of the device under their wire names. */
  readStats(): Promise<object>;
  /** True when the container engine answers. */
  isEngineAvailable(signal: AbortSignal): Promise<boolean>;
  tunnelCapable(): boolean;
  /** True while the disk is too full to work. */
  isEmergency(): boolean;
  /** Takes over the base of downloads that Studio names. */
  adoptUpdateUrl(updateUrl: string): Promise<void>;
  isConnected(): boolean;
  /**
   * Monotonic time (ms) at which anything at all last came in from the router, pongs included; undefined before the
   * first.
   */
  lastTrafficAt(): number | undefined;
  /** Drops the link so that it is dialed again. */
  reconnect(reason: string): void;
  /** Called after every heartbeat that arrived. */
  onHeartbeat(): void;
  clock: Clock;
  log: Log;
}

/** Disposing ends the heartbeat. */
export interface Status extends AsyncDisposable {
  /** Studio's address as Studio last reported it; apps get the page of their device from it. */
  readonly baseUrl: string | undefined;
  /** The device is not reported as connected yet. */
  readonly isBooting: boolean;
  /** To be called after every connect: the next heartbeat is 30 s away. There is none before the first call. */
  restartHeartbeat(): void;
  /** Until `finishBoot()` the device reports that it is configuring. */
  beginBoot(): void;
  finishBoot(): void;
  /** Sends one report when it is its turn. Throws `busy` when that does not come, and what the call throws. */
  report(signal: AbortSignal): Promise<void>;
  /** Sends a report in the background, if the device is connected: something has changed that Studio shows. */
  reportSoon(): void;
}

/** Creates the area; no heartbeat is sent before `restartHeartbeat()`. */
export function createStatus(deps: StatusDeps): Status {
  const { isConnected, onHeartbeat, log } = deps;
  const life = new AbortController();
  const tasks = new TaskSet((error) => log.debug("Cannot report a change of the device", { error: textOf(error) }));
  const reporter = new StatusReporter(deps);
  const report = (signal: AbortSignal) => noteAnswer(reporter.report(signal), () => heartbeat.noteFinished());
  const heartbeat = new Heartbeat({
    ...deps,
    report: async (signal) => {
      await report(signal);
      onHeartbeat();
    },
  });
  const reportShared = singleFlight(report);
  return {
    get baseUrl() {
      return reporter.baseUrl;
    },
    get isBooting() {
      return reporter.isBooting;
    },
    restartHeartbeat: () => heartbeat.restart(),
    beginBoot: () => reporter.beginBoot(),
    finishBoot: () => reporter.finishBoot(),
    report,
    reportSoon: () => {
      if (isConnected()) void tasks.add(reportShared(life.signal));
    },
    [Symbol.asyncDispose]: async () => {
      life.abort();
      await heartbeat[Symbol.asyncDispose]();
      await tasks.settled();
    },
  };
}

/** Waits for a report, and calls `onAnswer` when it was answered: a backend that refuses it is heard, too. */
async function noteAnswer(reporting: Promise<void>, onAnswer: () => void): Promise<void> {
  try {
    await reporting;
    onAnswer();
  } catch (error) {
    if (hasCode(error, "call_failed")) onAnswer();
    throw error;
  }
}
