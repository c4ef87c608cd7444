import assert from "node:assert/strict";
import { failureText, interruptionText, rollBackText, updateRetryText } from "../../../../lib/apps/plan/texts.ts";
import { isPulling } from "../../../../lib/apps/plan/steps.ts";
import { AgentError } from "../../../../lib/base/errors.ts";
import { EngineError } from "../../../../lib/docker/errors.ts";

const error = new AgentError("pull_failed", "no such tag");

Deno.test("failureText() says what was attempted, with the causes", () => {
  const cases = [
    [{ kind: "openPull", tag: "1" }, "Error occured while trying to pull the image: no such tag"],
    [{ kind: "readPull", tag: "1" }, "Error occured while trying to pull the image: no such tag"],
    [{ kind: "createContainer", tag: "1" }, "The app failed to start, reason: no such tag"],
    [{ kind: "startContainer" }, "The app failed to start, reason: no such tag"],
    [{ kind: "awaitStartup" }, "The app failed to start, reason: no such tag"],
    [{ kind: "deleteData" }, "no such tag"],
    [undefined, "no such tag"],
  ] as const;
  for (const [step, expected] of cases) assert.equal(failureText(step, error), expected);
  const outer = new AgentError("pull_failed", "Pulling failed", { cause: error });
  assert.equal(failureText(undefined, outer), "Pulling failed: no such tag");
});

Deno.test("interruptionText() says what was canceled, if anything worth mentioning was", () => {
  assert.equal(interruptionText("UPDATING", undefined), "The update was canceled");
  assert.equal(interruptionText("UPDATING", { kind: "readPull", tag: "2" }), "The update was canceled");
  assert.equal(interruptionText("DOWNLOADING", { kind: "readPull", tag: "1" }), "The app download was canceled");
  assert.equal(interruptionText("STARTING", { kind: "openPull", tag: "1" }), "The app download was canceled");
  assert.equal(interruptionText("STARTING", { kind: "awaitStartup" }), undefined);
  assert.equal(interruptionText("RUNNING", undefined), undefined);
});

Deno.test("isPulling() is true for the steps of a download only", () => {
  assert.equal(isPulling({ kind: "openPull", tag: "1" }), true);
  assert.equal(isPulling({ kind: "startContainer" }), false);
  assert.equal(isPulling(undefined), false);
});

Deno.test("updateRetryText() names version and wait", () => {
  assert.equal(updateRetryText("2.1", 5_400), "The update to version 2.1 will be tried again in 5 s");
});

Deno.test("rollBackText() names both versions and the reason", () => {
  const text = "The update to version 2 has failed (exited with status code 3), returning to version 1";
  assert.equal(rollBackText({ failed: "2", restored: "1", reason: "exited with status code 3" }), text);
});

Deno.test("#18: failureText() quotes what the engine has answered as its command line does", () => {
  const pull = "Error occured while trying to pull the image: Error response from daemon: manifest unknown";
  const failed = new EngineError("engine_failed", 'Pulling image "x:1" failed: manifest unknown', {
    engineText: "manifest unknown",
  });
  const wrapped = new AgentError("pull_failed", failed.message, { cause: failed });
  const cases: [step: Parameters<typeof failureText>[0], error: unknown, expected: string][] = [
    [{ kind: "openPull", tag: "1" }, failed, pull],
    [{ kind: "openPull", tag: "1" }, wrapped, pull],
    [{ kind: "readPull", tag: "1" }, wrapped, pull],
    [
      { kind: "startContainer" },
      failed,
      "The app failed to start, reason: Error response from daemon: manifest unknown",
    ],
    [{ kind: "removeContainer", id: "c" }, failed, failed.message],
  ];
  for (const [step, error, expected] of cases) assert.equal(failureText(step, error), expected);
});
