/** One thing to do for an app, and what it is done with. */

import type { AppRequest } from "../../model/app.ts";
import type { LiveApp } from "../state/live_app.ts";
import type { ObservedApp } from "../state/observed_app.ts";
import type { Job } from "./job.ts";

/**
 * Why a request is acted on: Studio has sent it, a connect has brought what Studio wants, the agent has started and
 * must not download, or a failed app is tried again.
 */
export type Origin = "request" | "sync" | "boot" | "retry";

/** One attempt to do what a request asks for. */
export interface Attempt {
  request: AppRequest;
  /** `followUp`: it follows from the attempt before. `interruption`: the request has interrupted a transition. */
  why: Origin | "followUp" | "interruption";
  /** Studio has sent a request since the attempt before began. */
  isRequested?: boolean;
  /** False where an update must not begin. */
  mayUpdate: boolean;
  /** What the engine had of the app just now; absent when that has to be observed. */
  observed?: ObservedApp;
  /** What to do, whatever the request asks for; for `rollBack`, why. */
  forced?: { goal: "rollBack"; reason: string } | { goal: "closeUpdate" | "run" | "install" };
  /** See `Wanted`. */
  mayUseFormerImage?: boolean;
}

/** An attempt, the job that it is part of, and its app. */
export interface AttemptContext {
  job: Job;
  app: LiveApp;
  attempt: Attempt;
}
