/** One procedure of the device: its name, who may call it, how its arguments are read and what it does. */

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

/** What every procedure says about itself; also the source of the wire contract in `docs/`. */
export interface Procedure extends Guarded {
  readonly name: string;
  /** The arguments, for people. */
  readonly args: string;
  /** The result, for people. */
  readonly result: string;
}

/** A procedure that works. A call takes at most `limitMs` (30 s when absent); what takes longer goes on in the background. */
export interface Working<Input> extends Procedure {
  readonly limitMs?: number;
  /** Reads the arguments. Throws `bad_request` with the text of the wire contract. */
  decode(call: Call): Input;
  /** Does it. Throws on failure; the text goes to the caller. */
  run(device: Device, input: Input, call: Call): Promise<Reply> | Reply;
}

/** A procedure that is registered, guarded, and answers that it is not available. */
export interface Later extends Procedure {
  /** The area that will bring it. */
  readonly laterIssue: string;
}

/** A row of the table. */
export interface ProcedureRow extends Procedure {
  readonly limitMs: number;
  readonly isAvailable: boolean;
  /** Reads the arguments and does it. */
  answer(device: Device, call: Call): Promise<Reply>;
}

const defaultLimitMs = 30_000;

/** Makes a row of a procedure that works. */
export function working<Input>(procedure: Working<Input>): ProcedureRow {
  return {
    ...procedure,
    limitMs: procedure.limitMs ?? defaultLimitMs,
    isAvailable: true,
    answer: async (device, call) => await procedure.run(device, procedure.decode(call), call),
  };
}

/** Makes a row of a procedure that comes later. */
export function later(procedure: Later): ProcedureRow {
  return {
    ...procedure,
    limitMs: defaultLimitMs,
    isAvailable: false,
    answer: () => Promise.reject(new AgentError("not_available", "not available in this version")),
  };
}

/** For procedures without arguments: whatever is sent is ignored. */
export function noArguments(): void {}
