import assert from "node:assert/strict";
import { QueuedReplies } from "../../../lib/wamp/queued_replies.ts";
import { messageTypes } from "../../../lib/wamp/message.ts";

const answer = (request: number, text = "") => [messageTypes.yield, request, {}, [text]];
const failure = (
  request: number,
) => [messageTypes.error, messageTypes.invocation, request, {}, "wamp.error.canceled", ["x".repeat(50)]];
const usual = { isError: false };

Deno.test("answers that wait leave in their order", () => {
  const held = new QueuedReplies();
  for (const request of [1, 2, 3]) assert.ok(held.add(answer(request), usual));
  assert.deepEqual([held.take(), held.take(), held.take(), held.take()], [answer(1), answer(2), answer(3), undefined]);
});

Deno.test("answers that wait are bounded by their bytes, errors are not", () => {
  const held = new QueuedReplies({ limitBytes: 100 });
  assert.ok(held.add(answer(1, "x".repeat(50)), usual));
  assert.ok(!held.add(answer(2, "x".repeat(50)), usual));
  assert.ok(held.add(failure(2), { isError: true }));
  held.take();
  assert.ok(held.add(answer(3, "x".repeat(50)), usual));
  assert.deepEqual(held.take(), failure(2));
});

Deno.test("answers that wait are bounded by their number", () => {
  const held = new QueuedReplies();
  for (let request = 0; request < 10_000; request += 1) assert.ok(held.add(failure(request), { isError: true }));
  assert.ok(!held.add(failure(10_000), { isError: true }));
  held.take();
  assert.ok(held.add(failure(10_000), { isError: true }));
});
