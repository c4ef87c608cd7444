/** Explains why there is nothing to read of an app. Pure. */

import { hasCode, messageOf } from "../base/errors.ts";

/** True for what engines answer for log drivers that only send lines elsewhere, or nowhere (`none`). */
export function cannotBeRead(error: unknown): boolean {
  return hasCode(error, "engine_failed") && /does not support reading/i.test(messageOf(error));
}

/** Why such a log cannot be read. `logDriver`: its name, if it is known. */
export function driverReason(logDriver: string | undefined): string {
  const name = logDriver === undefined || logDriver === "" ? "" : ` "${logDriver}"`;
  return `the engine's log driver${name} does not support reading`;
}

/** What viewers see once in place of a log. */
export function unreadableText(because: string): string {
  return `The output of this app cannot be shown: ${because}`;
}
