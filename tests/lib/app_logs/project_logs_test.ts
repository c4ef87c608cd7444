import assert from "node:assert/strict";
import { channel, LogsWorld } from "./app_logs_fixture.ts";
import type { FakeLogContainer } from "../../fakes/fake_log_engine.ts";

const project = `${channel}_compose`;
const never = new AbortController().signal;
const second = 1_000_000_000;

/** Starts a container of a service. */
function runService(world: LogsWorld, name: string): FakeLogContainer {
  return world.engine.run(`${project}-${name}`, { project });
}

function listOf(services: Readonly<Record<string, FakeLogContainer>>): { id: string; name: string }[] {
  return Object.entries(services).map(([name, { id }]) => ({ id, name }));
}

/** A viewer of a device that follows these services, each of which has a follower. */
async function followed(world: LogsWorld, services: Readonly<Record<string, FakeLogContainer>>) {
  await world.connect();
  const viewer = await world.view();
  world.logs.followProject(channel, listOf(services));
  for (const container of Object.values(services)) await world.engine.followed(container);
  return viewer;
}

/**
 * The order of two services depends on when their lines arrive; see merged_lines_test.ts for how old ones are put in
 * it.
 */
function byService(lines: readonly unknown[]): unknown[] {
  return [...lines].sort((a, b) => String(a).slice(0, 5) < String(b).slice(0, 5) ? -1 : 0);
}

Deno.test("#13: followProject() shows lines of all services with padded names", async () => {
  await using world = await LogsWorld.start();
  const web = runService(world, "web-1");
  const worker = runService(world, "worker-long-1");
  world.engine.print(web, "one", { atNs: 1 * second });
  world.engine.print(worker, "two", { atNs: 2 * second });
  world.engine.print(web, "three", { atNs: 3 * second });
  world.engine.print(worker, "", { atNs: 4 * second });
  const viewer = await followed(world, { "web-1": web, "worker-long-1": worker });
  assert.deepEqual(byService(await world.delivered(viewer, 4)), [
    "web-1          | one",
    "web-1          | three",
    "worker-long-1  | two",
    "worker-long-1  | ",
  ]);
  // Live lines pass as they arrive, whatever their time.
  await world.clock.advance(2_000);
  world.engine.print(worker, "five", { atNs: 9 * second });
  await world.delivered(viewer, 5);
  world.engine.print(web, "six", { atNs: 5 * second });
  assert.deepEqual((await world.delivered(viewer, 6)).slice(4), ["worker-long-1  | five", "web-1          | six"]);
  assert.equal((await world.logs.readHistory(channel, never)).length, 6);
});

Deno.test("#13: a service that exits says so once, also after a restart of the agent", async () => {
  await using world = await LogsWorld.start();
  const web = runService(world, "web-1");
  const once = runService(world, "once-1");
  const services = { "web-1": web, "once-1": once };
  const viewer = await followed(world, services);
  world.engine.print(once, "done", { atNs: second });
  await world.delivered(viewer, 1);
  world.engine.exit(once, 3);
  assert.deepEqual(await world.delivered(viewer, 2), ["once-1  | done", "once-1 exited with code 3"]);
  world.logs.followProject(channel, listOf(services));
  await world.disconnect();
  await world.restartAgent();
  await world.connect();
  world.logs.followProject(channel, listOf(services));
  world.engine.print(web, "new", { atNs: 2 * second });
  await world.passTimeUntil(viewer.messages(viewer.received.length + 1));
  await world.clock.advance(2_000);
  await world.receivedAll();
  assert.deepEqual(viewer.lines.slice(2), ["web-1   | new"]);
});

Deno.test("#13: lines that are printed while the agent is away are shown once", async () => {
  await using world = await LogsWorld.start();
  const web = runService(world, "web-1");
  const db = runService(world, "db-1");
  const services = { "web-1": web, "db-1": db };
  const viewer = await followed(world, services);
  world.engine.print(web, "w1", { atNs: 1 * second });
  world.engine.print(db, "d1", { atNs: 2 * second });
  await world.delivered(viewer, 2);
  await world.clock.advance(31_000);
  await world.disconnect();
  await world.restartAgent();
  for (let at = 3; at < 9; at += 1) world.engine.print(at % 2 ? web : db, `line ${at}`, { atNs: at * second });
  await world.connect();
  world.logs.followProject(channel, listOf(services));
  const expected = [3, 4, 5, 6, 7, 8].map((at) => `${at % 2 ? "web-1" : "db-1 "}  | line ${at}`);
  assert.deepEqual(byService((await world.delivered(viewer, 8)).slice(2)), byService(expected));
  const history = await world.logs.readHistory(channel, never);
  assert.deepEqual(byService(history), byService(["web-1  | w1", "db-1   | d1", ...expected]));
});

Deno.test("#13: a recreated service is read from its first line, and one that is started again goes on", async () => {
  await using world = await LogsWorld.start();
  const web = runService(world, "web-1");
  const db = runService(world, "db-1");
  const viewer = await followed(world, { "web-1": web, "db-1": db });
  world.engine.print(web, "old", { atNs: second });
  await world.delivered(viewer, 1);
  world.engine.exit(web, 0);
  await world.delivered(viewer, 2);
  const again = runService(world, "web-1");
  world.engine.print(again, "first", { atNs: 2 * second });
  world.engine.exit(db, 1);
  await world.delivered(viewer, 3);
  world.engine.restart(db);
  world.logs.followProject(channel, listOf({ "web-1": again, "db-1": db, "web-2": runService(world, "web-2") }));
  await world.engine.followed(again);
  await world.engine.followed(db);
  world.engine.print(db, "again", { atNs: 3 * second });
  assert.deepEqual([...await world.delivered(viewer, 5)].slice(1).sort(), [
    "db-1   | again",
    "db-1 exited with code 1",
    "web-1  | first",
    "web-1 exited with code 0",
  ]);
});

Deno.test("#13: the exit of a service that was removed at once is known from the engine's event", async () => {
  await using world = await LogsWorld.start();
  const web = runService(world, "web-1");
  const viewer = await followed(world, { "web-1": web });
  world.engine.print(web, "bye", { atNs: second });
  await world.delivered(viewer, 1);
  world.logs.noteServiceExit(channel, { id: web.id, exitCode: 143 });
  world.engine.remove(`${project}-web-1`);
  assert.deepEqual(await world.delivered(viewer, 2), ["web-1  | bye", "web-1 exited with code 143"]);
});

Deno.test("#13: readHistory() falls back to the last lines of all services", async () => {
  await using world = await LogsWorld.start();
  const [web, db] = [runService(world, "web-1"), runService(world, "db-1")];
  for (let at = 1; at <= 60; at += 1) world.engine.print(at % 2 ? web : db, `line ${at}`, { atNs: at * 1_000_000 });
  const lines = await world.logs.readHistory(channel, never);
  assert.equal(lines.length, 50);
  assert.deepEqual([lines[0], lines.at(-1)], ["web-1  | line 11", "db-1   | line 60"]);
});

Deno.test("M53, #13: a channel has one follower, whether its app is one container or a project", async () => {
  await using world = await LogsWorld.start();
  const web = runService(world, "web-1");
  const viewer = await followed(world, { "web-1": web });
  const single = world.engine.run(channel);
  world.logs.clearHistory({ appKey: 42, stage: "PROD" }, channel);
  world.logs.follow(channel, { containerName: channel });
  await world.engine.followed(single);
  world.engine.print(single, "alone", { atNs: second });
  await world.delivered(viewer, 1);
  world.engine.print(web, "late", { atNs: 2 * second });
  assert.equal(web.followers.size, 0);
  world.logs.followProject(channel, listOf({ "web-1": web }));
  await world.engine.followed(web);
  world.engine.print(single, "late", { atNs: 3 * second });
  world.engine.print(web, "service", { atNs: 4 * second });
  assert.deepEqual((await world.delivered(viewer, 3)).includes("web-1  | service"), true);
  assert.equal(viewer.lines.includes("late"), false);
});

Deno.test("#13: showExitedService() waits until the log of a service was read", async () => {
  await using world = await LogsWorld.start();
  const web = runService(world, "web-1");
  world.engine.print(web, "broken", { atNs: second });
  world.engine.exit(web, 7);
  await world.connect();
  const viewer = await world.view();
  await world.passTimeUntil(world.logs.showExitedService(channel, { id: web.id, name: "web-1" }, never));
  assert.deepEqual(await world.delivered(viewer, 2), ["web-1  | broken", "web-1 exited with code 7"]);
});
