import assert from "node:assert/strict";
import { hasCode } from "../../../lib/base/errors.ts";
import { Semaphore } from "../../../lib/async/semaphore.ts";

const { signal } = new AbortController();

/** Work that runs until it is released. */
function heldWork() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const work = { isStarted: false, release: resolve, run: () => (work.isStarted = true, promise) };
  return work;
}

Deno.test("no more than the given number runs at once, and the rest follows in order", async () => {
  const semaphore = new Semaphore(2);
  const works = Array.from({ length: 5 }, heldWork);
  const runs = works.map((work) => semaphore.run(work.run, signal));
  const started = async () => {
    await new Promise((resolve) => setTimeout(resolve, 0));
    return works.map((work) => work.isStarted);
  };
  assert.deepEqual(await started(), [true, true, false, false, false]);
  works[1]?.release();
  assert.deepEqual(await started(), [true, true, true, false, false]);
  for (const work of works) work.release();
  await Promise.all(runs);
  assert.deepEqual(await started(), [true, true, true, true, true]);
});

Deno.test("what is urgent runs before what has come earlier, and urgent work in order", async () => {
  const semaphore = new Semaphore(1);
  const order: string[] = [];
  const first = heldWork();
  const note = (name: string) => () => Promise.resolve(void order.push(name));
  const runs = [semaphore.run(first.run, signal), semaphore.run(note("usual"), signal)];
  for (const name of ["urgent 1", "urgent 2"]) runs.push(semaphore.runUrgent(note(name), signal));
  first.release();
  await Promise.all(runs);
  assert.deepEqual(order, ["urgent 1", "urgent 2", "usual"]);
});

Deno.test("failed work returns its permit", async () => {
  const semaphore = new Semaphore(1);
  await assert.rejects(semaphore.run(() => Promise.reject(new Error("no")), signal), /no/);
  assert.deepEqual(await semaphore.run(() => Promise.resolve(1), signal), 1);
});

Deno.test("a wait that is canceled leaves the queue and takes no permit", async () => {
  const semaphore = new Semaphore(1);
  const first = heldWork();
  const running = semaphore.run(first.run, signal);
  const controller = new AbortController();
  const canceled = semaphore.run(() => Promise.resolve("never"), controller.signal);
  const last = semaphore.run(() => Promise.resolve("last"), signal);
  controller.abort();
  await assert.rejects(canceled, (error) => hasCode(error, "canceled"));
  first.release();
  await running;
  assert.deepEqual(await last, "last");
  assert.deepEqual(await semaphore.run(() => Promise.resolve("again"), signal), "again");
});
