/** Claims the connection marker, the procedure by which a second device with the same serial number is found. */

import { hasCode, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { hasUri, type Session } from "./session.ts";
import { errorUris } from "./uris.ts";

/** `held`: another living session answers under our name. */
export type MarkerClaim = "claimed" | "held";

/**
 * Registers the marker without force. When it is taken, the holder is asked (`askMs`): one that answers is a second device; one
 * that does not is a session of our own which the router has not missed yet, and it is taken over. Other refusals are
 * logged and leave the session without a marker. Throws only `not_connected` and `canceled`.
 */
export async function claimMarker(
  session: Session,
  options: { procedure: string; askMs: number; log: Log; signal: AbortSignal },
): Promise<MarkerClaim> {
  const { procedure, log } = options;
  const refusal = await tryRegister(session, procedure, { forceReregister: false });
  if (refusal === undefined) return "claimed";
  if (!hasUri(refusal, errorUris.procedureAlreadyExists)) {
    log.warn("The router refused the connection marker; going on without it", { error: textOf(refusal) });
    return "claimed";
  }
  if (await doesHolderAnswer(session, options)) return "held";
  log.info("The connection marker is held by a dead session; taking it over", { procedure });
  const second = await tryRegister(session, procedure, { forceReregister: true });
  if (second !== undefined) log.warn("Cannot take the connection marker over", { error: textOf(second) });
  return "claimed";
}

/** Gives the refusal, or undefined when the marker is ours. */
async function tryRegister(
  session: Session,
  procedure: string,
  options: { forceReregister: boolean },
): Promise<unknown> {
  try {
    await session.register(procedure, () => Promise.resolve({ args: ["Hello :-)"] }), options);
    return undefined;
  } catch (error) {
    if (hasCode(error, "not_connected")) throw error;
    return error;
  }
}

async function doesHolderAnswer(
  session: Session,
  options: { procedure: string; askMs: number; signal: AbortSignal },
): Promise<boolean> {
  try {
    await session.call(options.procedure, [], { timeoutMs: options.askMs, signal: options.signal });
    return true;
  } catch (error) {
    if (hasCode(error, "not_connected", "canceled")) throw error;
    if (hasCode(error, "timeout")) return false;
    return !hasUri(error, errorUris.noSuchProcedure, errorUris.canceled);
  }
}
