import assert from "node:assert/strict";
import { TaskSet } from "../../../lib/async/task_set.ts";

function unexpected(error: unknown): never {
  throw error;
}

Deno.test("settled() waits for every task, also for those added during the wait", async () => {
  const tasks = new TaskSet(unexpected);
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  const seen: string[] = [];
  tasks.add(first.promise.then(() => {
    seen.push("first");
    tasks.add(second.promise.then(() => seen.push("second")));
  }));
  const settled = tasks.settled().then(() => seen.push("settled"));
  first.resolve();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.deepEqual(seen, ["first"]);
  second.resolve();
  await settled;
  assert.deepEqual(seen, ["first", "second", "settled"]);
});

Deno.test("add() resolves to the value of the task, which is not counted any more", async () => {
  const tasks = new TaskSet(unexpected);
  const added = tasks.add(Promise.resolve(true));
  assert.equal(tasks.size, 1);
  assert.equal(await added, true);
  assert.equal(tasks.size, 0);
  await tasks.settled();
});

Deno.test("the error of a task reaches the callback, and neither add() nor settled() rejects", async () => {
  const errors: unknown[] = [];
  const tasks = new TaskSet((error, about) => errors.push([error, about]));
  const error = new Error("broken");
  const added = tasks.add(Promise.reject(error), { container: "web" });
  await tasks.settled();
  assert.equal(await added, undefined);
  assert.deepEqual(errors, [[error, { container: "web" }]]);
  assert.equal(tasks.size, 0);
});
