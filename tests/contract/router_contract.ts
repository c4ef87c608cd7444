/**
 * What a WAMP router must do for the agent and the local Studio: one table of cases, run on Crossbar.io and on the
 * embedded router of `scripts/studio/router/`.
 */

import { callCases, cancelCases } from "./call_cases.ts";
import { joinCases } from "./join_cases.ts";
import { killCases, testamentCases } from "./leave_cases.ts";
import { metaEventCases, metaProcedureCases } from "./meta_cases.ts";
import { type Case, type RouterUnderTest, Stage } from "./router_fixture.ts";
import { topicCases } from "./topic_cases.ts";

/** The routers that the cases run on. */
export type RouterName = "crossbar" | "embedded";

/** A case that one router cannot pass, and why. */
export interface Exception {
  router: RouterName;
  case: string;
  reason: string;
}

/** All cases. */
export const cases: Case[] = [
  ...joinCases,
  ...callCases,
  ...cancelCases,
  ...topicCases,
  ...metaProcedureCases,
  ...metaEventCases,
  ...testamentCases,
  ...killCases,
];

/** The cases that one side cannot pass. Each is run there all the same and must fail, so that the table stays true. */
export const exceptions: Exception[] = [
  {
    router: "crossbar",
    case: "CANCEL skip is answered with canceled",
    reason: "Crossbar.io 26 never answers a skipped call, although the specification wants ERROR wamp.error.canceled",
  },
  {
    router: "crossbar",
    case: "a callee that vanishes after its call was canceled makes no second answer",
    reason: "Crossbar.io 26 sends the caller a second ERROR for a request that is already answered",
  },
  {
    router: "crossbar",
    case: "wamp.subscription.list of all has the wildcard subscriptions",
    reason: "Crossbar.io 26 leaves wildcard subscriptions out of the list of all; they are in the list of a session",
  },
];

/** Runs one case on a router. Throws when it fails, or when it passes although it is listed as impossible. */
export async function runCase(
  one: Case,
  { name, router }: { name: RouterName; router: RouterUnderTest },
): Promise<void> {
  const exception = exceptions.find((other) => other.router === name && other.case === one.name);
  await using stage = new Stage(router);
  if (!exception) return await one.run(stage);
  const failure = await one.run(stage).then(() => undefined, (error: unknown) => error);
  if (failure === undefined) throw new Error(`Passes on ${name}, but the table says: ${exception.reason}`);
}
