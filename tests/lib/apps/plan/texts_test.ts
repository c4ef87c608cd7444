import assert from "node:assert/strict";
import { cutText, failureText, isFaultOfRelease, updateRetryText } from "../../../../lib/apps/plan/texts.ts";
import { isPulling } from "../../../../lib/apps/plan/steps.ts";
import { AgentError, type ErrorCode } from "../../../../lib/base/errors.ts";

const error = new AgentError("pull_failed", "no such tag");

Deno.test("failureText() says what was attempted, with the causes", () => {
  const cases = [
    [{ kind: "checkLogin", tag: "1" }, "Error occured while trying to pull the image: no such tag"],
    [{ kind: "openPull", tag: "1" }, "Error occured while trying to pull the image: no such tag"],
    [{ kind: "readPull", tag: "1" }, "Error occured while trying to pull the image: no such tag"],
    [{ kind: "createContainer", tag: "1" }, "The app failed to start, reason: no such tag"],
    [{ kind: "startContainer" }, "The app failed to start, reason: no such tag"],
    [{ kind: "awaitSettled" }, "The app failed to start, reason: no such tag"],
    [{ kind: "deleteData" }, "no such tag"],
    [undefined, "no such tag"],
  ] as const;
  for (const [step, expected] of cases) assert.equal(failureText(step, error), expected);
  const outer = new AgentError("pull_failed", "Pulling failed", { cause: error });
  assert.equal(failureText(undefined, outer), "Pulling failed: no such tag");
});

Deno.test("cutText() says what was canceled, and nothing when nobody would miss it", () => {
  assert.equal(cutText("UPDATING", undefined), "The update was canceled");
  assert.equal(cutText("UPDATING", { kind: "readPull", tag: "2" }), "The update was canceled");
  assert.equal(cutText("DOWNLOADING", { kind: "readPull", tag: "1" }), "The app download was canceled");
  assert.equal(cutText("STARTING", { kind: "checkLogin", tag: "1" }), "The app download was canceled");
  assert.equal(cutText("STARTING", { kind: "awaitSettled" }), undefined);
  assert.equal(cutText("RUNNING", undefined), undefined);
});

Deno.test("isPulling() is true for the steps of a download only", () => {
  assert.equal(isPulling({ kind: "openPull", tag: "1" }), true);
  assert.equal(isPulling({ kind: "startContainer" }), false);
  assert.equal(isPulling(undefined), false);
});

Deno.test("updateRetryText() names version and wait", () => {
  assert.equal(updateRetryText("2.1", 5_400), "The update to version 2.1 will be tried again in 5 s");
});

Deno.test("isFaultOfRelease() is true for a failed start, unless another release would have failed as well", () => {
  const isFault = (code: ErrorCode) => isFaultOfRelease({ kind: "startContainer" }, new AgentError(code, "no"));
  for (const code of ["start_failed", "engine_failed", "image_missing", "io_failed", "bad_request"] as const) {
    assert.equal(isFault(code), true, code);
  }
  const blameless = ["canceled", "engine_unreachable", "no_space", "port_in_use", "store_failed", "timeout"] as const;
  for (const code of blameless) assert.equal(isFault(code), false, code);
  const startFailed = new AgentError("start_failed", "no");
  assert.equal(isFaultOfRelease({ kind: "readPull", tag: "2" }, startFailed), false);
  assert.equal(isFaultOfRelease(undefined, startFailed), false);
});
