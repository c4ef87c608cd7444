import assert from "node:assert/strict";
import { proofMs, untilProven } from "../../../lib/self_update/prove_version.ts";
import { guardLimits } from "../../../lib/self_update/start_guard.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** When it was proven, and when the guard was told, in seconds. `has` gets the second. */
async function prove(has: (second: number) => boolean): Promise<{ reached: number; proven: number }> {
  const clock = new FakeClock();
  const seen = { reached: -1, proven: -1 };
  const deps = {
    hasWhatItNeeds: () => Promise.resolve(has(clock.now() / 1000)),
    noteReached: () => Promise.resolve(void (seen.reached = clock.now() / 1000)),
    clock,
  };
  void untilProven(deps, new AbortController().signal).then(() => seen.proven = clock.now() / 1000);
  for (let second = 0; second < 600; second += 1) await clock.advance(1000);
  return seen;
}

Deno.test("untilProven() waits for what the version needs, then two minutes, and that it has it then", async () => {
  assert.equal(proofMs, 120_000);
  assert.deepEqual(await prove(() => true), { reached: 0, proven: 120 });
  assert.deepEqual(await prove((second) => second >= 70), { reached: 70, proven: 190 });
  // The link may be lost in between, but not for good.
  assert.deepEqual(await prove((second) => second < 30 || second > 90), { reached: 0, proven: 120 });
  assert.deepEqual(await prove((second) => second < 30 || second > 150), { reached: 0, proven: 151 });
  assert.deepEqual(await prove((second) => second < 30), { reached: 0, proven: -1 });
  assert.deepEqual(await prove(() => false), { reached: -1, proven: -1 });
});

Deno.test("untilProven() ends before the guard loses patience with a version that was connected in time", async () => {
  const { proven } = await prove((second) => second >= guardLimits.connectSeconds);
  assert.ok(proven > 0 && proven <= guardLimits.connectSeconds + guardLimits.proveSeconds - 20);
});

Deno.test("untilProven() ends with the agent", async () => {
  const life = new AbortController();
  const deps = { hasWhatItNeeds: () => Promise.resolve(true), noteReached: () => Promise.resolve() };
  const proving = untilProven({ ...deps, clock: new FakeClock() }, life.signal);
  life.abort();
  await assert.rejects(proving, { code: "canceled" });
});
