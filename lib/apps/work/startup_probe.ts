/** Decides when a process that was just started counts as running. */

import type { Clock } from "../../async/clock.ts";
import { allow } from "../../base/errors.ts";

/** What has become of the process. */
export type StartupOutcome =
  | { kind: "exited"; exitCode: number }
  /** Everything that was started waits for something: it is ready for work. */
  | { kind: "idle" }
  /** It has outlived the window; whether it still runs is not known. */
  | { kind: "outlived" };

/** What a process is probed with. */
export interface StartupProbeOptions {
  clock: Clock;
  /** The exit code; undefined when the wait for it was lost. */
  exit: Promise<number | undefined>;
  /** See `readIdleMark()` in `host/process_idle.ts`. */
  readIdleMark(): string | undefined;
  signal: AbortSignal;
}

/** A process that outlives this is running, however busy it is; shorter lives are failed starts. */
export const startupProbeMs = 500;

/**
 * A process that has done nothing for this long is idle. It grows from read to read: many threads take long to read.
 */
const firstIdleMs = 10;
const growth = 1.5;

/**
 * Waits until a process has exited, is idle, or has outlived the window of 500 ms. A program that cannot start works
 * until it exits, so one that waits for its first client can be trusted before the end of the window. Throws
 * `canceled`.
 */
export async function awaitStartup(options: StartupProbeOptions): Promise<StartupOutcome> {
  const { clock, readIdleMark } = options;
  const endsAtMs = clock.now() + startupProbeMs;
  let idleMs = firstIdleMs;
  let mark = readIdleMark();
  for (let leftMs = startupProbeMs; leftMs > 0; leftMs = endsAtMs - clock.now()) {
    const exitCode = await exitWithin(Math.min(idleMs, leftMs), options);
    if (exitCode !== undefined) return { kind: "exited", exitCode };
    const before = mark;
    mark = readIdleMark();
    if (mark !== undefined && mark === before) return { kind: "idle" };
    idleMs *= growth;
  }
  return { kind: "outlived" };
}

/** The exit code of a process that ends within `limitMs`. */
async function exitWithin(limitMs: number, { clock, exit, signal }: StartupProbeOptions): Promise<number | undefined> {
  const wait = new AbortController();
  const asleep = clock.sleep(limitMs, AbortSignal.any([signal, wait.signal])).then(() => undefined);
  try {
    const exitCode = await Promise.race([exit, asleep]);
    if (exitCode === undefined) await asleep;
    return exitCode;
  } finally {
    wait.abort();
    await allow(asleep, "canceled");
  }
}
