import assert from "node:assert/strict";
import { hasCode } from "../../../lib/base/errors.ts";
import { decodeMessage, payloadOf } from "../../../scripts/studio/router/messages.ts";

Deno.test("decodeMessage() reads every message that a client may send", () => {
  const rows: [string, unknown][] = [
    ['[1,"realm1",{"a":1}]', { kind: "hello", realm: "realm1", details: { a: 1 } }],
    ['[3,{},"x.y"]', { kind: "abort", reason: "x.y" }],
    ['[5,"sig",{}]', { kind: "authenticate", signature: "sig" }],
    ['[6,{},"x.y"]', { kind: "goodbye", reason: "x.y" }],
    ['[8,68,4,{},"x.y",[1],{"k":2}]', {
      kind: "invocationError",
      request: 4,
      error: "x.y",
      payload: [[1], { k: 2 }],
    }],
    ['[16,1,{"acknowledge":true},"a.b",[]]', {
      kind: "publish",
      request: 1,
      options: { acknowledge: true },
      topic: "a.b",
      payload: [],
    }],
    ['[32,1,{"match":"prefix"},"a."]', {
      kind: "subscribe",
      request: 1,
      options: { match: "prefix" },
      match: "prefix",
      topic: "a.",
    }],
    ["[34,1,2]", { kind: "unsubscribe", request: 1, subscription: 2 }],
    ['[48,1,{"timeout":5},"a.b",null,{"k":1}]', {
      kind: "call",
      request: 1,
      options: { timeout: 5 },
      timeoutMs: 5,
      procedure: "a.b",
      payload: [null, { k: 1 }],
    }],
    ['[49,1,{"mode":"kill"}]', { kind: "cancel", request: 1, mode: "kill" }],
    ['[64,1,{},"a.b"]', { kind: "register", request: 1, options: {}, match: "exact", procedure: "a.b" }],
    ["[66,1,2]", { kind: "unregister", request: 1, registration: 2 }],
    ["[70,1,{},[1]]", { kind: "yield", request: 1, options: {}, payload: [[1]] }],
  ];
  for (const [text, expected] of rows) assert.deepEqual(decodeMessage(text), expected, text);
});

Deno.test("decodeMessage() names the element that is wrong", () => {
  assert.throws(() => decodeMessage('[48,1,[],"a.b"]'), {
    code: "protocol_error",
    message: "invalid message of type 48: element 2 must be a dict, got a list",
  });
});

Deno.test("decodeMessage() throws only protocol_error, whatever it reads", () => {
  const values = ["null", "5", "-1", "1.5", '"x"', "[]", "{}", "true", "9007199254740993", `"${"x".repeat(9999)}"`];
  const texts = ["", "\u0000", "[", "]", "nul", "[,]", "[".repeat(100_000), '{"a":'];
  for (const code of [0, 1, 3, 5, 6, 8, 16, 32, 34, 48, 49, 64, 66, 70, 1000]) {
    for (const value of values) {
      for (const other of values) texts.push(`[${code},${value},${other},${value},${other},${value},${other}]`);
    }
  }
  for (const text of texts) {
    try {
      decodeMessage(text);
    } catch (error) {
      assert.ok(hasCode(error, "protocol_error"), `${text.slice(0, 80)}: ${error}`);
    }
  }
});

Deno.test("payloadOf() leaves out empty args and kwargs at the end, and keeps null next to kwargs", () => {
  assert.deepEqual(payloadOf([], {}), []);
  assert.deepEqual(payloadOf(null, {}), []);
  assert.deepEqual(payloadOf([1], {}), [[1]]);
  assert.deepEqual(payloadOf([], { a: 1 }), [[], { a: 1 }]);
  assert.deepEqual(payloadOf(null, { a: 1 }), [null, { a: 1 }]);
});
