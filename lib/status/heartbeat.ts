/** Reports to Studio every 30 seconds that the device is alive, and detects a link that is up but dead. */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { hasCode, isCanceled } from "../base/errors.ts";
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

/** The longest time one beat may take, which includes the wait for a report before it. */
const beatLimitMs = 50_000;

/** A link without a report that has come to its end for this long is dead, whatever else it carries. */
export const silenceLimitMs = 3 * beatPauseMs;

/** So many failed beats in a row mean that the link is dead. */
const failureLimit = 2;

/**
 * The heartbeat.
 *
 * - There is one loop and one watch over it, whatever the link does.
 * - `restart()` puts the next beat 30 s away and forgets earlier failures.
 * - A beat that fails although the router was heard is not the link's fault, but a router that carries no report for 90
 *   s is as good as none.
 */
export class Heartbeat implements AsyncDisposable {
  readonly #deps: HeartbeatDeps;
  #finishedAtMs = 0;
  #loop: { controller: AbortController; done: Promise<void> } | undefined;

  constructor(deps: HeartbeatDeps) {
    this.#deps = deps;
  }

  /** To be called after every connect. A beat of the previous connection is abandoned. */
  restart(): void {
    const previous = this.#loop;
    previous?.controller.abort();
    const controller = new AbortController();
    this.noteFinished();
    const run = () => Promise.all([this.#run(controller.signal), this.#watch(controller.signal)]);
    const done = (previous?.done ?? Promise.resolve()).then(async () => void await run());
    this.#loop = { controller, done };
  }

  /** To be called when a report was answered, by the heartbeat or by anything else. */
  noteFinished(): void {
    this.#finishedAtMs = this.#deps.clock.now();
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

  async #watch(signal: AbortSignal): Promise<void> {
    const { clock, isConnected, reconnect } = this.#deps;
    for (;;) {
      try {
        await clock.sleep(Math.max(0, this.#finishedAtMs + silenceLimitMs - clock.now()), signal);
      } catch {
        // As in the loop.
        return;
      }
      if (clock.now() - this.#finishedAtMs < silenceLimitMs) continue;
      this.noteFinished();
      if (isConnected()) reconnect(`no status report was answered for ${silenceLimitMs / 1000} s`);
    }
  }

  /** Beats once and returns the number of failures in a row. */
  async #beat(failures: number, signal: AbortSignal): Promise<number> {
    const { clock, log, report, isConnected, lastTrafficAt } = this.#deps;
    if (!isConnected()) {
      // The watch is over connections.
      this.noteFinished();
      return 0;
    }
    const startedAt = clock.now();
    try {
      await within(beatLimitMs, report, { what: "Reporting the device status", signal });
      return 0;
    } catch (error) {
      if (signal.aborted && isCanceled(error)) return failures;
      if (hasCode(error, "busy")) {
        log.debug("A heartbeat was left out", { error });
        return failures;
      }
      const heardAt = lastTrafficAt();
      const isHeard = heardAt !== undefined && heardAt >= startedAt;
      log.warn("A heartbeat failed", { error, isRouterHeard: isHeard });
      return isHeard ? failures : failures + 1;
    }
  }
}
