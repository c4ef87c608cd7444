/** What a session may ask of its realm, and the callback that decides on it. */

import type { Session } from "./session.ts";
import type { Match } from "./uri_match.ts";

/** What a session may ask for, for an authorise callback. */
export interface ActionRequest {
  session: Session;
  action: "call" | "publish" | "register" | "subscribe";
  uri: string;
  /** "exact" for a call or a publication. */
  match: Match;
  /** "all": may the session do it with everything that matches. "some": is there anything that matches. */
  extent: "all" | "some";
}

/** Decides whether an action is allowed. When it throws, the action is refused. */
export type Authorise = (request: ActionRequest) => boolean;

/** A question about one URI, or about what a pattern matches. */
export type Question = Pick<ActionRequest, "session" | "action" | "uri"> & Partial<ActionRequest>;

/** An authorise callback that allows everything. */
export function allowAll(): boolean {
  return true;
}
