import assert from "node:assert/strict";
import { container, repository, SmallWorld } from "../../fakes/fake_device.ts";

const never = new AbortController().signal;
const update = { newest_version: "2", new_release_key: 8, request_update: true };

/** A device on which version 1 runs, with an image of the app that a cut transition has left. */
async function littered(): Promise<SmallWorld> {
  const world = new SmallWorld({ "1": {}, "2": {} });
  await world.ask("RUNNING");
  world.engine.stock(`${repository}:left`, {});
  return world;
}

Deno.test("an image that nobody needs goes when an app is found where it should be, and is not spoken of", async () => {
  await using world = await littered();
  const before = await world.engine.inspect(container, never);
  assert.deepEqual(await world.ask("RUNNING"), ["RUNNING"]);
  assert.deepEqual(world.tags, ["1"]);
  assert.equal((await world.engine.inspect(container, never))?.startedAt, before?.startedAt);
});

Deno.test("an image that nobody needs goes on a connect as well", async () => {
  await using world = await littered();
  await world.apps.reconcileLocal(never);
  const row = { app_key: 7, app_name: "Shop", stage: "PROD", target_state: "RUNNING", present_version: "1" };
  world.studio.answer = () => [row];
  await Promise.all([world.apps.reconcileRemote(never), world.pass(5_000)]);
  assert.deepEqual(world.tags, ["1"]);
});

Deno.test("the way back of an update is kept while the new release is on probation", async () => {
  await using world = await littered();
  await world.ask("RUNNING", update, 5_000);
  world.engine.stock(`${repository}:left`, {});
  await world.ask("RUNNING", { present_version: "2", newest_version: "2" });
  assert.deepEqual(world.tags, ["1", "2"]);
});

Deno.test("nothing is taken away of an app whose own image is not there, of a compose app and of a developer's app", async () => {
  const wishes = [
    { present_version: "9", newest_version: "9" },
    { docker_compose: { services: {} } },
    { stage: "DEV", current_state: "RUNNING" },
  ];
  for (const wish of wishes) {
    await using world = await littered();
    const ofDeveloper = "r.example.com/apps/dev_amd64_7_shop";
    for (const tag of ["1", "left"]) world.engine.stock(`${ofDeveloper}:${tag}`, {});
    const before = world.engine.images;
    assert.deepEqual(await world.ask("RUNNING", wish), ["RUNNING"], JSON.stringify(wish));
    assert.deepEqual(world.engine.images, before);
  }
});

Deno.test("an image that cannot be taken away costs nothing, and goes the next time", async () => {
  await using world = await littered();
  const id = await world.engine.create("other", { Image: `${repository}:left`, HostConfig: {} }, never);
  assert.deepEqual(await world.ask("RUNNING"), ["RUNNING"]);
  assert.deepEqual([world.state, world.tags], ["RUNNING", ["1", "left"]]);
  await world.engine.remove(id, { force: true, signal: never });
  await world.ask("RUNNING");
  assert.deepEqual(world.tags, ["1"]);
});

Deno.test("an image that cannot be taken away costs an app that starts nothing", async () => {
  await using world = await littered();
  await world.engine.create("other", { Image: `${repository}:left`, HostConfig: {} }, never);
  await world.ask("PRESENT");
  const told = await world.ask("RUNNING");
  assert.deepEqual([told.at(-1), world.state], ['"Now running app Shop (1)"', "RUNNING"]);
});
