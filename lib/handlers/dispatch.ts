/**
 * Answers the calls of the device's procedures: checks the caller, reads the arguments, does the work, and reports
 * plainly what went wrong.
 */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { KeyedMutex } from "../async/keyed_mutex.ts";
import { AgentError, hasCode, textOf } from "../base/errors.ts";
import { noRecorder } from "../base/recorder.ts";
import type { Invocation, InvocationHandler, Reply } from "../wamp/invocations.ts";
import { authorize, type CheckedCaller } from "./authorize.ts";
import { createCallLog } from "./call_log.ts";
import { effectiveCaller } from "./caller.ts";
import type { Device } from "./device.ts";
import type { ProcedureRow } from "./procedure.ts";

/** A longer error text is shortened: some carry the output of a program or a value of the caller. */
const errorTextLimit = 4_000;

/** Calls of one procedure by one caller that are not answered yet. */
export const openCallLimit = 1_000;

/** Of a name that a caller chose, in the log. */
const authidLimit = 100;

/**
 * The handler of one row. Its errors are the answer, word for word: `denied`, `privilege_check_failed`, `bad_request`,
 * `timeout`, `busy`, or whatever the work threw on purpose. `life` ends with the agent.
 */
export function createHandler(
  row: ProcedureRow,
  { device, clock, life }: { device: Device; clock: Clock; life: AbortSignal },
): InvocationHandler {
  const logCall = createCallLog({ procedure: row.name, log: device.log, clock, life });
  const { recorder = noRecorder } = device;
  const openCalls = new OpenCalls();
  const turns = new KeyedMutex<string>();
  return async (invocation) => {
    const startedAt = clock.now();
    const { callerAuthid, callerAuthrole } = invocation;
    const effective = effectiveCaller(callerAuthid, invocation);
    const caller: CheckedCaller = { callerAuthid, callerAuthrole, effective };
    const authid = effective?.slice(0, authidLimit);
    const fields = () => ({ procedure: row.name, authid, durationMs: Math.round(clock.now() - startedAt) });
    using open = openCalls.add(callerAuthid);
    try {
      if (open.count > openCallLimit) throw new AgentError("busy", "too many calls of this procedure at once");
      const reply = await recorder.record(
        { kind: "call", name: row.name },
        () => answer(row, device, { invocation, caller, turns }),
      );
      logCall("answered", authid, fields);
      return reply;
    } catch (error) {
      const answerError = toAnswer(error);
      // A router that discloses no role makes the device uncontrollable; this line then says why.
      if (hasCode(error, "denied")) logCall("refused", authid, () => ({ ...fields(), role: callerAuthrole }));
      else logCall("failed", authid, () => ({ ...fields(), error }));
      throw answerError;
    }
  };
}

/** Counts the open calls of each caller, so that nobody can use up what others need. */
class OpenCalls {
  readonly #counts = new Map<string | undefined, number>();

  /** Counts a call until it is disposed. `count`: open calls of this caller, this one included. */
  add(caller: string | undefined): Disposable & { count: number } {
    const count = (this.#counts.get(caller) ?? 0) + 1;
    this.#counts.set(caller, count);
    return { count, [Symbol.dispose]: () => this.#remove(caller) };
  }

  #remove(caller: string | undefined): void {
    const left = (this.#counts.get(caller) ?? 0) - 1;
    if (left > 0) this.#counts.set(caller, left);
    else this.#counts.delete(caller);
  }
}

async function answer(
  row: ProcedureRow,
  device: Device,
  call: { invocation: Invocation; caller: CheckedCaller; turns: KeyedMutex<string> },
): Promise<Reply> {
  const { args, kwargs, session } = call.invocation;
  const isBound = row.endsWithSession === true && session !== undefined;
  const signal = isBound ? AbortSignal.any([call.invocation.signal, session]) : call.invocation.signal;
  const authorized = authorize(row, call.caller, { check: device.checkPrivilege, signal });
  const work = (limit: AbortSignal) => {
    return row.answer(device, { args, kwargs, caller: call.caller.effective, signal: limit });
  };
  const answered = async () => {
    await authorized;
    return await within(row.limitMs, work, { what: `The procedure "${row.name}"`, signal });
  };
  if (row.orderBy === undefined) return await answered();
  // Callers are checked at once, and their turn may come much later.
  authorized.catch(() => {});
  return await call.turns.run(row.orderBy(args), answered, signal);
}

/**
 * The session sends the message alone, so the causes go into it. What was not meant for callers is only in the log: it
 * helps nobody else, and may quote anything.
 */
function toAnswer(error: unknown): AgentError {
  if (!(error instanceof AgentError)) {
    return new AgentError("internal", "the device failed to handle the call", { cause: error });
  }
  const text = textOf(error);
  const message = text.length > errorTextLimit ? `${text.slice(0, errorTextLimit)}…` : text;
  return new AgentError(error.code, message, { cause: error });
}
