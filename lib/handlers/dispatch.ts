/** Answers the calls of the device's procedures: who calls, may he, what does he want, do it, and say plainly what went wrong. */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { AgentError, textOf } from "../base/errors.ts";
import type { Invocation, InvocationHandler, Reply } from "../wamp/session.ts";
import { authorize, effectiveCaller } from "./authorize.ts";
import { createCallLog } from "./call_log.ts";
import type { HandlerParts } from "./device.ts";
import type { ProcedureRow } from "./procedure.ts";

/** An error text is cut here: some carry the output of a program or a value of the caller. */
const errorTextLimit = 4_000;

/**
 * The handler of one row. Its errors are the answer, word for word: `denied`, `privilege_check_failed`, `bad_request`, `timeout`,
 * or whatever the work threw.
 */
export function createHandler(row: ProcedureRow, parts: HandlerParts, clock: Clock): InvocationHandler {
  const note = createCallLog({ log: parts.log, clock });
  return async (invocation) => {
    const startedAt = clock.now();
    const caller = effectiveCaller(invocation.callerAuthid, invocation.kwargs);
    const facts = () => ({ procedure: row.name, authid: caller, durationMs: Math.round(clock.now() - startedAt) });
    try {
      const reply = await answer(row, parts, { invocation, caller });
      note(facts);
      return reply;
    } catch (error) {
      parts.log.warn("Refused a call, or it failed", { ...facts(), error });
      throw toAnswer(error);
    }
  };
}

async function answer(
  row: ProcedureRow,
  parts: HandlerParts,
  call: { invocation: Invocation; caller: string | undefined },
): Promise<Reply> {
  const { args, kwargs, signal } = call.invocation;
  await authorize(row, call.caller, { check: parts.checkPrivilege, signal });
  const work = (limit: AbortSignal) => row.answer(parts, { args, kwargs, caller: call.caller, signal: limit });
  return await within(row.limitMs, work, { what: `The procedure "${row.name}"`, signal });
}

/** What the session sends is the message alone, so the causes go into it. */
function toAnswer(error: unknown): AgentError {
  const text = textOf(error);
  const message = text.length > errorTextLimit ? `${text.slice(0, errorTextLimit)}…` : text;
  return new AgentError(error instanceof AgentError ? error.code : "internal", message, { cause: error });
}
