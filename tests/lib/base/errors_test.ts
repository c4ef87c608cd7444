import assert from "node:assert/strict";
import { AgentError, hasCode, isCanceled, messageOf, textOf } from "../../../lib/base/errors.ts";

Deno.test("textOf() joins the causes and does not repeat a text", () => {
  const root = new Error("connection refused");
  const middle = new AgentError("engine_unreachable", "connection refused", { cause: root });
  const outer = new AgentError("start_failed", 'Cannot start "shop"', { cause: middle });
  assert.equal(textOf(outer), 'Cannot start "shop": connection refused');
});

Deno.test("textOf() ends for an error that is its own cause", () => {
  const error = new Error("a");
  error.cause = error;
  assert.equal(textOf(error), "a");
});

Deno.test("hasCode() distinguishes codes and ignores other errors", () => {
  assert.equal(hasCode(new AgentError("timeout", "late"), "timeout", "canceled"), true);
  assert.equal(hasCode(new AgentError("denied", "no"), "timeout", "canceled"), false);
  assert.equal(hasCode(new Error("timeout"), "timeout"), false);
});

Deno.test("isCanceled() knows our code and the platform's abort", () => {
  assert.equal(isCanceled(new AgentError("canceled", "stop")), true);
  assert.equal(isCanceled(new DOMException("stop", "AbortError")), true);
  assert.equal(isCanceled(new AgentError("timeout", "late")), false);
});

Deno.test("messageOf() returns a text for anything that can be thrown", () => {
  for (const [value, text] of [["plain", "plain"], [undefined, "undefined"], [null, "null"], [{ a: 1 }, '{"a":1}']]) {
    assert.equal(messageOf(value), text);
  }
});
