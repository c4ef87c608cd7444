/** Registers the device's procedures on a session. */

import type { Clock } from "../async/clock.ts";
import { deviceUri } from "../backend/uris.ts";
import type { ConnectStep } from "../backend/connect_step.ts";
import { AgentError, hasCode } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { hasUri } from "../wamp/remote_error.ts";
import type { InvocationHandler } from "../wamp/invocations.ts";
import { errorUris } from "../wamp/uris.ts";
import type { Device } from "./device.ts";
import { createHandler } from "./dispatch.ts";
import type { ProcedureRow } from "./procedure.ts";
import { procedures } from "./procedures.ts";

/** What is needed of a session. */
export interface RegisterSession {
  register(procedure: string, handler: InvocationHandler, options: { forceReregister: boolean }): Promise<unknown>;
}

/** How procedures are registered. */
export interface RegisterOptions {
  serialNumber: string;
  handlerOf(row: ProcedureRow): InvocationHandler;
  log: Log;
}

/**
 * Registers all rows as `re.mgmt.<serial>.<name>`, taking over from an older connection; the requests are sent one
 * after the other without waiting in between. Returns the rows that the router refused, to be tried again. A procedure
 * that another client holds is left to it, with a warning. Throws `not_connected` when the session has ended.
 */
export async function registerProcedures(
  session: RegisterSession,
  rows: readonly ProcedureRow[],
  options: RegisterOptions,
): Promise<ProcedureRow[]> {
  const { serialNumber, handlerOf, log } = options;
  const results = await Promise.allSettled(
    rows.map((row) => session.register(deviceUri(serialNumber, row.name), handlerOf(row), { forceReregister: true })),
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

/**
 * Registers all procedures after every connect, so that the device can be called before anything else works. `life`
 * ends with the agent.
 */
export function registerStep(device: Device, options: { clock: Clock; life: AbortSignal }): ConnectStep {
  let left: ProcedureRow[] = [];
  // Made once, so that a reconnect does not lift the limits of a procedure's log.
  const handlers = new Map(procedures.map((row) => [row, createHandler(row, { device, ...options })]));
  return {
    name: "register the procedures",
    phase: "serve",
    callsBackend: false,
    run: async ({ session, isRepeated }) => {
      const { serialNumber, log } = device;
      const handlerOf = (row: ProcedureRow) => handlers.get(row) ?? createHandler(row, { device, ...options });
      if (!isRepeated) left = [...procedures];
      left = await registerProcedures(session, left, { serialNumber, handlerOf, log });
      if (left.length > 0) throw new AgentError("call_failed", `The router refused ${left.length} procedures`);
    },
  };
}
