/** Watches the containers: one stream of events for all apps, and a scan of all containers after every gap in it. */

import type { Clock } from "../../async/clock.ts";
import { isCanceled } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { EngineEvent } from "../../docker/events.ts";

/** What the watch works with. */
export interface EngineWatchDeps {
  engine: {
    events(signal: AbortSignal, onOpen?: () => void): AsyncIterable<EngineEvent>;
  };
  clock: Clock;
  /** A number from 0 to 1. */
  random(): number;
  log: Log;
  /** Called when something has happened to a container. Must not throw. */
  onEvent(event: EngineEvent): void;
  /** Called once when the engine can no longer be reached. */
  onAway(): void;
  /** Called when the engine is back and has been scanned. */
  onBack(): void;
  /**
   * Looks at all containers: after every gap in the events, and from time to time. `isReturn`: the engine was away.
   * When it throws, the watch starts over.
   */
  scan(options: { isReturn: boolean; signal: AbortSignal }): Promise<void>;
}

/** The longest time for which a change that the events have missed stays unnoticed. */
const scanEveryMs = 60_000;

/** An engine that was killed ends its old containers when it is back, with ten seconds of grace. */
export const unstableMs = 15_000;

/** The wait before the next try while the engine is away. */
const firstReopenMs = 200;
const reopenLimitMs = 2_000;

/** Watches until `signal` is aborted. Never throws. */
export async function watchEngine(deps: EngineWatchDeps, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const onReady = () => failures = 0;
    try {
      await watchOnce(deps, { isReturn: failures > 0, onReady, signal });
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      const report = { error, failures };
      // Only the first failure is worth a warning.
      if (failures === 1) {
        deps.log.warn("Lost sight of the container engine", report);
        deps.onAway();
      } else deps.log.debug("The container engine is still away", report);
    }
    await pause(deps, failures, signal);
  }
}

/** Reads one stream of events to its end, and scans meanwhile. */
async function watchOnce(
  deps: EngineWatchDeps,
  options: { isReturn: boolean; onReady: () => void; signal: AbortSignal },
): Promise<void> {
  const life = new AbortController();
  const signal = AbortSignal.any([options.signal, life.signal]);
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const reading = readEvents(deps, { signal, onOpen: open });
  const scanning = opened.then(() => scanRepeatedly(deps, { ...options, signal }));
  try {
    await Promise.race([reading, scanning]);
  } finally {
    life.abort();
    open();
    await Promise.allSettled([reading, scanning]);
  }
}

async function readEvents(
  deps: EngineWatchDeps,
  options: { signal: AbortSignal; onOpen: () => void },
): Promise<void> {
  for await (const event of deps.engine.events(options.signal, options.onOpen)) deps.onEvent(event);
}

async function scanRepeatedly(
  deps: EngineWatchDeps,
  options: { isReturn: boolean; onReady: () => void; signal: AbortSignal },
): Promise<void> {
  let { isReturn } = options;
  while (!options.signal.aborted) {
    await deps.scan({ isReturn, signal: options.signal });
    if (isReturn) {
      deps.log.info("The container engine is back");
      deps.onBack();
    }
    isReturn = false;
    options.onReady();
    await deps.clock.sleep(scanEveryMs, options.signal);
  }
}

async function pause(deps: EngineWatchDeps, failures: number, signal: AbortSignal): Promise<void> {
  if (failures === 0 || signal.aborted) return;
  const bound = Math.min(firstReopenMs * 2 ** Math.min(failures - 1, 10), reopenLimitMs);
  try {
    await deps.clock.sleep(Math.round(bound * (0.5 + 0.5 * deps.random())), signal);
  } catch (error) {
    if (!isCanceled(error)) throw error;
  }
}
