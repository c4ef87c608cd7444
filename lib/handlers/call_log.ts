/** Notes answered calls in the agent's log, without letting a caller that asks without end push everything else out of it. */

import type { Clock } from "../async/clock.ts";
import type { Fields, Log } from "../base/log.ts";

/** Lines for one procedure in one second. */
const linesPerSecond = 5;

/**
 * A function that notes one answered call of a procedure. Beyond five lines a second calls are only counted; the next line says how
 * many were left out before it.
 */
export function createCallLog(
  { log, clock }: { log: Log; clock: Pick<Clock, "now"> },
): (fields: () => Fields) => void {
  let secondMs = -Infinity;
  let lines = 0;
  let leftOut = 0;
  return (fields) => {
    const nowMs = clock.now();
    if (nowMs - secondMs >= 1_000) {
      secondMs = nowMs;
      lines = 0;
    }
    if (lines >= linesPerSecond) {
      leftOut += 1;
      return;
    }
    lines += 1;
    log.debug("Answered a call", leftOut === 0 ? fields() : { ...fields(), leftOut });
    leftOut = 0;
  };
}
