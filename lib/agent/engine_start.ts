/** Waits for the container engine, brings the apps in line with it once, and watches it from then on. Never gives up. */

import type { Clock } from "../async/clock.ts";
import { isCanceled, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";

/** What the start with the engine needs. */
export interface EngineStartDeps {
  engine: { ping(signal: AbortSignal): Promise<void> };
  /** Looked at before apps begin to write to it. */
  disk: { look(): Promise<void> };
  apps: {
    reconcileLocal(signal: AbortSignal): Promise<void>;
    startObserving(signal: AbortSignal): void;
  };
  /** Called once when the engine does not answer for five seconds. */
  onLate(): void;
  clock: Clock;
  log: Log;
}

/** Between two signs of life; short, because a device is of no use before. */
const pingEveryMs = 100;

/** Then it is told, once. */
const lateAfterMs = 5_000;

/** Between two lines of the log while the engine is away. */
const tellEveryMs = 30_000;

/** Between two tries of an engine that answers and yet fails. */
const retryMs = 1_000;

/** Resolves when the apps are as the engine has them, and are watched. Throws `canceled` when `signal` ends. */
export async function startWithEngine(parts: EngineStartDeps, signal: AbortSignal): Promise<void> {
  const { apps, clock, disk, log } = parts;
  for (;;) {
    await awaitEngine(parts, signal);
    try {
      await disk.look();
      await apps.reconcileLocal(signal);
      break;
    } catch (error) {
      if (isCanceled(error) && signal.aborted) throw error;
      log.error("Cannot bring the apps in line with the container engine", { error });
      await clock.sleep(retryMs, signal);
    }
  }
  apps.startObserving(signal);
}

async function awaitEngine(parts: EngineStartDeps, signal: AbortSignal): Promise<void> {
  const { engine, clock, log, onLate } = parts;
  const beganAt = clock.now();
  let toldAt: number | undefined;
  for (;;) {
    try {
      return await engine.ping(signal);
    } catch (error) {
      if (signal.aborted) throw error;
      const awayMs = clock.now() - beganAt;
      if (toldAt === undefined && awayMs >= lateAfterMs) onLate();
      if (awayMs >= lateAfterMs && (toldAt === undefined || clock.now() - toldAt >= tellEveryMs)) {
        toldAt = clock.now();
        log.warn("The container engine does not answer yet", { error: textOf(error), awayMs: Math.round(awayMs) });
      }
    }
    await clock.sleep(pingEveryMs, signal);
  }
}
