/** The arguments of a message, kept as they were on the wire. Pure. */

import { type Dict, isDict } from "../base/json.ts";

/**
 * Arguments as they were on the wire. autobahn unwraps results and hides the request id from handlers, so RESULT and
 * INVOCATION carry one of these as their only argument.
 */
export class Payload {
  readonly args: unknown[];
  readonly kwargs: Dict;
  /** Of an invocation; 0 otherwise. */
  readonly request: number;
  /** Of an invocation; empty otherwise. */
  readonly details: Dict;

  constructor(args: unknown[], kwargs: Dict, options: { request?: number; details?: Dict } = {}) {
    this.args = args;
    this.kwargs = kwargs;
    this.request = options.request ?? 0;
    this.details = options.details ?? {};
  }
}

/** Positional and keyword arguments; null and absent mean empty. Undefined for any other shape. */
export function readPayload(args: unknown, kwargs: unknown): Payload | undefined {
  const list = args ?? [];
  const dict = kwargs ?? {};
  return Array.isArray(list) && isDict(dict) ? new Payload(list, dict) : undefined;
}
