/** Decides who the caller is and whether Studio allows the call. Runs before a handler looks at any argument. */

import { within } from "../async/deadline.ts";
import { AgentError, textOf } from "../base/errors.ts";
import type { Dict } from "../base/json.ts";
import type { Privilege } from "../backend/requests.ts";

/** `router`: anyone the router lets through. */
export type Access = Privilege | "router";

/** Who may call a procedure. */
export interface Guarded {
  privilege: Access;
  /** The answer to a caller without the privilege. */
  deniedText: string;
  /** Precedes the cause when the check itself failed. */
  failedCheckPrefix?: string;
}

/** Asks Studio whether an account has a privilege on this device. */
export type PrivilegeCheck = (
  question: { privilege: Privilege; requestor: number },
  signal: AbortSignal,
) => Promise<unknown>;

const trustedCaller = "system";
const checkLimitMs = 10_000;
const quoteLimit = 200;

/**
 * The caller whose rights count. The trusted caller may act for an account: a whole number (or its decimal text) in
 * `requestor_account_key` of the keyword arguments replaces it; the same key inside a positional dict does not.
 */
export function effectiveCaller(authid: string | undefined, kwargs: Dict): string | undefined {
  if (authid !== trustedCaller) return authid;
  const key = kwargs["requestor_account_key"];
  const isText = typeof key === "string" && /^[+-]?[0-9]+$/.test(key);
  if (!isText && typeof key !== "number") return authid;
  return Number.isSafeInteger(Number(key)) ? String(key) : authid;
}

/**
 * Resolves when the call is allowed. Throws `denied` with the procedure's text, or `privilege_check_failed` when Studio
 * cannot answer: a caller that is no account, a failed call, an answer that is no boolean, or none within 10 s. Never
 * cached.
 */
export async function authorize(
  guarded: Guarded,
  caller: string | undefined,
  options: { check: PrivilegeCheck; signal: AbortSignal },
): Promise<void> {
  const { privilege } = guarded;
  if (privilege === "router" || caller === trustedCaller) return;
  const ask = async (signal: AbortSignal) => {
    const answer = await options.check({ privilege, requestor: parseAccount(caller ?? "<nil>") }, signal);
    if (typeof answer !== "boolean") throw new AgentError("privilege_check_failed", "type of argument is not bool");
    return answer;
  };
  let isGranted: boolean;
  try {
    isGranted = await within(checkLimitMs, ask, { what: "Checking privileges", signal: options.signal });
  } catch (error) {
    throw new AgentError("privilege_check_failed", `${guarded.failedCheckPrefix ?? ""}${textOf(error)}`);
  }
  if (!isGranted) throw new AgentError("denied", guarded.deniedText);
}

/** A number as Go's `strconv` reads it, with its error texts. */
function parseAccount(text: string): number {
  if (!/^[+-]?[0-9]+$/.test(text)) throw numberError("Atoi", text, "invalid syntax");
  const account = Number(text);
  if (!Number.isSafeInteger(account)) throw numberError("Atoi", text, "value out of range");
  return account;
}

function numberError(parser: string, text: string, why: string): AgentError {
  const shown = text.length > quoteLimit ? `${text.slice(0, quoteLimit)}…` : text;
  return new AgentError("bad_request", `strconv.${parser}: parsing ${JSON.stringify(shown)}: ${why}`);
}
