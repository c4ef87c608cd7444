import assert from "node:assert/strict";
import {
  type AnyBuildStep,
  type BuildGoal,
  buildStepKey,
  type BuildWanted,
  planBuild,
} from "../../../../lib/apps/plan/build_plan.ts";

const single: BuildWanted = { appName: "Fan_Ctl", isCompose: false, version: "1.2" };
const compose = { ...single, isCompose: true };

function keys(goal: BuildGoal, wanted: BuildWanted, done: readonly string[] = []): string[] {
  return planBuild(goal, { wanted, done: new Set(done) }).map(buildStepKey);
}

const rows: [name: string, goal: BuildGoal, wanted: BuildWanted, steps: string[]][] = [
  ["build", "build", single, [
    ...["clearHistory", "markBuild app", "report REMOVED", "checkUpload", "say Starting image build..."],
    ...["report BUILDING", "buildImage app", "say Image built successfully", "report BUILT"],
  ]],
  ["build of a compose app", "build", compose, [
    ...["clearHistory", "markBuild app", "report REMOVED", "checkUpload", "extractUpload"],
    ...["say Starting image build...", "report BUILDING", "buildServices app", "pullServices"],
    ...["say Compose Image built successfully", "report BUILT"],
  ]],
  ["publish", "publish", single, [
    ...["sayRelease Initializing publish process for Fan_Ctl...", "clearHistory", "markBuild release"],
    ...["report REMOVED", "checkUpload", "sayRelease Starting image build...", "report BUILDING"],
    ...["buildImage release", "sayRelease Image built successfully", "report BUILT"],
    ...["sayRelease App build has finished, Starting to publish...", "tagRelease 1.2", "report PUBLISHING"],
    ...["pushImage 1.2", "report PUBLISHED", "clearReleaseHistory"],
  ]],
  ["publish of a compose app", "publish", compose, [
    ...["sayRelease Initializing publish process for Fan_Ctl...", "clearHistory", "markBuild release"],
    ...["report REMOVED", "checkUpload", "extractUpload", "sayRelease Starting image build...", "report BUILDING"],
    ...["buildServices release", "sayRelease Compose Image built successfully", "report BUILT"],
    ...["sayRelease App build has finished, Starting to publish...", "report PUBLISHING", "rehostImages"],
    ...["pushServices", "report PUBLISHED", "clearReleaseHistory"],
  ]],
  ["clean-up", "deleteUpload", single, ["deleteUpload"]],
];

Deno.test("planBuild() has the steps of the reference in their order", async (t) => {
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
    const steps: AnyBuildStep["kind"][] = planBuild("publish", { wanted, done: new Set() }).map(({ kind }) => kind);
    const all = keys("publish", wanted);
    assert.ok(all.indexOf("report PUBLISHING") < steps.findIndex((kind) => /^push|^rehost/.test(kind)));
    assert.ok(steps.indexOf("checkUpload") < steps.findIndex((kind) => /^build(Image|Services)$/.test(kind)));
  }
});
