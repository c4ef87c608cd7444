/** Registers the device's procedures on a session. */

import { hasCode } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { hasUri, type InvocationHandler } from "../wamp/session.ts";
import { mgmt } from "../backend/uris.ts";
import { errorUris } from "../wamp/uris.ts";
import type { ProcedureRow } from "./procedure.ts";

/** The part of a session that is needed. */
export interface RegisterSession {
  register(procedure: string, handler: InvocationHandler, options: { forceReregister: boolean }): Promise<unknown>;
}

/** What registering takes. */
export interface RegisterOptions {
  serialNumber: string;
  handlerOf(row: ProcedureRow): InvocationHandler;
  log: Log;
}

/**
 * Registers all rows as `re.mgmt.<serial>.<name>`, taking over from an older connection; the requests are sent one behind the other
 * without waiting in between. Gives the rows that the router refused, to be tried again. A procedure that somebody else holds is left
 * to him with a warning. Throws `not_connected` when the session has ended.
 */
export async function registerProcedures(
  session: RegisterSession,
  rows: readonly ProcedureRow[],
  options: RegisterOptions,
): Promise<ProcedureRow[]> {
  const { serialNumber, handlerOf, log } = options;
  const results = await Promise.allSettled(
    rows.map((row) => session.register(mgmt(serialNumber, row.name), handlerOf(row), { forceReregister: true })),
  );
  const missing: ProcedureRow[] = [];
  for (const [index, result] of results.entries()) {
    const row = rows[index];
    if (row === undefined || result.status === "fulfilled") continue;
    const error: unknown = result.reason;
    if (hasCode(error, "not_connected", "canceled")) throw error;
    log.warn("Cannot register a procedure", { procedure: row.name, error });
    if (!hasUri(error, errorUris.procedureAlreadyExists)) missing.push(row);
  }
  return missing;
}
