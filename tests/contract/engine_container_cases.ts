/** Cases of the engine contract: creating, running, stopping and removing containers. */

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

const createCases: EngineCase[] = [
  {
    name: "inspect() of a container that does not exist returns undefined",
    async run({ engine, container }) {
      assert.equal(await engine.inspect(container, never), undefined);
    },
  },
  {
    name: "inspect() finds a container by its id or its exact name only",
    async run(fixture) {
      const id = await fixture.create({}, { name: `${fixture.container}2` });
      assert.equal((await fixture.engine.inspect(id, never))?.name, `${fixture.container}2`);
      assert.equal((await fixture.engine.inspect(`${fixture.container}2`, never))?.id, id);
      assert.equal(await fixture.engine.inspect(fixture.container, never), undefined);
    },
  },
  {
    name: "inspect() returns environment, labels, ports, network, terminal and image as requested",
    async run(fixture) {
      const body = { ...publishing(31_234), Env: ["A=b c", "EMPTY="], Labels: { real: "True" }, Tty: true };
      const id = await fixture.create({}, { body });
      const seen = await fixture.engine.inspect(id, never);
      assert.ok(seen !== undefined && seen.env.includes("A=b c") && seen.env.includes("EMPTY="));
      assert.equal(seen.labels.real, "True");
      assert.deepEqual(seen.portBindings, { "80/tcp": [{ hostIp: "", hostPort: 31_234 }] });
      assert.deepEqual([seen.networkMode, seen.tty, seen.image], ["bridge", true, `${fixture.repository}:1`]);
      assert.deepEqual([seen.status, seen.exitCode, seen.error, seen.oomKilled], ["created", 0, "", false]);
      assert.deepEqual([seen.startedAt.slice(0, 4), seen.finishedAt.slice(0, 4)], ["0001", "0001"]);
    },
  },
  {
    name: "a named volume is created with its labels, is in use while its container exists, and outlives it",
    async run(fixture) {
      const { engine } = fixture;
      const name = `${fixture.container}_volume`;
      const labels = { owner: fixture.container, kind: "a" };
      const mount = { Type: "volume", Source: name, Target: "/state", VolumeOptions: { Labels: labels } };
      const body = { HostConfig: { NetworkMode: "none", Mounts: [mount] } };
      const id = await fixture.create({}, { body });
      assert.deepEqual((await engine.inspect(id, never))?.volumes, [{ name, target: "/state" }]);
      assert.deepEqual(await engine.volumesWith(labels, never), [name]);
      assert.deepEqual(await engine.volumesWith({ ...labels, kind: "b" }, never), []);
      await assertFails(engine.removeVolume(name, never), "volume_in_use");
      await engine.remove(id, forced);
      assert.deepEqual(await engine.volumesWith({ owner: fixture.container }, never), [name]);
      await engine.removeVolume(name, never);
      await engine.removeVolume(name, never);
      assert.deepEqual(await engine.volumesWith(labels, never), []);
      assert.equal(await engine.remapsUsers(never), false);
    },
  },
  {
    name: "create() refuses a name that is in use",
    async run(fixture) {
      await fixture.create();
      await assertFails(fixture.create(), "name_in_use");
      await fixture.engine.remove(fixture.container, forced);
      await fixture.create();
    },
  },
  {
    name: "create() refuses an image that is only in the registry, and leaves the name free",
    async run(fixture) {
      const reference = `${fixture.repository}:1`;
      await fixture.control.publish(reference, {});
      await assertFails(fixture.engine.create(fixture.container, { Image: reference }, never), "image_missing");
      assert.equal(await fixture.status(), undefined);
      await fixture.create();
    },
  },
  {
    name: "the list of containers includes stopped ones, with name, image, labels and status",
    async run(fixture) {
      const body = { Labels: { real: "True" }, HostConfig: { NetworkMode: "none" } };
      const ids = new Map<string, string>();
      for (const name of ["created", "running", "paused", "exited"]) {
        ids.set(await fixture.create({}, { name: `${fixture.container}_${name}`, body }), name);
      }
      for (const [id, name] of ids) if (name !== "created") await fixture.engine.start(id, never);
      await fixture.control.pause(`${fixture.container}_paused`);
      await fixture.engine.stop(`${fixture.container}_exited`, gentle);
      const list = async () => (await fixture.engine.listContainers(never)).filter(({ id }) => ids.has(id));
      // The list of a real engine may lag slightly behind the end of a container.
      await fixture.until("the list shows it", async () => (await list()).some(({ state }) => state === "exited"));
      const listed = await list();
      assert.equal(listed.length, 4);
      for (const { id, names, state, image, labels } of listed) {
        assert.deepEqual([names, state], [[`${fixture.container}_${ids.get(id)}`], ids.get(id)]);
        assert.deepEqual([image, labels.real], [`${fixture.repository}:1`, "True"]);
        assert.equal((await fixture.engine.inspect(id, never))?.status, state);
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
    name: "start() of a running container changes nothing",
    async run(fixture) {
      const id = await fixture.run({ livesMs: 1_000, exitCode: 3 });
      const before = await fixture.engine.inspect(id, never);
      await fixture.control.pass(500);
      await fixture.engine.start(id, never);
      assert.deepEqual(await fixture.engine.inspect(id, never), before);
      await fixture.until("the container ends", async () => await fixture.status() === "exited");
      await fixture.control.pass(700);
      assert.deepEqual([await fixture.status(), (await fixture.engine.inspect(id, never))?.exitCode], ["exited", 3]);
    },
  },
  {
    name: "a container that has exited can be started again, with a new start time and no exit code",
    async run(fixture) {
      const id = await fixture.run();
      const first = await fixture.engine.inspect(id, never);
      await fixture.control.pass(20);
      await fixture.control.kill(fixture.container);
      await fixture.until("the container ends", async () => await fixture.status() === "exited");
      await fixture.engine.start(id, never);
      const second = await fixture.engine.inspect(id, never);
      assert.deepEqual([second?.id, second?.status, second?.exitCode], [id, "running", 0]);
      assert.ok(first !== undefined && second !== undefined && first.startedAt < second.startedAt);
      assert.ok(second.finishedAt > first.startedAt);
    },
  },
  {
    name: "a killed run does not end the next one early",
    async run(fixture) {
      const id = await fixture.run({ livesMs: 3_000, exitCode: 3 });
      await fixture.control.pass(1_500);
      await fixture.control.kill(fixture.container);
      await fixture.until("the container ends", async () => await fixture.status() === "exited");
      await fixture.engine.start(id, never);
      await fixture.control.pass(2_000);
      assert.equal(await fixture.status(), "running");
      await fixture.until("the container ends", async () => await fixture.status() === "exited");
      assert.equal((await fixture.engine.inspect(id, never))?.exitCode, 3);
    },
  },
  {
    name: "start() names a host port that another container uses",
    async run(fixture) {
      await fixture.run({}, { body: publishing(31_235) });
      const second = await fixture.create({}, { name: `${fixture.container}2`, body: publishing(31_235) });
      const error = await assertFails(fixture.engine.start(second, never), "port_in_use");
      assert.match(error.message, /:31235\b/);
      assert.notEqual(await fixture.status(`${fixture.container}2`), "running");
      await fixture.engine.stop(fixture.container, gentle);
      await fixture.engine.start(second, never);
    },
  },
  {
    name: "stop() ends the process, and accepts a container that does not run",
    async run(fixture) {
      const id = await fixture.create();
      await fixture.engine.stop(id, gentle);
      assert.equal(await fixture.status(), "created");
      await fixture.engine.start(id, never);
      await fixture.engine.stop(id, gentle);
      await fixture.engine.stop(id, gentle);
      const seen = await fixture.engine.inspect(id, never);
      assert.deepEqual([seen?.status, seen?.exitCode], ["exited", 0]);
      assert.ok(seen !== undefined && seen.finishedAt >= seen.startedAt);
    },
  },
  {
    name: "a container can be paused and unpaused, and stopped while it is paused",
    async run(fixture) {
      const id = await fixture.run();
      await fixture.control.pause(fixture.container);
      assert.equal(await fixture.status(), "paused");
      await fixture.control.unpause(fixture.container);
      assert.equal(await fixture.status(), "running");
      await fixture.control.pause(fixture.container);
      await fixture.engine.stop(id, gentle);
      assert.equal(await fixture.status(), "exited");
    },
  },
];

const exitCases: EngineCase[] = [
  {
    name: "watchExit() before the start never misses an exit, however short the run",
    async run(fixture) {
      const id = await fixture.create({ livesMs: 0, exitCode: 3 });
      for (let round = 0; round < 3; round += 1) {
        const watch = await fixture.engine.watchExit(id, { condition: "next-exit", signal: never });
        await fixture.engine.start(id, never);
        assert.equal(await fixture.during(watch.exitCode()), 3);
        const seen = await fixture.engine.inspect(id, never);
        assert.deepEqual([seen?.status, seen?.exitCode], ["exited", 3]);
      }
    },
  },
  {
    name: "watchExit() for the next exit ignores past ones",
    async run(fixture) {
      const id = await fixture.run({ livesMs: 0, exitCode: 3 });
      await fixture.until("the container ends", async () => await fixture.status() === "exited");
      const controller = new AbortController();
      const watch = await fixture.engine.watchExit(id, { condition: "next-exit", signal: controller.signal });
      let code: number | undefined;
      const ended = watch.exitCode().then((value) => void (code = value), () => {});
      await fixture.control.pass(300);
      assert.equal(code, undefined);
      controller.abort();
      await ended;
    },
  },
  {
    name: "aborting a wait for an exit leaves the container running",
    async run(fixture) {
      const id = await fixture.run();
      const controller = new AbortController();
      const watch = await fixture.engine.watchExit(id, { condition: "next-exit", signal: controller.signal });
      const ended = assertFails(watch.exitCode(), "canceled");
      controller.abort();
      await ended;
      assert.equal(await fixture.status(), "running");
    },
  },
  {
    name: "the exit code after a kill is 137, for watchExit() and for inspect()",
    async run(fixture) {
      const id = await fixture.run();
      const watch = await fixture.engine.watchExit(id, { condition: "next-exit", signal: never });
      await fixture.control.kill(fixture.container);
      assert.equal(await fixture.during(watch.exitCode()), 137);
      assert.equal((await fixture.engine.inspect(id, never))?.exitCode, 137);
    },
  },
  {
    name: "remove() removes stopped containers, by id and by name",
    async run(fixture) {
      await fixture.engine.remove(await fixture.create(), unforced);
      assert.equal(await fixture.status(), undefined);
      await fixture.run();
      await fixture.engine.stop(fixture.container, gentle);
      await fixture.engine.remove(fixture.container, unforced);
      assert.equal(await fixture.status(), undefined);
      assert.deepEqual(
        (await fixture.engine.listContainers(never)).filter((one) => one.names.includes(fixture.container)),
        [],
      );
    },
  },
  {
    name: "remove() needs force for a running or paused container",
    async run(fixture) {
      const id = await fixture.run();
      await assertFails(fixture.engine.remove(id, unforced), "engine_failed");
      assert.equal(await fixture.status(), "running");
      await fixture.control.pause(fixture.container);
      await assertFails(fixture.engine.remove(id, unforced), "engine_failed");
      await fixture.engine.remove(id, forced);
      assert.equal(await fixture.status(), undefined);
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
    name: "removing a running container ends a wait for its exit with 137",
    async run(fixture) {
      const id = await fixture.run();
      const watch = await fixture.engine.watchExit(id, { condition: "next-exit", signal: never });
      await fixture.engine.remove(id, forced);
      assert.equal(await fixture.during(watch.exitCode()), 137);
    },
  },
  {
    name: "of concurrent removals one succeeds, and the others report that it is gone or being removed",
    async run(fixture) {
      const id = await fixture.run();
      const removals = await Promise.allSettled([1, 2, 3].map(() => fixture.engine.remove(id, forced)));
      assert.ok(removals.some(({ status }) => status === "fulfilled"));
      for (const removal of removals) {
        if (removal.status === "fulfilled") continue;
        await assertFails(Promise.reject(removal.reason), "container_missing", "removal_running");
      }
      await fixture.until("the container is gone", async () => await fixture.status() === undefined);
    },
  },
];

/** The cases of this file. */
export const containerCases: EngineCase[] = [...createCases, ...runCases, ...exitCases];
