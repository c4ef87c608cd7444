import assert from "node:assert/strict";
import { QueuedReplies } from "../../../lib/wamp/queued_replies.ts";
import { messageTypes } from "../../../lib/wamp/message.ts";

const answer = (request: number, text = "") => [messageTypes.yield, request, {}, [text]];
const failure = (
  request: number,
) => [messageTypes.error, messageTypes.invocation, request, {}, "wamp.error.canceled", ["x".repeat(50)]];
const usual = { isError: false };

Deno.test("queued replies leave in their order", () => {
  const queue = new QueuedReplies();
  for (const request of [1, 2, 3]) assert.ok(queue.add(answer(request), usual));
  assert.deepEqual([queue.take(), queue.take(), queue.take(), queue.take()], [
    answer(1),
    answer(2),
    answer(3),
    undefined,
  ]);
});

Deno.test("queued replies are limited by their bytes, errors are not", () => {
  const queue = new QueuedReplies({ limitBytes: 100 });
  assert.ok(queue.add(answer(1, "x".repeat(50)), usual));
  assert.ok(!queue.add(answer(2, "x".repeat(50)), usual));
  assert.ok(queue.add(failure(2), { isError: true }));
  queue.take();
  assert.ok(queue.add(answer(3, "x".repeat(50)), usual));
  assert.deepEqual(queue.take(), failure(2));
});

Deno.test("queued replies are limited by their number", () => {
  const queue = new QueuedReplies();
  for (let request = 0; request < 10_000; request += 1) assert.ok(queue.add(failure(request), { isError: true }));
  assert.ok(!queue.add(failure(10_000), { isError: true }));
  queue.take();
  assert.ok(queue.add(failure(10_000), { isError: true }));
});
