/** Logs answered calls, without letting a caller that never stops push everything else out of the log. */

import type { Clock } from "../async/clock.ts";
import type { Log, LogFields } from "../base/log.ts";

/** Of one procedure. */
const linesPerSecond = 5;

/**
 * A function that logs one answered call of a procedure. Beyond five lines a second calls are only counted; the next
 * line has the number of those left out before it.
 */
export function createCallLog(
  { log, clock }: { log: Log; clock: Pick<Clock, "now"> },
): (fields: () => LogFields) => void {
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
