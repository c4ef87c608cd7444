import assert from "node:assert/strict";
import { KeyedMutex } from "../../../lib/async/keyed_mutex.ts";

Deno.test("run() keeps the order of arrival under one key", async () => {
  const mutex = new KeyedMutex<string>();
  const seen: number[] = [];
  const first = Promise.withResolvers<void>();
  const works = [
    mutex.run("a", async () => {
      await first.promise;
      seen.push(1);
    }),
    mutex.run("a", () => Promise.resolve(seen.push(2))),
    mutex.run("b", () => Promise.resolve(seen.push(3))),
  ];
  await works[2];
  assert.deepEqual(seen, [3]);
  first.resolve();
  await Promise.all(works);
  assert.deepEqual(seen, [3, 1, 2]);
});

Deno.test("run() goes on after work that failed and forgets idle keys", async () => {
  const mutex = new KeyedMutex<string>();
  await assert.rejects(mutex.run("a", () => Promise.reject(new Error("broken"))), /broken/);
  assert.equal(await mutex.run("a", () => Promise.resolve(2)), 2);
  assert.equal(mutex.isBusy("a"), false);
});

Deno.test("run() that is canceled while it waits lets the next one through", async () => {
  const mutex = new KeyedMutex<string>();
  const first = Promise.withResolvers<void>();
  const controller = new AbortController();
  const holding = mutex.run("a", () => first.promise);
  const canceled = mutex.run("a", () => Promise.resolve("never"), controller.signal);
  const last = mutex.run("a", () => Promise.resolve("last"));
  controller.abort();
  first.resolve();
  await holding;
  await assert.rejects(canceled, /was canceled/);
  assert.equal(await last, "last");
});
