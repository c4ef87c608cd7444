/**
 * Waits for the container engine, brings the apps in line with it once, and watches it from then on. Never gives up.
 */

import type { Clock } from "../async/clock.ts";
import { isCanceled, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";

/** What the start with the engine needs. */
export interface EngineStartDeps {
  engine: { ping(signal: AbortSignal): Promise<void> };
  /** Measured before apps begin to write to it. */
  disk: { measure(): Promise<void> };
  apps: {
    reconcileLocal(signal: AbortSignal): Promise<void>;
    startObserving(signal: AbortSignal): void;
  };
  /** Called once when the engine does not answer for five seconds. */
  onLate(): void;
  /** Called when the engine answers for the first time, if it did not at first. */
  onCome(): void;
  clock: Clock;
  log: Log;
}

/** Between two pings; short, because the device is of no use before. */
const pingEveryMs = 100;

/** Then the operator is informed, once. */
const lateAfterMs = 5_000;

/** Between two lines of the log while the engine is away. */
const logEveryMs = 30_000;

/** Between two attempts while the engine answers and yet fails. */
const failedStartRetryMs = 1_000;

/** Resolves when the apps are as the engine has them, and are watched. Throws `canceled` when `signal` ends. */
export async function startWithEngine(deps: EngineStartDeps, signal: AbortSignal): Promise<void> {
  const { apps, clock, disk, log } = deps;
  for (;;) {
    await awaitEngine(deps, signal);
    try {
      await disk.measure();
      await apps.reconcileLocal(signal);
      break;
    } catch (error) {
      if (isCanceled(error) && signal.aborted) throw error;
      log.error("Cannot bring the apps in line with the container engine", { error });
      await clock.sleep(failedStartRetryMs, signal);
    }
  }
  apps.startObserving(signal);
}

async function awaitEngine(deps: EngineStartDeps, signal: AbortSignal): Promise<void> {
  const { engine, clock, log, onLate, onCome } = deps;
  const beganAt = clock.now();
  let loggedAt: number | undefined;
  for (let isFirst = true;; isFirst = false) {
    try {
      await engine.ping(signal);
      if (!isFirst) onCome();
      return;
    } catch (error) {
      if (signal.aborted) throw error;
      const awayMs = clock.now() - beganAt;
      if (loggedAt === undefined && awayMs >= lateAfterMs) onLate();
      if (awayMs >= lateAfterMs && (loggedAt === undefined || clock.now() - loggedAt >= logEveryMs)) {
        loggedAt = clock.now();
        log.warn("The container engine does not answer yet", { error: textOf(error), awayMs: Math.round(awayMs) });
      }
    }
    await clock.sleep(pingEveryMs, signal);
  }
}
