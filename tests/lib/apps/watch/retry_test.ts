import assert from "node:assert/strict";
import { Retry } from "../../../../lib/apps/watch/retry.ts";
import { FakeClock } from "../../../fakes/fake_clock.ts";

function open(stored = 0): {
  retry: Retry;
  clock: FakeClock;
  due: number[];
  saved: number[];
  done: () => Promise<unknown>;
} {
  const clock = new FakeClock();
  const due: number[] = [];
  const saved: number[] = [];
  const tasks: Promise<void>[] = [];
  const retry = new Retry({
    clock,
    delayMs: (attempt) => attempt * 1_000,
    load: () => stored,
    save: (attempts) => saved.push(attempts),
    onDue: () => due.push(clock.now()),
    keep: (task) => tasks.push(task),
  });
  return { retry, clock, due, saved, done: () => Promise.all(tasks) };
}

Deno.test("schedule() counts the failures, and each wait ends once", async () => {
  const { retry, clock, due, done } = open();
  assert.deepEqual(retry.schedule(), { attempt: 1, delayMs: 1_000 });
  await clock.advance(1_000);
  assert.deepEqual(retry.schedule(), { attempt: 2, delayMs: 2_000 });
  await clock.advance(10_000);
  assert.deepEqual(due, [1_000, 3_000]);
  await done();
});

Deno.test("schedule() replaces the running wait", async () => {
  const { retry, clock, due, done } = open();
  retry.schedule();
  await clock.advance(500);
  retry.schedule();
  await clock.advance(10_000);
  assert.deepEqual(due, [2_500]);
  await done();
});

Deno.test("reset() ends the wait and forgets the count", async () => {
  const { retry, clock, due, done } = open();
  retry.schedule();
  retry.schedule();
  retry.reset();
  assert.equal(clock.sleeping, 0);
  assert.equal(retry.schedule().attempt, 1);
  await clock.advance(1_000);
  assert.deepEqual(due, [1_000]);
  await done();
});

Deno.test("stop() ends the wait and keeps the count", async () => {
  const { retry, clock, due, done } = open();
  retry.schedule();
  retry.stop();
  await clock.advance(10_000);
  assert.deepEqual(due, []);
  assert.equal(retry.schedule().attempt, 2);
  retry.stop();
  await done();
});

Deno.test("schedule() goes on from the stored count, and stores it", async () => {
  const { retry, saved, done } = open(4);
  assert.equal(retry.schedule().attempt, 5);
  retry.reset();
  assert.equal(retry.schedule().attempt, 1);
  retry.stop();
  assert.deepEqual(saved, [5, 0, 1]);
  await done();
});

Deno.test("reset() without a failure writes nothing", () => {
  const { retry, saved } = open();
  retry.reset();
  assert.deepEqual(saved, []);
});
