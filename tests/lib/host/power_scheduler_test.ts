import assert from "node:assert/strict";
import { silentLog } from "../../../lib/base/log.ts";
import type { PowerAction } from "../../../lib/host/power.ts";
import { PowerScheduler } from "../../../lib/host/power_scheduler.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** Actions whose commands a test decides on. */
function createWorld(run: (action: PowerAction, signal: AbortSignal) => Promise<void> = () => Promise.resolve()): {
  clock: FakeClock;
  ran: string[];
  actions: PowerScheduler;
} {
  const clock = new FakeClock();
  const ran: string[] = [];
  const actions = new PowerScheduler({
    run: (action, signal) => {
      ran.push(`${action} at ${clock.now()}`);
      return run(action, signal);
    },
    clock,
    log: silentLog,
  });
  return { clock, ran, actions };
}

Deno.test("an action runs two seconds after it was asked for", async () => {
  const { clock, ran, actions } = createWorld();
  await using _ = actions;
  actions.schedule("reboot");
  await clock.advance(1_999);
  assert.deepEqual(ran, []);
  await clock.advance(1);
  assert.deepEqual(ran, ["reboot at 2000"]);
});

Deno.test("the same action asked for twice runs once, another one beside it", async () => {
  const { clock, ran, actions } = createWorld();
  await using _ = actions;
  actions.schedule("restartAgent");
  actions.schedule("restartAgent");
  actions.schedule("shutdown");
  await clock.advance(2_000);
  actions.schedule("restartAgent");
  await clock.advance(2_000);
  assert.deepEqual(ran, ["restartAgent at 2000", "shutdown at 2000", "restartAgent at 4000"]);
});

Deno.test("a command that fails is over and can be asked for again", async () => {
  const { clock, ran, actions } = createWorld(() => Promise.reject(new Error("no such program")));
  await using _ = actions;
  actions.schedule("reboot");
  await clock.advance(2_000);
  actions.schedule("reboot");
  await clock.advance(2_000);
  assert.equal(ran.length, 2);
});

Deno.test("disposing gives up what waits and takes nothing more", async () => {
  const { clock, ran, actions } = createWorld();
  actions.schedule("reboot");
  await actions[Symbol.asyncDispose]();
  actions.schedule("shutdown");
  await clock.advance(5_000);
  assert.deepEqual(ran, []);
  assert.equal(clock.sleeping, 0);
});

Deno.test("disposing lets a command that runs come to its end", async () => {
  const done = Promise.withResolvers<void>();
  let isEnded = false;
  const { clock, actions } = createWorld(async () => {
    await done.promise;
    isEnded = true;
  });
  actions.schedule("restartAgent");
  await clock.advance(2_000);
  const disposed = actions[Symbol.asyncDispose]();
  done.resolve();
  await disposed;
  assert.equal(isEnded, true);
});
