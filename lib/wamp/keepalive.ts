/** Pings the peer of a WebSocket and finds out when it is gone. */

import type { WebSocket } from "ws";
import type { Clock } from "../async/clock.ts";

const lostPingLimit = 2;

/** The share of the ping interval within which the answer to the last ping must arrive. */
const lastWaitShare = 0.3;

// Pings queue behind data: on an uplink slower than this a big message would look like a dead peer.
const slowestUplinkBytesPerMs = 256;

/**
 * Pings once per interval until the peer leaves too many pings unanswered, and returns their number. Throws
 * `canceled` when `signal` is aborted.
 */
export async function untilSilent(
  webSocket: Pick<WebSocket, "on" | "ping" | "bufferedAmount">,
  { pingMs, clock }: { pingMs: number; clock: Pick<Clock, "sleep"> },
  signal: AbortSignal,
): Promise<number> {
  let unanswered = 0;
  let allowed = lostPingLimit;
  webSocket.on("pong", () => unanswered = 0);
  for (;;) {
    // After the last allowed ping only a late answer can come, and waiting a whole interval for it would delay the
    // redial.
    await clock.sleep(unanswered < allowed ? pingMs : pingMs * lastWaitShare, signal);
    if (unanswered >= allowed) return unanswered;
    if (unanswered === 0) {
      allowed = lostPingLimit + Math.ceil(webSocket.bufferedAmount / (slowestUplinkBytesPerMs * pingMs));
    }
    unanswered += 1;
    webSocket.ping("keepalive");
  }
}
