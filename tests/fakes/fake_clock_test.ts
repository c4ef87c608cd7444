import assert from "node:assert/strict";
import { FakeClock } from "./fake_clock.ts";

Deno.test("advance() ends sleeps in the order of their time, also those begun on the way", async () => {
  const clock = new FakeClock();
  const seen: string[] = [];
  const long = clock.sleep(30).then(() => seen.push(`long at ${clock.now()}`));
  const short = clock.sleep(10).then(async () => {
    seen.push(`short at ${clock.now()}`);
    await clock.sleep(15);
    seen.push(`second at ${clock.now()}`);
  });
  await clock.advance(29);
  assert.deepEqual(seen, ["short at 10", "second at 25"]);
  await clock.advance(1);
  await Promise.all([long, short]);
  assert.deepEqual(seen, ["short at 10", "second at 25", "long at 30"]);
  assert.equal(clock.sleeping, 0);
});

Deno.test("a sleep ends at once with its signal, and does not count as sleeping any more", async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  const sleep = clock.sleep(1_000, controller.signal);
  assert.equal(clock.nextInMs, 1_000);
  controller.abort();
  await assert.rejects(sleep, { code: "canceled" });
  assert.equal(clock.sleeping, 0);
  await assert.rejects(clock.sleep(1, controller.signal), { code: "canceled" });
});

Deno.test("jumpWall() moves the wall time and leaves monotonic time alone", async () => {
  const clock = new FakeClock();
  await clock.advance(1_000);
  clock.jumpWall(-3_600_000);
  assert.equal(clock.now(), 1_000);
  assert.equal(clock.wall().toISOString(), "2025-12-31T23:00:01.000Z");
});
