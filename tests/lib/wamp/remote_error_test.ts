import assert from "node:assert/strict";
import { RemoteError } from "../../../lib/wamp/remote_error.ts";

function textOf(answer: { uri?: string; args?: unknown[]; kwargs?: Record<string, unknown> }): string {
  return new RemoteError("calling", { uri: "wamp.error.canceled", args: [], kwargs: {}, ...answer }).message;
}

Deno.test("RemoteError quotes the whole of an error that is not too long", () => {
  assert.equal(textOf({}), "calling: wamp.error.canceled");
  const answer = { args: ["no", { a: [1] }, null], kwargs: { why: "x", count: 2 } };
  assert.equal(textOf(answer), 'calling: wamp.error.canceled: no {"a":[1]} null: why=x count=2');
});

Deno.test("#3: RemoteError looks at the beginning only of an error of any size", () => {
  let deep: unknown = 1;
  for (let level = 0; level < 100_000; level += 1) deep = [deep];
  const text = "x".repeat(10_000_000);
  const answers = [
    { uri: text },
    { args: [text] },
    { args: [[text], { a: text }, deep] },
    { args: Array.from({ length: 1_000_000 }, () => text) },
    { kwargs: { [text]: text } },
  ];
  const beganMs = performance.now();
  for (const answer of answers) assert.ok(textOf(answer).length <= 2_100);
  const tookMs = performance.now() - beganMs;
  assert.ok(tookMs < 1_000, `${tookMs} ms`);
});
