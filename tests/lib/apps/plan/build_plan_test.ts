import assert from "node:assert/strict";
import { buildPlan } from "../../../../lib/apps/plan/build_plan.ts";
import type { Wanted } from "../../../../lib/apps/plan/given.ts";
import { type BuildGoal, type Step, stepKey } from "../../../../lib/apps/plan/steps.ts";
import type { ObservedApp } from "../../../../lib/apps/state/observed_app.ts";

const single: Wanted = {
  ...{ appName: "Fan_Ctl", version: "latest", newest: { version: "", releaseKey: 0 }, fallback: undefined },
  ...{ isDev: true, release: "1.2" },
};
const compose: Wanted = { ...single, project: { images: [], isFresh: false, isToRun: false } };
const nothing: ObservedApp = { containers: [], tags: [] };

function stepsOf(goal: BuildGoal, wanted: Wanted, done: readonly string[] = []): Step[] {
  const progress = { done: new Set(done), createdContainer: undefined };
  return buildPlan(goal, { wanted, observed: nothing, progress });
}

function keys(goal: BuildGoal, wanted: Wanted, done: readonly string[] = []): string[] {
  return stepsOf(goal, wanted, done).map(stepKey);
}

const rows: [name: string, goal: BuildGoal, wanted: Wanted, steps: string[]][] = [
  ["build", "build", single, [
    ...["clearHistory", "markBuild app", "report REMOVED", "checkUpload", "say Starting image build..."],
    ...["report BUILDING", "buildImage app", "say Image built successfully", "report BUILT"],
  ]],
  ["build of a compose app", "build", compose, [
    ...["clearHistory", "markBuild app", "report REMOVED", "checkUpload", "checkProject"],
    ...["extractUpload", "say Starting image build...", "report BUILDING", "buildServices app", "pullServices"],
    ...["say Compose Image built successfully", "report BUILT"],
  ]],
  ["publish", "publish", single, [
    ...["sayRelease Initializing publish process for Fan_Ctl...", "clearHistory", "markBuild release"],
    ...["report REMOVED", "checkUpload", "sayRelease Starting image build...", "report BUILDING"],
    ...["buildImage release", "sayRelease Image built successfully", "report BUILT"],
    ...["sayRelease App build has finished, Starting to publish...", "tagRelease 1.2", "report PUBLISHING"],
    ...["pushImage 1.2", "report PUBLISHED", "clearReleaseHistory", "dropReleases"],
  ]],
  ["publish of a compose app", "publish", compose, [
    ...["sayRelease Initializing publish process for Fan_Ctl...", "clearHistory", "markBuild release"],
    ...[
      "report REMOVED",
      "checkUpload",
      "checkProject",
      "extractUpload",
      "sayRelease Starting image build...",
      "report BUILDING",
    ],
    ...["buildServices release", "sayRelease Compose Image built successfully", "report BUILT"],
    ...["sayRelease App build has finished, Starting to publish...", "report PUBLISHING", "rehostImages"],
    ...["pushServices", "report PUBLISHED", "clearReleaseHistory"],
  ]],
  ["a failed app that is to be stopped", "recoverBuild", single, [
    ...["clearHistory", "markBuild app", "report REMOVED", "checkUpload", "say Starting image build..."],
    ...["report BUILDING", "buildImage app", "say Image built successfully", "report BUILT", "report PRESENT"],
  ]],
];

Deno.test("buildPlan() has the steps of the reference in their order", async (t) => {
  for (const [name, goal, wanted, steps] of rows) {
    await t.step(name, () => assert.deepEqual(keys(goal, wanted), steps));
  }
});

Deno.test("for every plan, each step is there once, and what is done does not come again", () => {
  for (const [, goal, wanted, steps] of rows) {
    assert.equal(new Set(steps).size, steps.length);
    for (let done = 0; done <= steps.length; done += 1) {
      assert.deepEqual(keys(goal, wanted, steps.slice(0, done)), steps.slice(done));
    }
  }
});

Deno.test("nothing is pushed before PUBLISHING is reported, and nothing built before the upload was checked", () => {
  for (const wanted of [single, compose]) {
    const steps = stepsOf("publish", wanted).map(({ kind }) => kind);
    const all = keys("publish", wanted);
    assert.ok(all.indexOf("report PUBLISHING") < steps.findIndex((kind) => /^push|^rehost/.test(kind)));
    assert.ok(steps.indexOf("checkUpload") < steps.findIndex((kind) => /^build(Image|Services)$/.test(kind)));
  }
});

Deno.test("buildPlan() ends what runs before anything else", () => {
  const running = { id: "c", name: "dev_71_fan_ctl", status: "running" };
  const observed: ObservedApp = { containers: [running], tags: ["latest"] };
  const progress = { done: new Set<string>(), createdContainer: undefined };
  const kinds = buildPlan("publish", { wanted: single, observed, progress }).map(({ kind }) => kind);
  assert.deepEqual(kinds.slice(0, 3), ["stopContainer", "removeContainer", "sayRelease"]);
});
