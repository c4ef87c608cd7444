import assert from "node:assert/strict";
import { writeAppState } from "../../../lib/store/app_rows.ts";
import { channel, LogsWorld, shop } from "./app_logs_fixture.ts";

const never = new AbortController().signal;

Deno.test("#4: after a restart a viewer gets what has come since, once, and the history is whole", async () => {
  await using world = await LogsWorld.start();
  await world.connect();
  const viewer = await world.view();
  const container = world.engine.run(channel);
  for (let line = 1; line <= 300; line += 1) world.engine.print(container, `line ${line}`, { atNs: line });
  world.logs.follow(channel, { containerName: channel });
  await world.delivered(viewer, 100);
  await world.restartAgent();
  for (let line = 301; line <= 303; line += 1) world.engine.print(container, `line ${line}`, { atNs: line });
  await world.connect([channel]);
  const lines = await world.delivered(viewer, 103);
  assert.deepEqual(lines, Array.from({ length: 103 }, (_, index) => `line ${index + 201}`));
  assert.deepEqual(await world.logs.readHistory(channel, never), lines.slice(3));
});

Deno.test("#4: an app that was started by this agent is shown from its first line, however much it has printed", async () => {
  await using world = await LogsWorld.start();
  await world.connect();
  const viewer = await world.view();
  world.logs.clearHistory(shop, channel);
  const container = world.engine.run(channel);
  for (let line = 1; line <= 300; line += 1) world.engine.print(container, `line ${line}`, { atNs: line });
  world.logs.follow(channel, { containerName: channel });
  assert.equal((await world.delivered(viewer, 300))[0], "line 1");
});

Deno.test("#4: lines that no viewer was sent, because the link was down, come after the restart", async () => {
  await using world = await LogsWorld.start();
  await world.connect();
  const viewer = await world.view();
  const container = world.engine.run(channel);
  world.engine.print(container, "before", { atNs: 1 });
  world.logs.follow(channel, { containerName: channel });
  await world.delivered(viewer, 1);
  await world.disconnect();
  world.engine.print(container, "while the link was down", { atNs: 2 });
  await world.remembered(2);
  await world.restartAgent();
  await world.connect([channel]);
  assert.deepEqual(await world.delivered(viewer, 2), ["before", "while the link was down"]);
});

Deno.test("#5: no answer with a history and no message is above 1 MiB of JSON, and the newest lines are in it", async () => {
  await using world = await LogsWorld.start();
  await world.connect();
  const viewer = await world.view();
  const feed = world.logs.openFeed(channel);
  const colours = '\u001b[31m"x"\u001b[0m'.repeat(440);
  for (let line = 1; line <= 100; line += 1) feed.push(`${line} ${colours}`);
  feed.push("\u0000".repeat(180_000));
  feed.push("last");
  world.logs.say(channel, "y\u0001".repeat(200_000));
  await world.passTimeUntil(feed.end());
  await world.delivered(viewer, 100 + 5 + 1 + 6);
  for (const message of viewer.received) assert.ok(JSON.stringify(message).length <= 262_144 + 40);
  const history = await world.logs.readHistory(channel, never);
  assert.ok(JSON.stringify(history).length <= 1_000_000);
  assert.match(history[0] ?? "", /^… \d+ older line\(s\) left out \(size limit\)$/);
});

Deno.test("#6: a line of 300,000 bytes is shown in pieces, live and in the history", async () => {
  await using world = await LogsWorld.start();
  await world.connect();
  const viewer = await world.view();
  const container = world.engine.run(channel);
  world.logs.follow(channel, { containerName: channel });
  await world.engine.followed(container);
  const text = "é".repeat(150_000);
  world.engine.print(container, text, { atNs: 1 });
  const lines = await world.delivered(viewer, 2);
  assert.equal(lines.join(""), text);
  assert.deepEqual(await world.logs.readHistory(channel, never), lines);
});

Deno.test("#15: viewers and the history are told once why a log cannot be read, also over reconnects and restarts", async () => {
  await using world = await LogsWorld.start();
  await world.connect();
  const viewer = await world.view();
  const state = {
    id: shop,
    appName: "shop",
    state: "RUNNING",
    version: "1",
    releaseKey: 1,
    target: "RUNNING",
  } as const;
  writeAppState(world.database, state, { now: new Date() });
  world.engine.logDriver = "none";
  world.engine.run(channel);
  const text = `The output of this app cannot be shown: the engine's log driver "none" does not support reading`;
  world.logs.follow(channel, { containerName: channel });
  await world.delivered(viewer, 1);
  assert.deepEqual(await world.logs.readHistory(channel, never), [text]);
  for (const restarts of [false, true]) {
    await world.disconnect();
    if (restarts) await world.restartAgent();
    await world.connect([channel]);
    await world.passTimeUntil(world.engine.requested(world.engine.logRequests.length));
    assert.deepEqual(await world.logs.readHistory(channel, never), [text]);
  }
  assert.deepEqual(viewer.received, [{ type: "build", chunk: text }]);
});

Deno.test("#4: what has come since is not lost when the log is read before the first connect", async () => {
  await using world = await LogsWorld.start();
  await world.connect();
  const viewer = await world.view();
  const container = world.engine.run(channel);
  world.engine.print(container, "before", { atNs: 1 });
  world.logs.follow(channel, { containerName: channel });
  await world.delivered(viewer, 1);
  await world.disconnect();
  await world.restartAgent();
  for (let line = 1; line <= 50; line += 1) world.engine.print(container, `line ${line}`, { atNs: 1 + line });
  world.logs.follow(channel, { containerName: channel });
  await world.remembered(51);
  await world.clock.advance(60_000);
  await world.connect([channel]);
  assert.deepEqual((await world.delivered(viewer, 51)).slice(0, 2), ["before", "line 1"]);
  assert.equal(viewer.lines.length, 51);
});
