/** Reports the progress of a download at a pace that a dashboard can follow. */

import type { Clock } from "../async/clock.ts";
import type { DownloadProgress } from "./download.ts";

/** Between two reports; the first and the last are always sent. */
export const progressPauseMs = 200;

/** Passes on the first and the last report, and of those in between at most five a second; no byte is left out. */
export function pacedProgress(
  send: (progress: DownloadProgress) => void,
  clock: Pick<Clock, "now">,
): (progress: DownloadProgress) => void {
  let sentAtMs = Number.NEGATIVE_INFINITY;
  let heldBytes = 0;
  return ({ increment, currentBytes, fileSize }) => {
    heldBytes += increment;
    if (currentBytes !== fileSize && clock.now() - sentAtMs < progressPauseMs) return;
    send({ increment: heldBytes, currentBytes, fileSize });
    sentAtMs = clock.now();
    heldBytes = 0;
  };
}
