import assert from "node:assert/strict";
import { LineQueue } from "../../../lib/host/line_queue.ts";

const soon = { limitMs: 50, signal: new AbortController().signal };

Deno.test("LineQueue hands over all lines in their order, one call at a time", async () => {
  const taken: string[] = [];
  let open = 0;
  const queue = new LineQueue(async (lines) => {
    open += 1;
    assert.equal(open, 1);
    await Promise.resolve();
    taken.push(...lines);
    open -= 1;
  });
  for (let index = 0; index < 1_000; index += 1) {
    queue.add(`${index}`);
    if (index % 100 === 0) await Promise.resolve();
  }
  assert.equal(await queue.finish(soon), undefined);
  assert.deepEqual(taken, Array.from({ length: 1_000 }, (_, index) => `${index}`));
  assert.equal(queue.dropped, 0);
});

Deno.test("LineQueue drops and counts what a receiver that hangs leaves waiting", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const queue = new LineQueue(() => promise);
  queue.add("taken");
  await Promise.resolve();
  for (let index = 0; index < 5_000; index += 1) queue.add("x");
  assert.equal(queue.dropped, 904);
  await queue.finish(soon);
  assert.equal(queue.dropped, 5_000);
  resolve();
});

Deno.test("LineQueue never keeps more than 8 Mi characters waiting", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const queue = new LineQueue(() => promise);
  for (let index = 0; index < 20; index += 1) queue.add("x".repeat(1024 * 1024));
  assert.equal(queue.dropped, 4);
  await queue.finish(soon);
  resolve();
});

Deno.test("LineQueue returns the error of its receiver, which gets nothing more", async () => {
  let calls = 0;
  const queue = new LineQueue(() => {
    calls += 1;
    throw new Error("full");
  });
  queue.add("a");
  await Promise.resolve();
  await Promise.resolve();
  queue.add("b");
  assert.deepEqual(await queue.finish(soon), new Error("full"));
  assert.equal(calls, 1);
});
