import assert from "node:assert/strict";
import { cachedRead } from "../../../lib/async/cached_read.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

Deno.test("cachedRead() reads once for all calls within the time, and again afterwards", async () => {
  const clock = new FakeClock();
  let reads = 0;
  const read = cachedRead(() => reads += 1, { forMs: 100, clock });
  assert.deepEqual([read(), read()], [1, 1]);
  await clock.advance(99);
  assert.equal(read(), 1);
  await clock.advance(1);
  assert.deepEqual([read(), read()], [2, 2]);
});

Deno.test("cachedRead() does not keep a read that throws", () => {
  const outcomes = [new Error("gone"), 5];
  const read = cachedRead(() => {
    const outcome = outcomes.shift();
    if (outcome instanceof Error) throw outcome;
    return outcome;
  }, { forMs: 100, clock: new FakeClock() });
  assert.throws(read, { message: "gone" });
  assert.equal(read(), 5);
});
