import assert from "node:assert/strict";
import { Probation, probationMs } from "../../../../lib/apps/watch/probation.ts";
import { FakeClock } from "../../../fakes/fake_clock.ts";

function open(): { probation: Probation; clock: FakeClock; over: number[]; done: () => Promise<unknown> } {
  const clock = new FakeClock();
  const over: number[] = [];
  const tasks: Promise<void>[] = [];
  const probation = new Probation({
    clock,
    onOver: () => over.push(clock.now()),
    keep: (task) => tasks.push(task),
  });
  return { probation, clock, over, done: () => Promise.all(tasks) };
}

Deno.test("a probation is over once, a minute after it began", async () => {
  const { probation, clock, over, done } = open();
  probation.begin();
  await clock.advance(30_000);
  probation.begin();
  await clock.advance(probationMs);
  probation.begin();
  await clock.advance(probationMs);
  assert.deepEqual(over, [60_000]);
  assert.equal(probation.isOver, true);
  await done();
});

Deno.test("stop() makes the next begin() start over", async () => {
  const { probation, clock, over, done } = open();
  probation.begin();
  await clock.advance(59_000);
  probation.stop();
  await clock.advance(2_000);
  assert.deepEqual([over, probation.isOver, clock.sleeping], [[], false, 0]);
  probation.begin();
  await clock.advance(probationMs);
  assert.deepEqual(over, [121_000]);
  probation.stop();
  assert.equal(probation.isOver, false);
  await done();
});
