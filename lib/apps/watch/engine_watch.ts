/** Follows what happens to containers: one stream of events for all apps, and a list of all containers where it has gaps. */

import type { Clock } from "../../async/clock.ts";
import { isCanceled } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { EngineEvent } from "../../docker/events.ts";

/** What is watched with what. */
export interface EngineWatchDeps {
  engine: {
    events(signal: AbortSignal, onOpen?: () => void): AsyncIterable<EngineEvent>;
  };
  clock: Clock;
  /** A number from 0 to 1. */
  random(): number;
  log: Log;
  /** Something happened to a container. Must not throw. */
  onEvent(event: EngineEvent): void;
  /** The engine cannot be reached any more. Called once until it is back. */
  onAway(): void;
  /** The engine is back, and has been looked at. */
  onBack(): void;
  /**
   * Looks at all containers: after every gap in the events, and now and then. `isReturn` says that the engine was away. What it
   * throws makes the watch begin anew.
   */
  scan(options: { isReturn: boolean; signal: AbortSignal }): Promise<void>;
}

/** How long the engine may hide something from the events, in milliseconds. */
const scanEveryMs = 60_000;

/** An engine that was killed ends its old containers when it is back, with ten seconds of grace, in milliseconds. */
export const unsteadyMs = 15_000;

/** The wait before the next try while the engine is away, in milliseconds. */
const firstRetryMs = 200;
const retryLimitMs = 2_000;

/** Watches until `signal` ends. Never throws. */
export async function watchEngine(parts: EngineWatchDeps, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const onReady = () => failures = 0;
    try {
      await watchOnce(parts, { isReturn: failures > 0, onReady, signal });
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      const report = { error, failures };
      // The first is news; those that follow say nothing more.
      if (failures === 1) {
        parts.log.warn("Lost sight of the container engine", report);
        parts.onAway();
      } else parts.log.debug("The container engine is still away", report);
    }
    await pause(parts, failures, signal);
  }
}

/** One stream of events from its opening to its end, with the scans beside it. */
async function watchOnce(
  parts: EngineWatchDeps,
  options: { isReturn: boolean; onReady: () => void; signal: AbortSignal },
): Promise<void> {
  const life = new AbortController();
  const signal = AbortSignal.any([options.signal, life.signal]);
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const reading = readEvents(parts, { signal, onOpen: open });
  const scanning = opened.then(() => scanNowAndThen(parts, { ...options, signal }));
  try {
    await Promise.race([reading, scanning]);
  } finally {
    life.abort();
    open();
    await Promise.allSettled([reading, scanning]);
  }
}

async function readEvents(
  parts: EngineWatchDeps,
  options: { signal: AbortSignal; onOpen: () => void },
): Promise<void> {
  for await (const event of parts.engine.events(options.signal, options.onOpen)) parts.onEvent(event);
}

async function scanNowAndThen(
  parts: EngineWatchDeps,
  options: { isReturn: boolean; onReady: () => void; signal: AbortSignal },
): Promise<void> {
  let { isReturn } = options;
  while (!options.signal.aborted) {
    await parts.scan({ isReturn, signal: options.signal });
    if (isReturn) {
      parts.log.info("The container engine is back");
      parts.onBack();
    }
    isReturn = false;
    options.onReady();
    await parts.clock.sleep(scanEveryMs, options.signal);
  }
}

async function pause(parts: EngineWatchDeps, failures: number, signal: AbortSignal): Promise<void> {
  if (failures === 0 || signal.aborted) return;
  const bound = Math.min(firstRetryMs * 2 ** Math.min(failures - 1, 10), retryLimitMs);
  try {
    await parts.clock.sleep(Math.round(bound * (0.5 + 0.5 * parts.random())), signal);
  } catch (error) {
    if (!isCanceled(error)) throw error;
  }
}
