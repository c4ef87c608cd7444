import assert from "node:assert/strict";
import { silentLog } from "../../../lib/base/log.ts";
import type { PowerAction } from "../../../lib/host/power.ts";
import { PowerScheduler } from "../../../lib/host/power_scheduler.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** A scheduler whose commands the test provides. */
function createScheduler(run: (action: PowerAction, signal: AbortSignal) => Promise<void> = () => Promise.resolve()): {
  clock: FakeClock;
  ran: string[];
  scheduler: PowerScheduler;
} {
  const clock = new FakeClock();
  const ran: string[] = [];
  const scheduler = new PowerScheduler({
    run: (action, signal) => {
      ran.push(`${action} at ${clock.now()}`);
      return run(action, signal);
    },
    clock,
    log: silentLog,
  });
  return { clock, ran, scheduler };
}

Deno.test("an action runs two seconds after the request", async () => {
  const { clock, ran, scheduler } = createScheduler();
  await using _ = scheduler;
  scheduler.schedule("reboot");
  await clock.advance(1_999);
  assert.deepEqual(ran, []);
  await clock.advance(1);
  assert.deepEqual(ran, ["reboot at 2000"]);
});

Deno.test("the same action requested twice runs once, next to another one", async () => {
  const { clock, ran, scheduler } = createScheduler();
  await using _ = scheduler;
  scheduler.schedule("restartAgent");
  scheduler.schedule("restartAgent");
  scheduler.schedule("shutdown");
  await clock.advance(2_000);
  scheduler.schedule("restartAgent");
  await clock.advance(2_000);
  assert.deepEqual(ran, ["restartAgent at 2000", "shutdown at 2000", "restartAgent at 4000"]);
});

Deno.test("a failed command can be requested again", async () => {
  const { clock, ran, scheduler } = createScheduler(() => Promise.reject(new Error("no such program")));
  await using _ = scheduler;
  scheduler.schedule("reboot");
  await clock.advance(2_000);
  scheduler.schedule("reboot");
  await clock.advance(2_000);
  assert.equal(ran.length, 2);
});

Deno.test("disposing cancels what is scheduled and accepts nothing more", async () => {
  const { clock, ran, scheduler } = createScheduler();
  scheduler.schedule("reboot");
  await scheduler[Symbol.asyncDispose]();
  scheduler.schedule("shutdown");
  await clock.advance(5_000);
  assert.deepEqual(ran, []);
  assert.equal(clock.sleeping, 0);
});

Deno.test("disposing lets a running command finish", async () => {
  const done = Promise.withResolvers<void>();
  let isEnded = false;
  const { clock, scheduler } = createScheduler(async () => {
    await done.promise;
    isEnded = true;
  });
  scheduler.schedule("restartAgent");
  await clock.advance(2_000);
  const disposed = scheduler[Symbol.asyncDispose]();
  done.resolve();
  await disposed;
  assert.equal(isEnded, true);
});
