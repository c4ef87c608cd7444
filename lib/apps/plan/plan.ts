/** Plans what brings an app to a goal, whatever kind of app it is. Pure. */

import { buildPlan } from "./build_plan.ts";
import { composePlan } from "./compose_plan.ts";
import { containerPlan } from "./container_plan.ts";
import type { Given } from "./given.ts";
import type { Goal, Step } from "./steps.ts";

/**
 * What is left to do, in order; empty when the goal is reached. After each step the transition observes and plans
 * again, so a step may run twice, fail, or be interrupted anywhere.
 */
export function plan(goal: Goal, given: Given): Step[] {
  if (goal === "build" || goal === "recoverBuild" || goal === "publish") return buildPlan(goal, given);
  return given.wanted.project === undefined ? containerPlan(goal, given) : composePlan(goal, given);
}
