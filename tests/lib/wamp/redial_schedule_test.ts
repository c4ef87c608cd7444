import assert from "node:assert/strict";
import { RedialSchedule } from "../../../lib/wamp/redial_schedule.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

function createSchedule(): { clock: FakeClock; schedule: RedialSchedule } {
  const clock = new FakeClock();
  return { clock, schedule: new RedialSchedule({ clock, random: () => 0.5 }) };
}

Deno.test("drawWaitMs() is 0 for the first dial and grows with every failure", () => {
  const { schedule } = createSchedule();
  const waits = [0, 1, 2, 3].map(() => {
    const wait = schedule.drawWaitMs();
    schedule.onFailure();
    return wait;
  });
  assert.deepEqual(waits, [0, 250, 500, 1_000]);
  assert.equal(schedule.attempt, 4);
});

Deno.test("drawWaitMs() counts from the start of the last dial", () => {
  const { schedule } = createSchedule();
  schedule.onFailure();
  schedule.onDialEnd(100);
  assert.equal(schedule.drawWaitMs(), 150);
});

Deno.test("reset() makes the next dial immediate", () => {
  const { schedule } = createSchedule();
  schedule.onFailure();
  schedule.reset();
  assert.equal(schedule.drawWaitMs(), 0);
});

Deno.test("sessions that do not last make the next dials wait, except after the first of them", () => {
  const { schedule } = createSchedule();
  const waits = [4_999, 4_999, 4_999, 5_000].map((lastedMs) => {
    schedule.onSessionEnd(lastedMs);
    return schedule.drawWaitMs();
  });
  assert.deepEqual(waits, [0, 250, 500, 0]);
});

Deno.test("drawWaitMs() has a longer limit once the link has been away for two minutes", async () => {
  const { clock, schedule } = createSchedule();
  schedule.drawWaitMs();
  for (let dial = 0; dial < 10; dial++) schedule.onFailure();
  assert.equal(schedule.drawWaitMs(), 3_800);
  await clock.advance(120_000);
  assert.equal(schedule.drawWaitMs(), 15_000);
  schedule.onSessionEnd(10_000);
  for (let dial = 0; dial < 10; dial++) schedule.onFailure();
  assert.equal(schedule.drawWaitMs(), 3_800);
});
