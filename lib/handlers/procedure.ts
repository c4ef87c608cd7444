/** One procedure of the device: its name, who may call it, how its arguments are decoded and what it does. */

import { AgentError } from "../base/errors.ts";
import type { Dict } from "../base/json.ts";
import type { Reply } from "../wamp/invocations.ts";
import type { Guarded } from "./authorize.ts";
import type { Device } from "./device.ts";

/** A call as handlers see it. */
export interface Call {
  args: unknown[];
  kwargs: Dict;
  /** The caller whose rights count; undefined when the router did not disclose one. */
  caller: string | undefined;
  /** Ends when the caller gave up or the time limit passed. */
  signal: AbortSignal;
}

/** The description of a procedure; also the source of `docs/wire.md`. */
export interface Procedure extends Guarded {
  readonly name: string;
  /** The arguments, for readers of `docs/wire.md`. */
  readonly args: string;
  /** The result, likewise. */
  readonly result: string;
  /** The work is for its answer alone: it ends with the session of the call. */
  readonly endsWithSession?: true;
}

/** A procedure that works. A call takes at most `limitMs` (30 s when absent). */
export interface Working<Input> extends Procedure {
  readonly limitMs?: number;
  /**
   * What calls have in common that are worked on in the order in which they have arrived, however long it takes to
   * check their callers. Absent: calls do not wait for each other.
   */
  readonly orderBy?: (args: readonly unknown[]) => string;
  /** Decodes the arguments. Throws `bad_request` with the text of the wire contract. */
  decode(call: Call): Input;
  /** Throws on failure; the text goes to the caller. */
  readonly run: (device: Device, input: Input, call: Call) => Promise<Reply> | Reply;
}

/** A procedure that is registered, guarded, and answers that it is not available. */
export interface Later extends Procedure {
  /** The area that it waits for. */
  readonly laterIssue: string;
}

/** A row of the table of procedures. */
export interface ProcedureRow extends Procedure {
  readonly limitMs: number;
  readonly isAvailable: boolean;
  readonly orderBy?: (args: readonly unknown[]) => string;
  /** Decodes the arguments and does the work. */
  answer(device: Device, call: Call): Promise<Reply>;
}

const defaultLimitMs = 30_000;

/** The row of a procedure that works. */
export function working<Input>(procedure: Working<Input>): ProcedureRow {
  return {
    ...procedure,
    limitMs: procedure.limitMs ?? defaultLimitMs,
    isAvailable: true,
    answer: async (device, call) => await procedure.run(device, procedure.decode(call), call),
  };
}

/** The row of a procedure that is not available yet. */
export function later(procedure: Later): ProcedureRow {
  return {
    ...procedure,
    limitMs: defaultLimitMs,
    isAvailable: false,
    answer: () => Promise.reject(new AgentError("not_available", "not available in this version")),
  };
}

/** For procedures without arguments: any that are sent are ignored. */
export function noArguments(): void {}
