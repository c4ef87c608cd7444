/** Cases of the engine contract about containers: how they are made, run, end and go. */

import assert from "node:assert/strict";
import { assertFails, type EngineCase, never } from "./engine_fixture.ts";

const gentle = { graceSeconds: 5, signal: never };
const forced = { force: true, signal: never };
const unforced = { force: false, signal: never };

/** A container that publishes a port. */
function publishing(port: number): Record<string, unknown> {
  return {
    ExposedPorts: { "80/tcp": {} },
    HostConfig: { NetworkMode: "bridge", PortBindings: { "80/tcp": [{ HostIp: "", HostPort: `${port}` }] } },
  };
}

const birthCases: EngineCase[] = [
  {
    name: "inspect() of a container that does not exist gives nothing",
    async run({ engine, container }) {
      assert.equal(await engine.inspect(container, never), undefined);
    },
  },
  {
    name: "inspect() finds a container by id and by exact name only",
    async run(stage) {
      const id = await stage.create({}, { name: `${stage.container}2` });
      assert.equal((await stage.engine.inspect(id, never))?.name, `${stage.container}2`);
      assert.equal((await stage.engine.inspect(`${stage.container}2`, never))?.id, id);
      assert.equal(await stage.engine.inspect(stage.container, never), undefined);
    },
  },
  {
    name: "inspect() shows environment, labels, ports, network, terminal and image as they were asked for",
    async run(stage) {
      const body = { ...publishing(31_234), Env: ["A=b c", "EMPTY="], Labels: { real: "True" }, Tty: true };
      const id = await stage.create({}, { body });
      const seen = await stage.engine.inspect(id, never);
      assert.ok(seen !== undefined && seen.env.includes("A=b c") && seen.env.includes("EMPTY="));
      assert.equal(seen.labels.real, "True");
      assert.deepEqual(seen.portBindings, { "80/tcp": [{ hostIp: "", hostPort: 31_234 }] });
      assert.deepEqual([seen.networkMode, seen.tty, seen.image], ["bridge", true, `${stage.repository}:1`]);
      assert.deepEqual([seen.status, seen.exitCode, seen.error, seen.oomKilled], ["created", 0, "", false]);
      assert.deepEqual([seen.startedAt.slice(0, 4), seen.finishedAt.slice(0, 4)], ["0001", "0001"]);
    },
  },
  {
    name: "create() refuses a name that is in use",
    async run(stage) {
      await stage.create();
      await assertFails(stage.create(), "name_in_use");
      await stage.engine.remove(stage.container, forced);
      await stage.create();
    },
  },
  {
    name: "create() refuses an image that is not in the store, although it is in the registry, and keeps the name free",
    async run(stage) {
      const reference = `${stage.repository}:1`;
      await stage.under.publish(reference, {});
      await assertFails(stage.engine.create(stage.container, { Image: reference }, never), "image_missing");
      assert.equal(await stage.status(), undefined);
      await stage.create();
    },
  },
  {
    name: "the list of containers has those that run and those that do not, with name, image, labels and status",
    async run(stage) {
      const body = { Labels: { real: "True" }, HostConfig: { NetworkMode: "none" } };
      const ids = new Map<string, string>();
      for (const name of ["created", "running", "paused", "exited"]) {
        ids.set(await stage.create({}, { name: `${stage.container}_${name}`, body }), name);
      }
      for (const [id, name] of ids) if (name !== "created") await stage.engine.start(id, never);
      await stage.under.pause(`${stage.container}_paused`);
      await stage.engine.stop(`${stage.container}_exited`, gentle);
      const list = async () => (await stage.engine.listContainers(never)).filter(({ id }) => ids.has(id));
      // The list of a real engine may lag a moment behind the end of a container.
      await stage.until("the list knows", async () => (await list()).some(({ state }) => state === "exited"));
      const listed = await list();
      assert.equal(listed.length, 4);
      for (const { id, names, state, image, labels } of listed) {
        assert.deepEqual([names, state], [[`${stage.container}_${ids.get(id)}`], ids.get(id)]);
        assert.deepEqual([image, labels.real], [`${stage.repository}:1`, "True"]);
        assert.equal((await stage.engine.inspect(id, never))?.status, state);
      }
    },
  },
];

const runCases: EngineCase[] = [
  {
    name: "start(), stop() and watchExit() of a container that does not exist are container_missing",
    async run({ engine, container }) {
      await assertFails(engine.start(container, never), "container_missing");
      await assertFails(engine.stop(container, gentle), "container_missing");
      await assertFails(engine.watchExit(container, { condition: "next-exit", signal: never }), "container_missing");
    },
  },
  {
    name: "start() of a container that runs changes nothing",
    async run(stage) {
      const id = await stage.run({ livesMs: 1_000, exitCode: 3 });
      const before = await stage.engine.inspect(id, never);
      await stage.under.pass(500);
      await stage.engine.start(id, never);
      assert.deepEqual(await stage.engine.inspect(id, never), before);
      await stage.until("the container ends", async () => await stage.status() === "exited");
      await stage.under.pass(700);
      assert.deepEqual([await stage.status(), (await stage.engine.inspect(id, never))?.exitCode], ["exited", 3]);
    },
  },
  {
    name: "a container that has ended can be started again: another start time, no exit code",
    async run(stage) {
      const id = await stage.run();
      const first = await stage.engine.inspect(id, never);
      await stage.under.pass(20);
      await stage.under.kill(stage.container);
      await stage.until("the container ends", async () => await stage.status() === "exited");
      await stage.engine.start(id, never);
      const second = await stage.engine.inspect(id, never);
      assert.deepEqual([second?.id, second?.status, second?.exitCode], [id, "running", 0]);
      assert.ok(first !== undefined && second !== undefined && first.startedAt < second.startedAt);
      assert.ok(second.finishedAt > first.startedAt);
    },
  },
  {
    name: "a run that was cut short does not end the run after it",
    async run(stage) {
      const id = await stage.run({ livesMs: 3_000, exitCode: 3 });
      await stage.under.pass(1_500);
      await stage.under.kill(stage.container);
      await stage.until("the container ends", async () => await stage.status() === "exited");
      await stage.engine.start(id, never);
      await stage.under.pass(2_000);
      assert.equal(await stage.status(), "running");
      await stage.until("the container ends", async () => await stage.status() === "exited");
      assert.equal((await stage.engine.inspect(id, never))?.exitCode, 3);
    },
  },
  {
    name: "start() names a host port that another container has",
    async run(stage) {
      await stage.run({}, { body: publishing(31_235) });
      const second = await stage.create({}, { name: `${stage.container}2`, body: publishing(31_235) });
      const error = await assertFails(stage.engine.start(second, never), "port_in_use");
      assert.match(error.message, /:31235\b/);
      assert.notEqual(await stage.status(`${stage.container}2`), "running");
      await stage.engine.stop(stage.container, gentle);
      await stage.engine.start(second, never);
    },
  },
  {
    name: "stop() ends the process, and is fine with a container that does not run",
    async run(stage) {
      const id = await stage.create();
      await stage.engine.stop(id, gentle);
      assert.equal(await stage.status(), "created");
      await stage.engine.start(id, never);
      await stage.engine.stop(id, gentle);
      await stage.engine.stop(id, gentle);
      const seen = await stage.engine.inspect(id, never);
      assert.deepEqual([seen?.status, seen?.exitCode], ["exited", 0]);
      assert.ok(seen !== undefined && seen.finishedAt >= seen.startedAt);
    },
  },
  {
    name: "a paused container is paused, runs on, and can be stopped while it is paused",
    async run(stage) {
      const id = await stage.run();
      await stage.under.pause(stage.container);
      assert.equal(await stage.status(), "paused");
      await stage.under.unpause(stage.container);
      assert.equal(await stage.status(), "running");
      await stage.under.pause(stage.container);
      await stage.engine.stop(id, gentle);
      assert.equal(await stage.status(), "exited");
    },
  },
];

const endCases: EngineCase[] = [
  {
    name: "watchExit() before the start sees the shortest life, every time",
    async run(stage) {
      const id = await stage.create({ livesMs: 0, exitCode: 3 });
      for (let round = 0; round < 3; round += 1) {
        const watch = await stage.engine.watchExit(id, { condition: "next-exit", signal: never });
        await stage.engine.start(id, never);
        assert.equal(await stage.during(watch.exitCode()), 3);
        const seen = await stage.engine.inspect(id, never);
        assert.deepEqual([seen?.status, seen?.exitCode], ["exited", 3]);
      }
    },
  },
  {
    name: "watchExit() for the next exit does not take a past one for it",
    async run(stage) {
      const id = await stage.run({ livesMs: 0, exitCode: 3 });
      await stage.until("the container ends", async () => await stage.status() === "exited");
      const controller = new AbortController();
      const watch = await stage.engine.watchExit(id, { condition: "next-exit", signal: controller.signal });
      let code: number | undefined;
      const ended = watch.exitCode().then((value) => void (code = value), () => {});
      await stage.under.pass(300);
      assert.equal(code, undefined);
      controller.abort();
      await ended;
    },
  },
  {
    name: "a wait for an exit ends with its signal, and the container goes on",
    async run(stage) {
      const id = await stage.run();
      const controller = new AbortController();
      const watch = await stage.engine.watchExit(id, { condition: "next-exit", signal: controller.signal });
      const ended = assertFails(watch.exitCode(), "canceled");
      controller.abort();
      await ended;
      assert.equal(await stage.status(), "running");
    },
  },
  {
    name: "the exit code after a kill is 137, in the wait and in inspect()",
    async run(stage) {
      const id = await stage.run();
      const watch = await stage.engine.watchExit(id, { condition: "next-exit", signal: never });
      await stage.under.kill(stage.container);
      assert.equal(await stage.during(watch.exitCode()), 137);
      assert.equal((await stage.engine.inspect(id, never))?.exitCode, 137);
    },
  },
  {
    name: "remove() takes away what does not run, by id and by name",
    async run(stage) {
      await stage.engine.remove(await stage.create(), unforced);
      assert.equal(await stage.status(), undefined);
      await stage.run();
      await stage.engine.stop(stage.container, gentle);
      await stage.engine.remove(stage.container, unforced);
      assert.equal(await stage.status(), undefined);
      assert.deepEqual(
        (await stage.engine.listContainers(never)).filter((one) => one.names.includes(stage.container)),
        [],
      );
    },
  },
  {
    name: "remove() wants force for a container that runs or is paused",
    async run(stage) {
      const id = await stage.run();
      await assertFails(stage.engine.remove(id, unforced), "engine_failed");
      assert.equal(await stage.status(), "running");
      await stage.under.pause(stage.container);
      await assertFails(stage.engine.remove(id, unforced), "engine_failed");
      await stage.engine.remove(id, forced);
      assert.equal(await stage.status(), undefined);
    },
  },
  {
    name: "remove() of a container that does not exist is container_missing, forced or not",
    async run({ engine, container }) {
      await assertFails(engine.remove(container, forced), "container_missing");
      await assertFails(engine.remove(container, unforced), "container_missing");
    },
  },
  {
    name: "the forced removal of a running container ends a wait for its exit with 137",
    async run(stage) {
      const id = await stage.run();
      const watch = await stage.engine.watchExit(id, { condition: "next-exit", signal: never });
      await stage.engine.remove(id, forced);
      assert.equal(await stage.during(watch.exitCode()), 137);
    },
  },
  {
    name: "of removals at the same time one removes, and the others say that it is gone or going",
    async run(stage) {
      const id = await stage.run();
      const removals = await Promise.allSettled([1, 2, 3].map(() => stage.engine.remove(id, forced)));
      assert.ok(removals.some(({ status }) => status === "fulfilled"));
      for (const removal of removals) {
        if (removal.status === "fulfilled") continue;
        await assertFails(Promise.reject(removal.reason), "container_missing", "removal_running");
      }
      await stage.until("the container is gone", async () => await stage.status() === undefined);
    },
  },
];

/** The cases of this file. */
export const containerCases: EngineCase[] = [...birthCases, ...runCases, ...endCases];
