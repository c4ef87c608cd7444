import assert from "node:assert/strict";
import { deleteApp, writeAppState } from "../../../lib/store/app_rows.ts";
import { readLogHistory, writeLogHistory } from "../../../lib/store/log_rows.ts";
import { readMessages } from "../../../lib/store/message_rows.ts";
import { RawPeer } from "../../contract/raw_peer.ts";
import { channel, LogsWorld, shop } from "./app_logs_fixture.ts";

const never = new AbortController().signal;

function message(chunk: string): unknown {
  return { type: "build", chunk };
}

/** Makes the app known to the device. */
function storeShop(world: LogsWorld): void {
  const state = {
    id: shop,
    appName: "shop",
    state: "RUNNING",
    version: "1",
    releaseKey: 1,
    target: "RUNNING",
  } as const;
  writeAppState(world.database, state, { now: new Date() });
}

Deno.test("agent messages are published whether or not anybody listens, in order, and remembered", async () => {
  await using world = await LogsWorld.start();
  await world.connect();
  const viewer = await world.view();
  world.logs.clearViewer(channel);
  world.logs.say(channel, "Starting shop...");
  world.logs.say("PROD_42_Shop", "Now running app shop (1.0)");
  assert.deepEqual(await viewer.messages(3), [
    message("LOGGER_CLEAR"),
    message("Starting shop..."),
    message("Now running app shop (1.0)"),
  ]);
  assert.deepEqual(await world.logs.readHistory(channel, never), ["Starting shop...", "Now running app shop (1.0)"]);
});

Deno.test("a viewer that was there first gets the whole stored log, and then new lines", async () => {
  await using world = await LogsWorld.start();
  await world.connect();
  const viewer = await world.view();
  const container = world.engine.run(channel);
  world.engine.print(container, "first", { atNs: 1 });
  world.engine.print(container, "second", { atNs: 2 });
  world.logs.follow(channel, { containerName: channel });
  await world.engine.followed(container);
  assert.deepEqual(await world.delivered(viewer, 2), ["first", "second"]);
  world.engine.print(container, "third", { atNs: 3 });
  assert.deepEqual(await world.delivered(viewer, 3), ["first", "second", "third"]);
});

Deno.test("a viewer that comes later gets later lines, and one that has left causes no traffic", async () => {
  await using world = await LogsWorld.start();
  await world.connect();
  const container = world.engine.run(channel);
  world.engine.print(container, "before", { atNs: 1 });
  world.logs.follow(channel, { containerName: channel });
  await world.engine.followed(container);
  const viewer = await world.view();
  await world.receivedAll();
  world.engine.print(container, "during", { atNs: 2 });
  assert.deepEqual(await world.delivered(viewer, 1), ["during"]);
  await viewer.session.close();
  // The first reply comes after the event that the viewer has left, the second after the query that follows it.
  await world.receivedAll();
  await world.receivedAll();
  world.engine.print(container, "after", { atNs: 3 });
  await world.remembered(3);
  assert.deepEqual(await world.logs.readHistory(channel, never), ["before", "during", "after"]);
  assert.equal(world.clock.sleeping, 0);
});

Deno.test("a prefix subscription to all logs gets the lines of apps that start later", async () => {
  await using world = await LogsWorld.start();
  await world.connect();
  await using bridge = await RawPeer.open(world.router.url);
  await bridge.join({ authid: "system", secret: "s" });
  await bridge.subscribe("reswarm.logs.", { match: "prefix" });
  const container = world.engine.run(channel);
  world.engine.print(container, "line", { atNs: 1 });
  world.logs.follow(channel, { containerName: channel });
  const events = bridge.next(36);
  await world.passTimeUntil(events);
  const event = await events;
  assert.deepEqual(event[4], ["line"]);
});

Deno.test("lines of a pull are passed on verbatim and remembered", async () => {
  await using world = await LogsWorld.start();
  await world.connect();
  const viewer = await world.view();
  const feed = world.logs.openFeed(channel);
  const lines = ['{"status":"Pulling fs layer","id":"a1"}', '{"status":"Download complete","id":"a1" }'];
  for (const line of lines) feed.push(line);
  await feed.end();
  feed.push("too late");
  await feed.end();
  assert.deepEqual(await viewer.messages(1), [lines.join("\n")]);
  assert.deepEqual(await world.logs.readHistory(channel, never), lines);
  assert.deepEqual(readLogHistory(world.database, shop), lines);
});

Deno.test("lines and messages of a time without link reach the viewer later, once and in order", async () => {
  await using world = await LogsWorld.start();
  await world.connect();
  const viewer = await world.view();
  const container = world.engine.run(channel);
  world.logs.follow(channel, { containerName: channel });
  await world.engine.followed(container);
  world.engine.print(container, "before", { atNs: 1 });
  await world.delivered(viewer, 1);
  await world.disconnect();
  world.engine.print(container, "during", { atNs: 2 });
  // A line is in the history once it was read.
  await world.remembered(2);
  world.logs.say(channel, "m");
  await world.connect([channel]);
  world.engine.print(container, "after", { atNs: 3 });
  assert.deepEqual(await world.delivered(viewer, 4), ["before", "during", message("m"), "after"]);
  assert.equal(world.engine.logRequests.length, 1);
});

Deno.test("messages of a time without link are sent after a restart, once, before later ones", async () => {
  await using world = await LogsWorld.start();
  world.logs.clearViewer(channel);
  world.logs.say(channel, "Starting shop...");
  world.logs.say("prod_7_till", "Now running app till (1.0)");
  await world.restartAgent();
  world.logs.say(channel, "Now running app shop (1.0)");
  const [viewer, other] = [await world.view(), await world.view("prod_7_till")];
  await world.connect();
  const texts = ["LOGGER_CLEAR", "Starting shop...", "Now running app shop (1.0)"];
  assert.deepEqual(await viewer.messages(3), texts.map(message));
  assert.deepEqual(await other.messages(1), [message("Now running app till (1.0)")]);
  await world.restartAgent();
  await world.connect();
  world.logs.say(channel, "last");
  assert.deepEqual((await viewer.messages(4)).slice(3), [message("last")]);
  assert.deepEqual(readMessages(world.database), []);
});

Deno.test("messages about an app that was forgotten while the link was down are sent when it is back", async () => {
  await using world = await LogsWorld.start();
  world.logs.say(channel, "Removing shop...");
  world.logs.forget(shop, channel);
  const viewer = await world.view();
  await world.passTimeUntil(Promise.resolve());
  await world.connect();
  assert.deepEqual(await viewer.messages(1), [message("Removing shop...")]);
  assert.deepEqual(readMessages(world.database), []);
});

Deno.test("messages sent into a dead link are sent again when it is back", async () => {
  await using world = await LogsWorld.start();
  await world.connect();
  const viewer = await world.view();
  world.logs.say(channel, "a");
  await viewer.messages(1);
  await world.disconnect();
  world.logs.detach(world.clock.now());
  await world.connect();
  world.logs.detach(world.clock.now() + 1);
  assert.deepEqual(await viewer.messages(2), [message("a"), message("a")]);
});

Deno.test("a viewer that came or left while the link was down is noticed", async () => {
  await using world = await LogsWorld.start();
  await world.connect();
  const container = world.engine.run(channel);
  world.logs.follow(channel, { containerName: channel });
  await world.engine.followed(container);
  await world.disconnect();
  const viewer = await world.view();
  await world.connect();
  world.engine.print(container, "a", { atNs: 1 });
  assert.deepEqual(await world.delivered(viewer, 1), ["a"]);
  await world.disconnect();
  await viewer.session.close();
  await world.connect();
  world.engine.print(container, "b", { atNs: 2 });
  await world.remembered(2);
  assert.equal(world.clock.sleeping, 0);
});

Deno.test("attach() follows containers that are not followed yet, each once", async () => {
  await using world = await LogsWorld.start();
  const container = world.engine.run(channel);
  const other = world.engine.run("dev_7_other");
  await world.connect([channel, "dev_7_other", "prod_1_missing"]);
  await world.engine.followed(container);
  await world.engine.followed(other);
  await world.disconnect();
  await world.connect([channel, "dev_7_other"]);
  world.logs.follow(channel, { containerName: channel });
  assert.equal(container.followers.size, 1);
  assert.equal(other.followers.size, 1);
  assert.equal(world.engine.logRequests.length, 2);
});

Deno.test("the history is stored when a stream ends, and available after a restart", async () => {
  await using world = await LogsWorld.start();
  storeShop(world);
  const container = world.engine.run(channel);
  world.engine.print(container, "a", { atNs: 1 });
  world.engine.exit(container);
  world.logs.say(channel, "Starting shop...");
  await world.logs.showExited(channel, channel, never);
  assert.deepEqual(readLogHistory(world.database, shop), ["Starting shop...", "a"]);
  await world.restartAgent();
  world.engine.remove(channel);
  assert.deepEqual(await world.logs.readHistory(channel, never), ["Starting shop...", "a"]);
});

Deno.test("the history is stored when the agent stops during a stream", async () => {
  await using world = await LogsWorld.start();
  const container = world.engine.run(channel);
  world.engine.print(container, "a", { atNs: 1 });
  world.logs.follow(channel, { containerName: channel });
  await world.engine.followed(container);
  await world.remembered(1);
  await world.restartAgent();
  assert.deepEqual(readLogHistory(world.database, shop), ["a"]);
});

Deno.test("a missing container does not erase its stored history", async () => {
  await using world = await LogsWorld.start();
  storeShop(world);
  writeLogHistory(world.database, { id: shop, appName: "shop" }, { lines: ["old"] });
  await world.logs.showExited(channel, channel, never);
  assert.deepEqual(await world.logs.readHistory(channel, never), ["old"]);
});

Deno.test("stored lines of an app that the device does not know are not shown", async () => {
  await using world = await LogsWorld.start();
  storeShop(world);
  deleteApp(world.database, shop);
  writeLogHistory(world.database, { id: shop, appName: "shop" }, { lines: ["old"] });
  assert.deepEqual(await world.logs.readHistory(channel, never), []);
});

Deno.test("a history with only agent messages is completed with the last lines of the container", async () => {
  await using world = await LogsWorld.start();
  const container = world.engine.run(channel);
  for (let index = 0; index < 60; index += 1) world.engine.print(container, `line ${index}`, { atNs: index });
  world.logs.say(channel, "Starting shop...");
  const lines = await world.logs.readHistory(`/${channel.toUpperCase()}`, never);
  assert.equal(lines.length, 51);
  assert.deepEqual([lines.at(0), lines.at(1), lines.at(-1)], ["Starting shop...", "line 10", "line 59"]);
});

Deno.test("without an engine the agent messages are the history", async () => {
  await using world = await LogsWorld.start();
  world.logs.say(channel, "Starting shop...");
  await world.engine.stop();
  assert.deepEqual(await world.logs.readHistory(channel, never), ["Starting shop..."]);
});

Deno.test("readHistory() rejects a name that is no channel", async () => {
  await using world = await LogsWorld.start();
  for (const name of ["shop", "prod_x_shop", "prod_42_../shop", "", "prod_42_a b"]) {
    await assert.rejects(world.logs.readHistory(name, never), {
      code: "bad_request",
      message: "invalid container name",
    });
  }
});

Deno.test("the last lines of a log that no follower could read are published one by one, whether or not anybody listens", async () => {
  await using world = await LogsWorld.start();
  await world.connect();
  const container = world.engine.run(channel);
  world.engine.print(container, "cannot open port", { atNs: 1 });
  world.engine.print(container, "giving up", { atNs: 2 });
  world.engine.exit(container);
  world.engine.failingLogRequests = 9;
  const viewer = await world.view();
  world.logs.say(channel, "Starting shop...");
  world.logs.follow(channel, { containerName: channel });
  for (let round = 0; round < 8; round += 1) {
    await world.clock.untilSleeping();
    await world.clock.advance(world.clock.nextInMs ?? 0);
  }
  assert.deepEqual(await viewer.messages(3), [message("Starting shop..."), "cannot open port", "giving up"]);
  assert.deepEqual(readLogHistory(world.database, shop), ["Starting shop..."]);
});

Deno.test("showExited() resolves when its signal is aborted", async () => {
  await using world = await LogsWorld.start();
  const container = world.engine.run(channel);
  const controller = new AbortController();
  const shown = world.logs.showExited(channel, channel, controller.signal);
  await world.engine.followed(container);
  controller.abort();
  await shown;
  assert.equal(container.followers.size, 1);
});

Deno.test("clearHistory() empties the history in memory and the stored one, and later lines are remembered", async () => {
  await using world = await LogsWorld.start();
  storeShop(world);
  writeLogHistory(world.database, { id: shop, appName: "shop" }, { lines: ["old"] });
  world.logs.say(channel, "m");
  world.logs.clearHistory(shop, channel);
  assert.deepEqual(await world.logs.readHistory(channel, never), []);
  assert.deepEqual(readLogHistory(world.database, shop), []);
  world.logs.say(channel, "n");
  assert.deepEqual(await world.logs.readHistory(channel, never), ["n"]);
});

Deno.test("forget() ends the follower and deletes the history; waiting messages still arrive", async () => {
  await using world = await LogsWorld.start();
  storeShop(world);
  await world.connect();
  const viewer = await world.view();
  const container = world.engine.run(channel);
  writeLogHistory(world.database, { id: shop, appName: "shop" }, { lines: ["old"] });
  world.logs.follow(channel, { containerName: channel });
  await world.engine.followed(container);
  world.logs.say(channel, "Successfully removed shop!");
  world.logs.forget(shop, channel);
  assert.deepEqual(await viewer.messages(1), [message("Successfully removed shop!")]);
  world.engine.print(container, "late", { atNs: 5 });
  world.engine.remove(channel);
  assert.deepEqual(await world.logs.readHistory(channel, never), []);
  await world.restartAgent();
  assert.equal(readLogHistory(world.database, shop), undefined);
});

Deno.test("a container that was started again while its follower was ending is followed", async () => {
  await using world = await LogsWorld.start();
  const first = world.engine.run(channel);
  world.logs.follow(channel, { containerName: channel });
  await world.engine.followed(first);
  world.engine.remove(channel);
  const second = world.engine.run(channel);
  world.logs.follow(channel, { containerName: channel });
  await world.clock.untilSleeping();
  await world.clock.advance(5_000);
  await world.engine.followed(second);
  world.engine.print(second, "again", { atNs: 1 });
  await world.remembered(1);
  assert.deepEqual(await world.logs.readHistory(channel, never), ["again"]);
});

Deno.test("no call throws, whatever is broken", async () => {
  await using world = await LogsWorld.start();
  await world.connect();
  await world.disconnect();
  await world.engine.stop();
  world.database[Symbol.dispose]();
  for (const name of [channel, "", "x", "prod_42_..", "\u0000", "x".repeat(100_000)]) {
    world.logs.say(name, "text");
    world.logs.clearViewer(name);
    world.logs.clearHistory(shop, name);
    const feed = world.logs.openFeed(name);
    feed.push("line");
    await feed.end();
    world.logs.follow(name, { containerName: name });
    await world.logs.showExited(name, name, AbortSignal.abort());
    world.logs.forget(shop, name);
  }
});

Deno.test("every line of a flood is delivered or counted", async () => {
  await using world = await LogsWorld.start();
  await world.connect();
  const viewer = await world.view();
  const feed = world.logs.openFeed(channel);
  const count = 50_000;
  for (let index = 0; index < count; index += 1) feed.push(`line ${index} ${"x".repeat(40)}`);
  await feed.end();
  world.logs.say(channel, "end");
  const received = await viewer.messages(2);
  const lines = String(received[0]).split("\n");
  const dropped = /^… (\d+) log line\(s\) dropped \(rate limit\)$/.exec(lines.at(-1) ?? "");
  assert.equal(lines.length - 1 + Number(dropped?.[1]), count);
  assert.deepEqual(received[1], message("end"));
  assert.equal((await world.logs.readHistory(channel, never)).length, 100);
});
