import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { checkOnce, startCheckSpreadMs } from "../../../lib/self_update/start_check.ts";
import type { UpdateEnd } from "../../../lib/self_update/updater.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const done: UpdateEnd = { kind: "upToDate", latest: "1.0.0" };
const failed = (text: string): UpdateEnd => ({
  kind: "failed",
  latest: "",
  error: new AgentError("connect_failed", "Cannot fetch", { cause: new TypeError(text) }),
});
const notYet = failed("invalid peer certificate: NotValidYet");

async function check(ends: UpdateEnd[], { isAlone = false, random = 0.5 } = {}): Promise<number[]> {
  const clock = new FakeClock();
  const runs: number[] = [];
  const run = () => {
    runs.push(clock.now());
    return Promise.resolve(ends[runs.length - 1] ?? done);
  };
  const signal = new AbortController().signal;
  let isOver = false;
  const checking = checkOnce({ run, random: () => random, isAlone, clock }, signal).then(() => isOver = true);
  while (!isOver) await clock.advance(500);
  await checking;
  return runs;
}

Deno.test("checkOnce() looks once, at a time that chance picks within ten minutes", async () => {
  assert.equal(startCheckSpreadMs, 600_000);
  assert.deepEqual(await check([done]), [300_000]);
  assert.deepEqual(await check([done], { random: 0 }), [0]);
  assert.deepEqual(await check([done], { isAlone: true }), [0]);
  assert.deepEqual(await check([failed("connection refused")], { random: 0 }), [0]);
});

Deno.test("checkOnce() looks again while apps must not be disturbed, and until the clock is set", async () => {
  const postponed: UpdateEnd = { kind: "postponed", latest: "1.1.0", because: "" };
  assert.deepEqual(await check([postponed, postponed, done], { isAlone: true }), [0, 30_000, 60_000]);
  assert.deepEqual(await check([notYet, notYet, notYet, done], { isAlone: true }), [0, 1_000, 3_000, 7_000]);
});

Deno.test("checkOnce() ends without an error when the agent ends", async () => {
  const abort = new AbortController();
  const checking = checkOnce(
    { run: () => Promise.resolve(done), random: () => 0.5, isAlone: false, clock: new FakeClock() },
    abort.signal,
  );
  abort.abort();
  await checking;
});
