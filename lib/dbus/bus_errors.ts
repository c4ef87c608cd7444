/** What a program on the bus answers instead of a result. */

import { AgentError } from "../base/errors.ts";

/** Characters of the text of an answer that are kept. */
const refusalTextLimit = 1_000;

/** The program that was called has answered with an error. Code `bus_refused`. */
export class BusRefusal extends AgentError {
  /** Such as `org.freedesktop.DBus.Error.ServiceUnknown`. */
  readonly errorName: string;
  /** What the program says, for people; shortened. */
  readonly text: string;

  constructor(call: string, { errorName, text }: { errorName: string; text: string }) {
    const short = text.length > refusalTextLimit ? `${text.slice(0, refusalTextLimit)}…` : text;
    super("bus_refused", `Cannot call "${call}" on the system bus: ${short || errorName}`);
    this.errorName = errorName;
    this.text = short;
  }
}

/** True when `error` is a refusal with one of these names; the part before the last dot may be left out. */
export function isBusRefusal(error: unknown, ...names: string[]): error is BusRefusal {
  if (!(error instanceof BusRefusal)) return false;
  const last = error.errorName.slice(error.errorName.lastIndexOf(".") + 1);
  return names.length === 0 || names.includes(error.errorName) || names.includes(last);
}

/**
 * True when nobody on the bus has the name that was called, and nobody could be started for it, or when the program
 * left the bus before it answered.
 */
export function isServiceMissing(error: unknown): boolean {
  return isBusRefusal(error, "ServiceUnknown", "NameHasNoOwner", "NoReply") ||
    (error instanceof BusRefusal && error.errorName.startsWith("org.freedesktop.DBus.Error.Spawn"));
}

/** True when the program does not know the method, the interface or the object. */
export function isMethodMissing(error: unknown): boolean {
  return isBusRefusal(error, "UnknownMethod", "UnknownInterface", "UnknownObject");
}
