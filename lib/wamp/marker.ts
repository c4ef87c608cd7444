/** Claims the connection marker, the procedure by which a second client with the same identity is found. */

import { hasCode, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { hasUri } from "./remote_error.ts";
import type { Session } from "./session.ts";
import { errorUris } from "./uris.ts";

/** A procedure that every session registers without force, so that only one session at a time can hold it. */
export interface ConnectionMarker {
  procedure: string;
  /** Positional results for whoever calls it. */
  reply: unknown[];
}

/** `held`: another session answers under our name. */
export type MarkerClaim = "claimed" | "held";

/**
 * Registers the marker without force. When it is taken, its holder is called (`askMs`): one that answers is a second
 * client; one that does not is an old session of ours that the router still keeps, and its marker is taken over.
 * Other refusals are logged and leave the session without a marker. Throws only `not_connected` and `canceled`.
 */
export async function claimMarker(
  session: Session,
  options: { marker: ConnectionMarker; askMs: number; log: Log; signal: AbortSignal },
): Promise<MarkerClaim> {
  const { marker, log } = options;
  const refusal = await tryRegister(session, marker, { forceReregister: false });
  if (refusal === undefined) return "claimed";
  if (!hasUri(refusal, errorUris.procedureAlreadyExists)) {
    log.warn("The router refused the connection marker; continuing without it", { error: textOf(refusal) });
    return "claimed";
  }
  if (await doesHolderAnswer(session, options)) return "held";
  log.info("A dead session holds the connection marker; taking it over", { procedure: marker.procedure });
  const second = await tryRegister(session, marker, { forceReregister: true });
  if (second !== undefined) log.warn("Cannot take over the connection marker", { error: textOf(second) });
  return "claimed";
}

/** Returns the refusal, or undefined when the marker is ours. */
async function tryRegister(
  session: Session,
  { procedure, reply }: ConnectionMarker,
  options: { forceReregister: boolean },
): Promise<unknown> {
  try {
    await session.register(procedure, () => Promise.resolve({ args: reply }), options);
    return undefined;
  } catch (error) {
    if (hasCode(error, "not_connected")) throw error;
    return error;
  }
}

async function doesHolderAnswer(
  session: Session,
  options: { marker: ConnectionMarker; askMs: number; signal: AbortSignal },
): Promise<boolean> {
  try {
    await session.call(options.marker.procedure, [], { timeoutMs: options.askMs, signal: options.signal });
    return true;
  } catch (error) {
    if (hasCode(error, "not_connected", "canceled")) throw error;
    if (hasCode(error, "timeout")) return false;
    return !hasUri(error, errorUris.noSuchProcedure, errorUris.canceled);
  }
}
