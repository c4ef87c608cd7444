/** What a turn is made of. */

import type { AppRequest } from "../../model/app.ts";
import type { ObservedApp } from "../state/observed_app.ts";

/** One thing to do within a turn. */
export interface Attempt {
  request: AppRequest;
  /** `later`: it follows from what was done before; `interrupt`: it has cut a transition. */
  why: "request" | "sync" | "boot" | "retry" | "later" | "interrupt";
  /** Studio has asked for it since the round before began. */
  isAsked?: boolean;
  /** False where an update must not begin. */
  mayUpdate: boolean;
  /** What the engine had of the app just now; absent when that has to be looked at. */
  observed?: ObservedApp;
  /** What is to be done, whatever the request asks; with `rollBack`, why. */
  forced?: { goal: "rollBack"; reason: string } | { goal: "closeUpdate" };
}
