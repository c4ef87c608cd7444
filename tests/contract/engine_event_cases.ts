/** Cases of the engine contract: the event stream. */

import assert from "node:assert/strict";
import { assertFails, type EngineCase, never } from "./engine_fixture.ts";

const gentle = { graceSeconds: 5, signal: never };

/** The cases of this file. */
export const eventCases: EngineCase[] = [
  {
    name: "a container that exits by itself causes create, start, die with its exit code, destroy",
    async run(fixture) {
      const events = await fixture.follow();
      const id = await fixture.run({ livesMs: 0, exitCode: 5 });
      await fixture.until("the container ends", () => events.actions.includes("die 5"));
      await fixture.engine.remove(id, { force: false, signal: never });
      assert.deepEqual(await events.actionsUntil("destroy"), ["create", "start", "die 5", "destroy"]);
    },
  },
  {
    name: "a stop causes kill and die; repeating a stop or start causes nothing",
    async run(fixture) {
      const id = await fixture.run();
      const events = await fixture.follow();
      await fixture.engine.start(id, never);
      await fixture.engine.stop(id, gentle);
      await fixture.engine.stop(id, gentle);
      await fixture.engine.remove(id, { force: true, signal: never });
      assert.deepEqual(await events.actionsUntil("destroy"), ["kill", "die 0", "destroy"]);
      assert.ok(events.actions.includes("stop"));
    },
  },
  {
    name: "a kill causes kill and die 137, a forced removal also destroy",
    async run(fixture) {
      const id = await fixture.run();
      const events = await fixture.follow();
      await fixture.control.kill(fixture.container);
      await fixture.until("the container ends", () => events.actions.includes("die 137"));
      await fixture.engine.start(id, never);
      await fixture.engine.remove(id, { force: true, signal: never });
      assert.deepEqual(
        await events.actionsUntil("destroy"),
        ["kill", "die 137", "start", "kill", "die 137", "destroy"],
      );
    },
  },
  {
    name: "a pause causes pause and unpause",
    async run(fixture) {
      await fixture.run();
      const events = await fixture.follow();
      await fixture.control.pause(fixture.container);
      await fixture.control.unpause(fixture.container);
      assert.deepEqual(await events.actionsUntil("unpause"), ["pause", "unpause"]);
    },
  },
  {
    name: "an event has the container's id, name and labels, and an increasing time",
    async run(fixture) {
      await fixture.control.stock(`${fixture.repository}:1`, {});
      const controller = new AbortController();
      const { promise: opened, resolve: open } = Promise.withResolvers<void>();
      const events = fixture.engine.events(controller.signal, open);
      const first = events.next();
      await opened;
      const body = { Labels: { real: "True" }, HostConfig: { NetworkMode: "none" } };
      const id = await fixture.run({}, { body });
      const seen = [(await fixture.during(first)).value, (await fixture.during(events.next())).value];
      controller.abort();
      await events.return();
      for (const event of seen) {
        assert.deepEqual([event?.id, event?.name, event?.labels.real], [id, fixture.container, "True"]);
      }
      assert.ok(seen[0] !== undefined && seen[1] !== undefined && seen[0].timeNano < seen[1].timeNano);
    },
  },
  {
    name: "an event stream starts with the present, and ends without an error when it is aborted",
    async run(fixture) {
      await fixture.run();
      const events = await fixture.follow();
      await fixture.control.pass(200);
      assert.deepEqual(events.actions, []);
      events.stop();
      assert.equal(await fixture.during(events.ended), undefined);
      assert.deepEqual(await Array.fromAsync(fixture.engine.events(AbortSignal.abort())), []);
    },
  },
  {
    name: "two event streams receive the same events",
    async run(fixture) {
      const [first, second] = [await fixture.follow(), await fixture.follow()];
      await fixture.engine.remove(await fixture.create(), { force: true, signal: never });
      assert.deepEqual(await first.actionsUntil("destroy"), ["create", "destroy"]);
      assert.deepEqual(await second.actionsUntil("destroy"), ["create", "destroy"]);
    },
  },
  {
    name: "an event stream ends with engine_unreachable when the engine stops",
    async run(fixture) {
      await fixture.run();
      const events = await fixture.follow();
      await fixture.control.stopEngine();
      await assertFails(fixture.during(events.ended).then((error) => Promise.reject(error)), "engine_unreachable");
      await fixture.control.startEngine();
    },
  },
];
