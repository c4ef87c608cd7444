/** Registers the device's procedures on a session, and does not give up before all of them are there. */

import { spreadWaitMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { hasCode } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { hasUri, type InvocationHandler } from "../wamp/session.ts";
import { errorUris, mgmt } from "../wamp/topics.ts";
import type { Row } from "./row.ts";

/** The part of a session that is needed. */
export interface RegisterSession {
  register(procedure: string, handler: InvocationHandler, options: { forceReregister: boolean }): Promise<unknown>;
}

/** What registering takes. */
export interface RegisterOptions {
  serialNumber: string;
  handlerOf(row: Row): InvocationHandler;
  clock: Clock;
  /** A number from 0 to 1. */
  random(): number;
  log: Log;
  /** Ends with the session. */
  signal: AbortSignal;
}

const waits = { firstMs: 500, limitMs: 10_000 };

/**
 * Registers all rows as `re.mgmt.<serial>.<name>`, taking over from an older connection. Rows that the router refuses for now
 * are tried again for as long as the session lives. Throws `not_connected` or `canceled` when the session ends before.
 */
export async function registerAll(
  session: RegisterSession,
  rows: readonly Row[],
  options: RegisterOptions,
): Promise<void> {
  let missing = await registerOnce(session, rows, options);
  for (let attempt = 1; missing.length > 0; attempt += 1) {
    await options.clock.sleep(spreadWaitMs(waits, attempt, options.random()), options.signal);
    missing = await registerOnce(session, missing, options);
  }
}

/**
 * One try for all rows, sent one behind the other without waiting in between. Gives the rows that are missing still. A procedure
 * that somebody else holds is left to him with a warning. Throws `not_connected` when the session has ended.
 */
export async function registerOnce(
  session: RegisterSession,
  rows: readonly Row[],
  options: RegisterOptions,
): Promise<Row[]> {
  const { serialNumber, handlerOf, log } = options;
  const results = await Promise.allSettled(
    rows.map((row) => session.register(mgmt(serialNumber, row.name), handlerOf(row), { forceReregister: true })),
  );
  const missing: Row[] = [];
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
