import assert from "node:assert/strict";
import { pollUntil } from "../../../scripts/testbed/wait.ts";
import type { SmallContainer } from "../../fakes/fake_log_engine.ts";
import { channel, LogsWorld, shop } from "./app_logs_fixture.ts";

const never = new AbortController().signal;

/** A container whose log is followed, with a line that was read. */
async function followed(world: LogsWorld): Promise<SmallContainer> {
  const container = world.engine.run(channel);
  world.engine.print(container, "first", 1);
  world.logs.follow(channel, channel);
  await world.engine.followed(container);
  await world.kept(1);
  return container;
}

/** Removes a container whose log stream the engine keeps open, as it does with a log that is still being read. */
function removeQuietly(world: LogsWorld): void {
  world.engine.containers.delete(channel);
}

/** Resolves when nobody reads the container's log any more. */
async function left(container: SmallContainer): Promise<void> {
  await pollUntil("the log is left", () => Promise.resolve(container.followers.size === 0 || undefined));
}

/** Lets the pause before a follower's next look pass, and the one read that it takes. */
async function passWait(world: LogsWorld): Promise<void> {
  await world.clock.untilSleeping();
  await world.clock.advance(world.clock.nextInMs ?? 0);
}

Deno.test("a container that was replaced is left at once when the other one is to be followed, which is read whole", async () => {
  await using world = await LogsWorld.start();
  const first = await followed(world);
  const second = world.engine.run(channel);
  world.engine.print(second, "second", 1);
  world.logs.follow(channel, channel);
  await left(first);
  await passWait(world);
  await world.engine.followed(second);
  await world.kept(2);
  assert.deepEqual(await world.logs.readHistory(channel, never), ["first", "second"]);
  assert.ok(world.clock.now() < 2_000, "without the wait for last words");
});

Deno.test("a container that is there still is followed on when it is asked for again", async () => {
  await using world = await LogsWorld.start();
  const container = await followed(world);
  for (let round = 0; round < 3; round += 1) world.logs.follow(channel, channel);
  world.engine.print(container, "second", 2);
  await world.kept(2);
  assert.equal(container.followers.size, 1);
  assert.equal(world.engine.logRequests.filter((query) => query.get("follow") === "1").length, 1);
});

Deno.test("a container that was removed is read for two seconds more, and no longer", async () => {
  await using world = await LogsWorld.start();
  const container = await followed(world);
  removeQuietly(world);
  world.logs.leave(channel);
  await world.clock.untilSleeping();
  await world.clock.advance(1_999);
  world.engine.print(container, "last words", 2);
  await world.kept(2);
  assert.equal(container.followers.size, 1);
  await world.clock.advance(1);
  await left(container);
  world.engine.print(container, "too late", 3);
  assert.deepEqual(await world.logs.readHistory(channel, never), ["first", "last words"]);
});

Deno.test("a container that was made anew within the two seconds is read on from its first line", async () => {
  await using world = await LogsWorld.start();
  const first = await followed(world);
  removeQuietly(world);
  world.logs.leave(channel);
  await world.clock.untilSleeping();
  const second = world.engine.run(channel);
  world.engine.print(second, "second", 1);
  world.logs.follow(channel, channel);
  await left(first);
  for (let round = 0; second.followers.size === 0; round += 1) {
    assert.ok(round < 20);
    await passWait(world);
    await world.engine.asked(2);
  }
  await world.kept(2);
  await world.clock.advance(10_000);
  world.engine.print(second, "third", 2);
  await world.kept(3);
  assert.equal(second.followers.size, 1, "the end of the two seconds is none of its business");
});

Deno.test("leave() of a container that is there leaves its log alone", async () => {
  await using world = await LogsWorld.start();
  const container = await followed(world);
  world.logs.leave(channel);
  await world.clock.untilSleeping();
  await world.clock.advance(2_000);
  world.engine.print(container, "second", 2);
  await world.kept(2);
  assert.equal(container.followers.size, 1);
});

Deno.test("leave() of a channel that nobody follows does nothing", async () => {
  await using world = await LogsWorld.start();
  world.logs.leave(channel);
  world.logs.leave("nothing");
  assert.equal(world.clock.sleeping, 0);
  assert.deepEqual(world.engine.logRequests, []);
});

Deno.test("the two seconds end with the log, with its app, and with the agent", async () => {
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

Deno.test("an engine that cannot say whether a container was replaced costs no line", async () => {
  await using world = await LogsWorld.start();
  const container = await followed(world);
  world.logs.leave(channel);
  await world.clock.untilSleeping();
  await world.engine.stop();
  await world.clock.advance(2_000);
  world.engine.start();
  world.engine.print(container, "second", 2);
  for (let round = 0; container.followers.size === 0; round += 1) {
    assert.ok(round < 20);
    await passWait(world);
    await pollUntil("the next look", () => {
      return Promise.resolve(container.followers.size > 0 || world.clock.sleeping > 0 || undefined);
    });
  }
  await world.kept(2);
  assert.deepEqual(await world.logs.readHistory(channel, never), ["first", "second"]);
});
