/** Reports to Studio every 30 seconds that the device is alive, and detects a link that is up but dead. */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { isCanceled } from "../base/errors.ts";
import type { Log } from "../base/log.ts";

/** What the heartbeat reports and checks. */
export interface HeartbeatDeps {
  /** Sends one status report. Throws when it did not arrive. */
  report(signal: AbortSignal): Promise<void>;
  isConnected(): boolean;
  /**
   * Monotonic time (ms) at which anything at all last came in from the router, pongs included; undefined before the
   * first.
   */
  lastTrafficAt(): number | undefined;
  /** Drops the link so that it is dialed again. */
  reconnect(reason: string): void;
  clock: Clock;
  log: Log;
}

/** Between the end of one beat and the next. */
export const beatPauseMs = 30_000;

/** The longest time one beat may take. */
const beatLimitMs = 10_000;

/** So many failed beats in a row mean that the link is dead. */
const failureLimit = 2;

/**
 * The heartbeat. Invariants: exactly one loop, whatever the link does; `restart()` puts the next beat 30 s away and
 * forgets earlier failures; a beat that fails although the router was heard is not the link's fault.
 */
export class Heartbeat implements AsyncDisposable {
  readonly #deps: HeartbeatDeps;
  #loop: { controller: AbortController; done: Promise<void> } | undefined;

  constructor(deps: HeartbeatDeps) {
    this.#deps = deps;
  }

  /** To be called after every connect. A beat of the previous connection is abandoned. */
  restart(): void {
    const previous = this.#loop;
    previous?.controller.abort();
    const controller = new AbortController();
    const done = (previous?.done ?? Promise.resolve()).then(() => this.#run(controller.signal));
    this.#loop = { controller, done };
  }

  /** Ends the loop. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#loop?.controller.abort();
    await this.#loop?.done;
  }

  async #run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#deps.clock.sleep(beatPauseMs, signal);
      } catch {
        // Only an abort ends the pause early: a newer connection, or the end of the agent.
        return;
      }
      failures = await this.#beat(failures, signal);
      if (failures < failureLimit || signal.aborted) continue;
      failures = 0;
      this.#deps.reconnect(`${failureLimit} heartbeats in a row failed`);
    }
  }

  /** Beats once and returns the number of failures in a row. */
  async #beat(failures: number, signal: AbortSignal): Promise<number> {
    const { clock, log, report, isConnected, lastTrafficAt } = this.#deps;
    if (!isConnected()) return 0;
    const startedAt = clock.now();
    try {
      await within(beatLimitMs, report, { what: "Reporting the device status", signal });
      return 0;
    } catch (error) {
      if (signal.aborted && isCanceled(error)) return failures;
      const heardAt = lastTrafficAt();
      const isHeard = heardAt !== undefined && heardAt >= startedAt;
      log.warn("A heartbeat failed", { error, isRouterHeard: isHeard });
      return isHeard ? failures : failures + 1;
    }
  }
}
