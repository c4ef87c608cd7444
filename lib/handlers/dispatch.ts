/**
 * Answers the calls of the device's procedures: checks the caller, reads the arguments, does the work, and reports
 * plainly what went wrong.
 */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { AgentError, textOf } from "../base/errors.ts";
import type { Invocation, InvocationHandler, Reply } from "../wamp/invocations.ts";
import { authorize, effectiveCaller } from "./authorize.ts";
import { createCallLog } from "./call_log.ts";
import type { Device } from "./device.ts";
import type { ProcedureRow } from "./procedure.ts";

/** A longer error text is shortened: some carry the output of a program or a value of the caller. */
const errorTextLimit = 4_000;

/**
 * The handler of one row. Its errors are the answer, word for word: `denied`, `privilege_check_failed`, `bad_request`,
 * `timeout`, or whatever the work threw.
 */
export function createHandler(
  row: ProcedureRow,
  { device, clock }: { device: Device; clock: Clock },
): InvocationHandler {
  const logCall = createCallLog({ log: device.log, clock });
  return async (invocation) => {
    const startedAt = clock.now();
    const caller = effectiveCaller(invocation.callerAuthid, invocation.kwargs);
    const fields = () => ({ procedure: row.name, authid: caller, durationMs: Math.round(clock.now() - startedAt) });
    try {
      const reply = await answer(row, device, { invocation, caller });
      logCall(fields);
      return reply;
    } catch (error) {
      device.log.warn("Refused a call, or it failed", { ...fields(), error });
      throw toAnswer(error);
    }
  };
}

async function answer(
  row: ProcedureRow,
  device: Device,
  call: { invocation: Invocation; caller: string | undefined },
): Promise<Reply> {
  const { args, kwargs, signal } = call.invocation;
  await authorize(row, call.caller, { check: device.checkPrivilege, signal });
  const work = (limit: AbortSignal) => row.answer(device, { args, kwargs, caller: call.caller, signal: limit });
  return await within(row.limitMs, work, { what: `The procedure "${row.name}"`, signal });
}

/** The session sends the message alone, so the causes go into it. */
function toAnswer(error: unknown): AgentError {
  const text = textOf(error);
  const message = text.length > errorTextLimit ? `${text.slice(0, errorTextLimit)}…` : text;
  return new AgentError(error instanceof AgentError ? error.code : "internal", message, { cause: error });
}
