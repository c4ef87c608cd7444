/**
 * Who a call counts as. Identity comes from what the router discloses of the caller, never from an argument; only
 * Studio's backend may name somebody else. Pure.
 */

import { type Dict, isDict } from "../base/json.ts";

/** What the router disclosed of a caller. */
export interface DisclosedCaller {
  callerAuthid: string | undefined;
  callerAuthrole: string | undefined;
}

/** The name and the role of Studio's backend. */
export const backendCaller = "system";

/** A caller that names an account which is none. It has no privilege. */
export const unnamedAccount = "unnamed-account";

const accountKey = "requestor_account_key";

/**
 * The caller whose privileges count. `system` may act for an account, in `requestor_account_key` of the keyword
 * arguments or, if they lack it, of the first positional dict: a positive whole number or its decimal text. With
 * anything else there it acts for nobody.
 */
export function effectiveCaller(
  authid: string | undefined,
  call: { args: unknown[]; kwargs: Dict },
): string | undefined {
  if (authid !== backendCaller) return authid;
  const [first] = call.args;
  const named = [call.kwargs, first].find((dict) => isDict(dict) && Object.hasOwn(dict, accountKey));
  if (!isDict(named)) return authid;
  const account = readAccount(named[accountKey]);
  return account === undefined ? unnamedAccount : String(account);
}

/** The account that a number or a text stands for; undefined when it is no positive whole number that can be exact. */
export function readAccount(value: unknown): number | undefined {
  const isDecimal = typeof value === "string" && value.length <= 400 && /^\+?[0-9]+$/.test(value);
  const account = isDecimal ? Number(value) : value;
  return typeof account === "number" && Number.isSafeInteger(account) && account > 0 ? account : undefined;
}

/** True for Studio's backend: by its role, or by its name where a router has no such role. */
export function isBackend({ callerAuthid, callerAuthrole }: DisclosedCaller): boolean {
  return callerAuthrole === backendCaller || callerAuthid === backendCaller;
}
