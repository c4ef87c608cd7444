/** Decides whether a call is allowed. Runs before a handler looks at any argument. */

import { within } from "../async/deadline.ts";
import type { Privilege } from "../backend/requests.ts";
import { AgentError, textOf } from "../base/errors.ts";
import { backendCaller, type DisclosedCaller, isBackend, readAccount } from "./caller.ts";

/** `backend`: Studio's backend alone. `router`: anyone the router lets through. */
export type Access = Privilege | "backend" | "router";

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

/** The caller of a call: as the router disclosed it, and whose privileges count. */
export interface CheckedCaller extends DisclosedCaller {
  effective: string | undefined;
}

const checkLimitMs = 10_000;

/**
 * Resolves when the call is allowed. Throws `denied` with the procedure's text, also for a caller that is no account,
 * or `privilege_check_failed` when Studio cannot answer: a failed call, an answer that is no boolean, or none within 10
 * s. Never cached.
 */
export async function authorize(
  guarded: Guarded,
  caller: CheckedCaller,
  options: { check: PrivilegeCheck; signal: AbortSignal },
): Promise<void> {
  const { privilege, deniedText } = guarded;
  if (privilege === "router") return;
  if (privilege === "backend") {
    if (isBackend(caller)) return;
    throw new AgentError("denied", deniedText);
  }
  if (caller.effective === backendCaller) return;
  const requestor = readAccount(caller.effective);
  if (requestor === undefined) throw new AgentError("denied", deniedText);
  const ask = async (signal: AbortSignal) => {
    const answer = await options.check({ privilege, requestor }, signal);
    if (typeof answer !== "boolean") throw new AgentError("privilege_check_failed", "type of argument is not bool");
    return answer;
  };
  let isGranted: boolean;
  try {
    isGranted = await within(checkLimitMs, ask, { what: "Checking privileges", signal: options.signal });
  } catch (error) {
    throw new AgentError("privilege_check_failed", `${guarded.failedCheckPrefix ?? ""}${textOf(error)}`);
  }
  if (!isGranted) throw new AgentError("denied", deniedText);
}
