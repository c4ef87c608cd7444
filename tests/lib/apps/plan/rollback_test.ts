import assert from "node:assert/strict";
import {
  blamelessCodes,
  blamesRelease,
  fallbackFor,
  fallbackOf,
  hasFailed,
  hasPassedProbation,
  isFailedDownload,
  isFailedUpdate,
  isOnProbation,
  isUnsettled,
  mayUpdateTo,
  type ReleaseFailure,
  rollBackAfter,
  settingsToRestore,
  updateAfterRequest,
} from "../../../../lib/apps/plan/rollback.ts";
import type { Step } from "../../../../lib/apps/plan/steps.ts";
import { AgentError, type ErrorCode } from "../../../../lib/base/errors.ts";
import type { StoredUpdate, UpdatePhase } from "../../../../lib/store/update_rows.ts";

const start: Step = { kind: "startContainer" };
const verify: Step = { kind: "verifyImage", tag: "2" };
const stable = { isDeviceUnstable: false };

function failing(step: Step | undefined, code: ErrorCode = "start_failed", wasKilled = false): ReleaseFailure {
  return { kind: "transition", step, error: new AgentError(code, "it does not work"), wasKilled };
}

function exit(exitCode: number, wasKilled = false): ReleaseFailure {
  return { kind: "exit", exitCode, wasKilled };
}

/** The update from version 1 to version 2. */
function update(phase: UpdatePhase): StoredUpdate {
  const [from, to] = [{ version: "1", releaseKey: 7 }, { version: "2", releaseKey: 8 }];
  return { id: { appKey: 7, stage: "PROD" }, phase, from, to, container: { Image: "shop:1" }, reason: "" };
}

Deno.test("blamesRelease() is true for what the release itself has done", () => {
  const cases: [name: string, failure: ReleaseFailure, expected: boolean][] = [
    ["its container cannot be created", failing({ kind: "createContainer", tag: "2" }), true],
    ["it cannot be started", failing(start), true],
    ["it ends right after its start", failing({ kind: "awaitStartup" }), true],
    ["it is killed right after its start", failing({ kind: "awaitStartup" }, "start_failed", true), false],
    ["it ends while it runs", exit(3), true],
    ["it ends well while it should run", exit(0), true],
    ["it is killed while it runs", exit(137, true), false],
    ["its download fails", failing({ kind: "readPull", tag: "2" }), false],
    ["the container before cannot be removed", failing({ kind: "removeContainer", id: "old" }), false],
    ["nothing was done yet", failing(undefined), false],
  ];
  for (const [name, failure, expected] of cases) {
    assert.equal(blamesRelease(failure, stable), expected, name);
    assert.equal(blamesRelease(failure, { isDeviceUnstable: true }), false, `${name}, on an unstable device`);
  }
});

Deno.test("blamesRelease() is false for errors that any release would have met", () => {
  for (const code of ["start_failed", "engine_failed", "image_missing", "io_failed", "bad_request"] as const) {
    assert.equal(blamesRelease(failing(start, code), stable), true, code);
  }
  const blameless = [
    "canceled",
    "command_failed",
    "engine_unreachable",
    "left_alone",
    "no_space",
    "port_in_use",
    "store_failed",
    "timeout",
  ];
  assert.deepEqual([...blamelessCodes].sort(), blameless);
  for (const code of blamelessCodes) assert.equal(blamesRelease(failing(start, code), stable), false, code);
});

Deno.test("rollBackAfter() goes back from a release on probation only, and says why", () => {
  assert.deepEqual(rollBackAfter(exit(4), update("probation")), {
    failed: "2",
    restored: "1",
    reason: "exited with status code 4",
  });
  assert.equal(rollBackAfter(failing(start), update("probation"))?.reason, "it does not work");
  for (const other of [undefined, update("switch"), update("failed")]) {
    assert.equal(rollBackAfter(exit(4), other), undefined, other?.phase);
  }
});

Deno.test("hasPassedProbation() is true when the time is over and the app still runs", () => {
  const passed = { state: "RUNNING", hasChanged: false, isProbationOver: true } as const;
  assert.equal(hasPassedProbation(passed), true);
  assert.equal(hasPassedProbation({ ...passed, isProbationOver: false }), false);
  assert.equal(hasPassedProbation({ ...passed, state: "FAILED" }), false);
  assert.equal(hasPassedProbation({ ...passed, hasChanged: true }), false);
});

Deno.test("isFailedUpdate() is true for what fails before the container was touched, and will be tried again", () => {
  const failure = { goal: "update", state: "UPDATING", error: new AgentError("pull_failed", "no") } as const;
  const errorOf = (code: ErrorCode) => ({ error: new AgentError(code, "no") });
  const cases: [name: string, failure: Parameters<typeof isFailedUpdate>[0], expected: boolean][] = [
    ["another image than the one that was pulled", failure, true],
    ["a full disk", { ...failure, ...errorOf("no_space") }, true],
    ["an engine that is away", { ...failure, ...errorOf("engine_unreachable") }, false],
    ["after the switch", { ...failure, state: "PRESENT" }, false],
    ["another transition", { ...failure, goal: "run" }, false],
    ["no transition", { ...failure, goal: undefined }, false],
  ];
  for (const [name, given, expected] of cases) assert.equal(isFailedUpdate(given), expected, name);
});

Deno.test("#14: isFailedDownload() is true for the fault of a registry, or of the way to it, only", () => {
  const errorOf = (code: ErrorCode) => new AgentError(code, "no");
  const pulls: Step[] = [{ kind: "openPull", tag: "2" }, { kind: "readPull", tag: "2" }];
  for (const step of pulls) {
    for (const code of ["pull_failed", "image_missing", "timeout", "registry_busy", "denied"] as const) {
      assert.equal(isFailedDownload({ step, error: errorOf(code) }), true, code);
    }
    for (const code of ["no_space", "engine_unreachable", "store_failed", "internal"] as const) {
      assert.equal(isFailedDownload({ step, error: errorOf(code) }), false, code);
    }
  }
  assert.equal(isFailedDownload({ step: verify, error: errorOf("pull_failed") }), true);
  assert.equal(isFailedDownload({ step: verify, error: errorOf("engine_failed") }), false);
  assert.equal(isFailedDownload({ step: start, error: errorOf("image_missing") }), false);
  assert.equal(isFailedDownload({ step: undefined, error: errorOf("pull_failed") }), false);
});

Deno.test("mayUpdateTo() leaves a version alone that has failed, was canceled or waits for its next try", () => {
  const cases: [name: string, version: string, known: Parameters<typeof mayUpdateTo>[1], expected: boolean][] = [
    ["nothing is known", "2", { update: undefined }, true],
    ["it is on probation", "2", { update: update("probation") }, true],
    ["it has failed", "2", { update: update("failed") }, false],
    ["another has failed", "3", { update: update("failed") }, true],
    ["it was canceled", "2", { update: undefined, skippedVersion: "2" }, false],
    ["another was canceled", "3", { update: undefined, skippedVersion: "2" }, true],
  ];
  for (const [name, version, known, expected] of cases) assert.equal(mayUpdateTo(version, known), expected, name);
});

Deno.test("fallbackFor() keeps the last release that has proven itself", () => {
  const installed = { from: { version: "2", releaseKey: 8 }, container: { Image: "shop:2" } };
  const proven = { from: { version: "1", releaseKey: 7 }, container: { Image: "shop:1" } };
  assert.deepEqual(fallbackFor(installed, undefined), installed);
  assert.deepEqual(fallbackFor(installed, update("failed")), installed);
  assert.deepEqual(fallbackFor(installed, update("probation")), proven);
  assert.deepEqual(fallbackFor(installed, update("switch")), proven);
});

Deno.test("updateAfterRequest() forgets a failure when an update is asked for, and old settings on any other request", () => {
  const failed = update("failed");
  const isUpdate = { requestUpdate: true };
  const isOther = { requestUpdate: false };
  assert.equal(updateAfterRequest(isUpdate, failed), undefined);
  assert.deepEqual(updateAfterRequest(isOther, failed), { ...failed, container: null });
  const withoutSettings = { ...failed, container: null };
  assert.equal(updateAfterRequest(isOther, withoutSettings), withoutSettings);
  for (const other of [undefined, update("switch"), update("probation")]) {
    assert.equal(updateAfterRequest(isUpdate, other), other);
    assert.equal(updateAfterRequest(isOther, other), other);
  }
});

Deno.test("isUnsettled() is true while an app is worked on, or runs on probation", () => {
  const unsettled = [
    "DOWNLOADING",
    "UPDATING",
    "STARTING",
    "STOPPING",
    "DELETING",
    "BUILDING",
    "PUBLISHING",
    "TRANSFERING",
  ] as const;
  const settled = ["PRESENT", "REMOVED", "UNINSTALLED", "FAILED", "BUILT", "PUBLISHED", "TRANSFERED"] as const;
  for (const state of unsettled) assert.equal(isUnsettled(state, undefined), true, state);
  for (const state of settled) assert.equal(isUnsettled(state, update("probation")), false, state);
  assert.equal(isUnsettled("RUNNING", update("probation")), true);
  assert.equal(isUnsettled("RUNNING", update("failed")), false);
  assert.equal(isUnsettled("RUNNING", undefined), false);
});

Deno.test("what the phase of an update means", () => {
  const cases: [StoredUpdate | undefined, [boolean, boolean, string | undefined, boolean]][] = [
    [undefined, [false, false, undefined, false]],
    [update("switch"), [false, false, "1", false]],
    [update("probation"), [true, false, "1", false]],
    [update("failed"), [false, true, undefined, true]],
  ];
  for (const [given, expected] of cases) {
    const isRestored = settingsToRestore("1", given) !== null;
    assert.deepEqual(
      [isOnProbation(given), hasFailed("2", given), fallbackOf(given), isRestored],
      expected,
      given?.phase,
    );
  }
  assert.equal(settingsToRestore("3", update("failed")), null, "another version gets settings of its own");
});
