/** The device's condition as Studio sees it: one report per heartbeat, and one whenever a boot run asks for it. */

import type { Clock } from "../async/clock.ts";
import type { Backend } from "../backend/backend.ts";
import type { Log } from "../base/log.ts";
import { Heartbeat } from "./heartbeat.ts";
import { StatusReporter } from "./status_reporter.ts";

/** What the reports and their schedule need of the rest of the agent. */
export interface StatusDeps {
  backend: Pick<Backend, "updateDeviceStatus">;
  /** The stats of the device under their wire names. */
  readStats(): Promise<object>;
  tunnelCapable(): boolean;
  /** True while the disk is too full to work. */
  isEmergency(): boolean;
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
  /** To be called after every connect: the next heartbeat is 30 s away. There is none before the first call. */
  restartHeartbeat(): void;
  /** Until `finishBoot()` the device reports that it is configuring. */
  beginBoot(): void;
  finishBoot(): void;
  /** Sends one report. Throws what the call throws. */
  report(signal: AbortSignal): Promise<void>;
}

/** Creates the area; no heartbeat is sent before `restartHeartbeat()`. */
export function createStatus(deps: StatusDeps): Status {
  const reporter = new StatusReporter(deps);
  const heartbeat = new Heartbeat({
    ...deps,
    report: async (signal) => {
      await reporter.report(signal);
      deps.onHeartbeat();
    },
  });
  return {
    get baseUrl() {
      return reporter.baseUrl;
    },
    restartHeartbeat: () => heartbeat.restart(),
    beginBoot: () => reporter.beginBoot(),
    finishBoot: () => reporter.finishBoot(),
    report: (signal) => reporter.report(signal),
    [Symbol.asyncDispose]: () => heartbeat[Symbol.asyncDispose](),
  };
}
