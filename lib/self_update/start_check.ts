/** Looks for a newer version once after the start, at a time of its own for each device. */

import type { Clock } from "../async/clock.ts";
import { isCanceled, textOf } from "../base/errors.ts";
import type { UpdateEnd } from "./updater.ts";

/** What the check works with. */
export interface StartCheckDeps {
  run(signal: AbortSignal): Promise<UpdateEnd>;
  /** From 0 to below 1. */
  random: () => number;
  /** The device is on its own: it need not wait for others. */
  isAlone: boolean;
  clock: Pick<Clock, "sleep">;
}

/** A fleet that starts at the same time, after a power cut, looks for updates within this time. */
export const startCheckSpreadMs = 600_000;

/** Before the next look while apps must not be disturbed. */
export const postponedPauseMs = 30_000;

/** The longest wait for the clock of the device to be set. */
const clockPauseMs = 60_000;

/** How the last run ended; undefined when `signal` was aborted before. */
export async function checkOnce(
  { run, random, isAlone, clock }: StartCheckDeps,
  signal: AbortSignal,
): Promise<UpdateEnd | undefined> {
  try {
    await clock.sleep(isAlone ? 0 : random() * startCheckSpreadMs, signal);
    for (let pauseMs = 1_000;; pauseMs = Math.min(pauseMs * 2, clockPauseMs)) {
      const end = await run(signal);
      if (end.kind === "postponed") await clock.sleep(postponedPauseMs, signal);
      else if (end.kind === "failed" && isClockError(end.error)) await clock.sleep(pauseMs, signal);
      else return end;
    }
  } catch (error) {
    if (!isCanceled(error)) throw error;
    return undefined;
  }
}

/** A device without a battery begins its life in the past, where no certificate is valid yet. */
function isClockError(error: unknown): boolean {
  return /NotValidYet|not valid yet|certificate.{0,40}expired|expired or not yet valid/is.test(textOf(error));
}
