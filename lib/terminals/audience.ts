/** Who may see and use a terminal. Pure. */

import type { PublishOptions } from "../wamp/session.ts";

/** The authid of Studio's backend, which may see and use every terminal. */
const backendAuthid = "system";

/** The answer to everybody else. */
export const foreignTerminalText = "insufficient privileges to use this terminal session";

/** True for the owner of a terminal and for Studio's backend. */
export function mayUse(owner: string, caller: string | undefined): boolean {
  return caller === owner || caller === backendAuthid;
}

/** True for input of those who may use a terminal; a router that discloses nobody is trusted to let nobody else in. */
export function mayType(owner: string, publisher: string | undefined): boolean {
  return publisher === undefined || mayUse(owner, publisher);
}

/** Output is for the owner and for Studio's backend. A bridge between two routers reads the keyword and removes it. */
export function outputOptions(owner: string): PublishOptions {
  if (owner === backendAuthid) return { acknowledge: true, eligibleAuthids: [backendAuthid] };
  return {
    acknowledge: true,
    eligibleAuthids: [owner, backendAuthid],
    kwargs: { __bridge_eligible_authid__: [owner] },
  };
}
