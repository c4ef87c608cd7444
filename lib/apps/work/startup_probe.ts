/** Decides from when on a process that was just started counts as running. */

import type { Clock } from "../../async/clock.ts";
import { allow } from "../../base/errors.ts";

/** What became of a process. */
export type StartupOutcome =
  | { kind: "exited"; exitCode: number }
  /** All that was started waits for something: it has begun its work. */
  | { kind: "atRest" }
  /** It has outlived the window; whether it still runs is not known. */
  | { kind: "outlived" };

/** What a process is watched with. */
export interface StartupProbeOptions {
  clock: Clock;
  /** The exit code; undefined when the wait for it was lost. */
  exit: Promise<number | undefined>;
  /** See `readIdleMark()` in `host/rest.ts`. */
  readIdleMark(): string | undefined;
  signal: AbortSignal;
}

/** A process that outlives this runs, busy as it may be; shorter lives are failed starts. */
export const startupProbeMs = 500;

/** Who has not run for so long is at rest. It grows from look to look: a program of many threads takes a while to look at. */
const firstRestMs = 10;
const growth = 1.5;

/**
 * Waits until a process has ended, has come to rest, or has outlived the window of 500 ms. A program that cannot start works until it
 * ends, so nobody has to wait for the end of the window to trust one that waits for its first customer. Throws `canceled`.
 */
export async function awaitStartup(parts: StartupProbeOptions): Promise<StartupOutcome> {
  const { clock, readIdleMark } = parts;
  const endsAtMs = clock.now() + startupProbeMs;
  let restMs = firstRestMs;
  let mark = readIdleMark();
  for (let leftMs = startupProbeMs; leftMs > 0; leftMs = endsAtMs - clock.now()) {
    const exitCode = await exitWithin(Math.min(restMs, leftMs), parts);
    if (exitCode !== undefined) return { kind: "exited", exitCode };
    const before = mark;
    mark = readIdleMark();
    if (mark !== undefined && mark === before) return { kind: "atRest" };
    restMs *= growth;
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
