/**
 * What the agent and the local Studio expect of a WAMP router: one list of cases, which runs against Crossbar.io and
 * against the embedded router of `scripts/studio/router/`.
 */

import { callCases } from "./call_cases.ts";
import { cancelCases } from "./cancel_cases.ts";
import { joinCases } from "./join_cases.ts";
import { killCases, testamentCases } from "./leave_cases.ts";
import { metaEventCases, metaProcedureCases } from "./meta_cases.ts";
import { type RouterCase, RouterFixture, type RouterUnderTest } from "./router_fixture.ts";
import { topicCases } from "./topic_cases.ts";

/** The routers that the cases run against. */
export type RouterName = "crossbar" | "embedded";

/** A case that a router fails, and why. */
export interface Exception {
  router: RouterName;
  case: string;
  reason: string;
}

/** All cases. */
export const cases: RouterCase[] = [
  ...joinCases,
  ...callCases,
  ...cancelCases,
  ...topicCases,
  ...metaProcedureCases,
  ...metaEventCases,
  ...testamentCases,
  ...killCases,
];

/** The known failures. These cases run as well and must fail, so that the list stays true. */
export const exceptions: Exception[] = [
  {
    router: "crossbar",
    case: "an unknown authid is answered like a wrong secret",
    reason: "Crossbar.io 26 aborts at once and names the authid that it does not know",
  },
  {
    router: "crossbar",
    case: "CANCEL skip is answered with canceled",
    reason:
      "Crossbar.io 26 never answers a skipped call, although the specification asks for ERROR wamp.error.canceled",
  },
  {
    router: "crossbar",
    case: "a callee that disconnects after its call was canceled causes no second answer",
    reason: "Crossbar.io 26 sends the caller a second ERROR for a request that it has answered already",
  },
  {
    router: "crossbar",
    case: "wamp.subscription.list without a session includes the wildcard subscriptions",
    reason: "Crossbar.io 26 lists wildcard subscriptions only for a single session",
  },
];

/** Runs one case against a router. Throws when it fails, and when it passes although it is a known failure. */
export async function runCase(
  one: RouterCase,
  { name, router }: { name: RouterName; router: RouterUnderTest },
): Promise<void> {
  const exception = exceptions.find((other) => other.router === name && other.case === one.name);
  await using fixture = new RouterFixture(router);
  if (!exception) return await one.run(fixture);
  const failure = await one.run(fixture).then(() => undefined, (error: unknown) => error);
  if (failure === undefined) throw new Error(`Passes on ${name}, although the list says: ${exception.reason}`);
}
