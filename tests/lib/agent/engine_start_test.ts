import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { startWithEngine } from "../../../lib/agent/engine_start.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** A start with an engine that answers from a moment on, and apps that fail as often as is said. */
function begin(given: { answersAtMs: number; failures?: number }) {
  const clock = new FakeClock();
  const end = new AbortController();
  const told: string[] = [];
  let failures = given.failures ?? 0;
  const done = startWithEngine({
    engine: {
      ping: () => {
        if (clock.now() >= given.answersAtMs) return Promise.resolve();
        return Promise.reject(new AgentError("engine_unreachable", "nobody listens"));
      },
    },
    disk: {
      measure: () => {
        told.push("measure");
        return Promise.resolve();
      },
    },
    apps: {
      reconcileLocal: () => {
        told.push("reconcile");
        if (failures-- > 0) return Promise.reject(new AgentError("engine_failed", "no"));
        return Promise.resolve();
      },
      startObserving: () => void told.push("observe"),
    },
    onLate: () => void told.push("late"),
    onCome: () => void told.push("come"),
    clock,
    log: silentLog,
  }, end.signal);
  return { clock, end, told, done };
}

Deno.test("an engine that answers is used at once", async () => {
  const { told, done } = begin({ answersAtMs: 0 });
  await done;
  assert.deepEqual(told, ["measure", "reconcile", "observe"]);
});

Deno.test("an engine that comes late is told once, and then used", async () => {
  const { told, done, clock } = begin({ answersAtMs: 90_000 });
  await clock.advance(4_900);
  assert.deepEqual(told, []);
  await clock.advance(60_000);
  assert.deepEqual(told, ["late"]);
  await clock.advance(30_000);
  await done;
  assert.deepEqual(told, ["late", "come", "measure", "reconcile", "observe"]);
});

Deno.test("an engine that fails after it has answered is tried again", async () => {
  const { told, done, clock } = begin({ answersAtMs: 0, failures: 2 });
  await clock.advance(2_000);
  await done;
  assert.deepEqual(told, ["measure", "reconcile", "measure", "reconcile", "measure", "reconcile", "observe"]);
});

Deno.test("the end of the agent ends the wait", async () => {
  const { done, end, clock, told } = begin({ answersAtMs: 1_000_000 });
  await clock.advance(1_000);
  end.abort();
  await assert.rejects(done, { code: "canceled" });
  assert.deepEqual(told, []);
});
