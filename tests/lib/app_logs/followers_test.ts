import assert from "node:assert/strict";
import { pollUntil } from "../../../scripts/testbed/wait.ts";
import type { FakeLogContainer } from "../../fakes/fake_log_engine.ts";
import { channel, LogsWorld, shop } from "./app_logs_fixture.ts";

const never = new AbortController().signal;

/** Starts a container whose log is followed and has one line. */
async function followed(world: LogsWorld): Promise<FakeLogContainer> {
  const container = world.engine.run(channel);
  world.engine.print(container, "first", { atNs: 1 });
  world.logs.follow(channel, { containerName: channel });
  await world.engine.followed(container);
  await world.remembered(1);
  return container;
}

/** Removes a container and keeps its log stream open, as the real engine does while the log is being read. */
function removeQuietly(world: LogsWorld): void {
  world.engine.containers.delete(channel);
}

/** Resolves when nobody reads the container's log any more. */
async function left(container: FakeLogContainer): Promise<void> {
  await pollUntil("nobody reads the log", () => Promise.resolve(container.followers.size === 0 || undefined));
}

/** Lets the wait of a follower pass. */
async function passWait(world: LogsWorld): Promise<void> {
  await world.clock.untilSleeping();
  await world.clock.advance(world.clock.nextInMs ?? 0);
}

Deno.test("follow() leaves a replaced container at once, and reads the new one from its first line", async () => {
  await using world = await LogsWorld.start();
  const first = await followed(world);
  const second = world.engine.run(channel);
  world.engine.print(second, "second", { atNs: 1 });
  world.logs.follow(channel, { containerName: channel });
  await left(first);
  await passWait(world);
  await world.engine.followed(second);
  await world.remembered(2);
  assert.deepEqual(await world.logs.readHistory(channel, never), ["first", "second"]);
  assert.ok(world.clock.now() < 2_000, "without waiting for the rest of the log");
});

Deno.test("follow() keeps following a container that still exists", async () => {
  await using world = await LogsWorld.start();
  const container = await followed(world);
  for (let round = 0; round < 3; round += 1) world.logs.follow(channel, { containerName: channel });
  world.engine.print(container, "second", { atNs: 2 });
  await world.remembered(2);
  assert.equal(container.followers.size, 1);
  assert.equal(world.engine.logRequests.filter((query) => query.get("follow") === "1").length, 1);
});

Deno.test("leave() reads a removed container for two more seconds", async () => {
  await using world = await LogsWorld.start();
  const container = await followed(world);
  removeQuietly(world);
  world.logs.leave(channel);
  await world.clock.untilSleeping();
  await world.clock.advance(1_999);
  world.engine.print(container, "last line", { atNs: 2 });
  await world.remembered(2);
  assert.equal(container.followers.size, 1);
  await world.clock.advance(1);
  await left(container);
  world.engine.print(container, "too late", { atNs: 3 });
  assert.deepEqual(await world.logs.readHistory(channel, never), ["first", "last line"]);
});

Deno.test("a container created again within the two seconds is read from its first line", async () => {
  await using world = await LogsWorld.start();
  const first = await followed(world);
  removeQuietly(world);
  world.logs.leave(channel);
  await world.clock.untilSleeping();
  const second = world.engine.run(channel);
  world.engine.print(second, "second", { atNs: 1 });
  world.logs.follow(channel, { containerName: channel });
  await left(first);
  for (let round = 0; second.followers.size === 0; round += 1) {
    assert.ok(round < 20);
    await passWait(world);
    await world.engine.requested(2);
  }
  await world.remembered(2);
  await world.clock.advance(10_000);
  world.engine.print(second, "third", { atNs: 2 });
  await world.remembered(3);
  assert.equal(second.followers.size, 1, "the end of the two seconds does not concern it");
});

Deno.test("leave() of a container that still exists changes nothing", async () => {
  await using world = await LogsWorld.start();
  const container = await followed(world);
  world.logs.leave(channel);
  await world.clock.untilSleeping();
  await world.clock.advance(2_000);
  world.engine.print(container, "second", { atNs: 2 });
  await world.remembered(2);
  assert.equal(container.followers.size, 1);
});

Deno.test("leave() of a channel that is not followed does nothing", async () => {
  await using world = await LogsWorld.start();
  world.logs.leave(channel);
  world.logs.leave("nothing");
  assert.equal(world.clock.sleeping, 0);
  assert.deepEqual(world.engine.logRequests, []);
});

Deno.test("the two seconds end early with the log, its app, and the agent", async () => {
  for (const end of ["log", "app", "agent"]) {
    await using world = await LogsWorld.start();
    const container = await followed(world);
    removeQuietly(world);
    world.logs.leave(channel);
    await world.clock.untilSleeping();
    if (end === "log") world.engine.exit(container);
    if (end === "app") world.logs.forget(shop, channel);
    if (end === "agent") await world.restartAgent();
    else await left(container);
    await pollUntil(`the ${end} ends it`, () => Promise.resolve(world.clock.sleeping === 0 || undefined));
  }
});

Deno.test("an engine that cannot report whether a container was replaced causes no gap", async () => {
  await using world = await LogsWorld.start();
  const container = await followed(world);
  world.logs.leave(channel);
  await world.clock.untilSleeping();
  await world.engine.stop();
  await world.clock.advance(2_000);
  world.engine.start();
  world.engine.print(container, "second", { atNs: 2 });
  for (let round = 0; container.followers.size === 0; round += 1) {
    assert.ok(round < 20);
    await passWait(world);
    await pollUntil("the next inspection", () => {
      return Promise.resolve(container.followers.size > 0 || world.clock.sleeping > 0 || undefined);
    });
  }
  await world.remembered(2);
  assert.deepEqual(await world.logs.readHistory(channel, never), ["first", "second"]);
});
