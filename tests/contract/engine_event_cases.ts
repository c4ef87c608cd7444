/** Cases of the engine contract about the stream of events. */

import assert from "node:assert/strict";
import { assertFails, type EngineCase, type EngineStage, never, type Told } from "./engine_fixture.ts";

const gentle = { graceSeconds: 5, signal: never };

/** Lets time pass until the last event has come, and gives all of them but `stop`, which comes shortly before or after `die`. */
async function actionsUntil(stage: EngineStage, told: Told, last: string): Promise<string[]> {
  await stage.until(`event ${last}`, () => told.actions.includes(last));
  return told.actions.filter((action) => action !== "stop");
}

/** The cases of this file. */
export const eventCases: EngineCase[] = [
  {
    name: "events of a life by itself: create, start, die with its exit code, destroy",
    async run(stage) {
      const told = await stage.follow();
      const id = await stage.run({ livesMs: 0, exitCode: 5 });
      await stage.until("the container ends", () => told.actions.includes("die 5"));
      await stage.engine.remove(id, { force: false, signal: never });
      assert.deepEqual(await actionsUntil(stage, told, "destroy"), ["create", "start", "die 5", "destroy"]);
    },
  },
  {
    name: "events of a stop: kill, die; nothing for the second stop and the second start",
    async run(stage) {
      const id = await stage.run();
      const told = await stage.follow();
      await stage.engine.start(id, never);
      await stage.engine.stop(id, gentle);
      await stage.engine.stop(id, gentle);
      await stage.engine.remove(id, { force: true, signal: never });
      assert.deepEqual(await actionsUntil(stage, told, "destroy"), ["kill", "die 0", "destroy"]);
      assert.ok(told.actions.includes("stop"));
    },
  },
  {
    name: "events of a kill and of a forced removal: kill, die 137; kill, die 137, destroy",
    async run(stage) {
      const id = await stage.run();
      const told = await stage.follow();
      await stage.under.kill(stage.container);
      await stage.until("the container ends", () => told.actions.includes("die 137"));
      await stage.engine.start(id, never);
      await stage.engine.remove(id, { force: true, signal: never });
      assert.deepEqual(
        await actionsUntil(stage, told, "destroy"),
        ["kill", "die 137", "start", "kill", "die 137", "destroy"],
      );
    },
  },
  {
    name: "events of a pause: pause, unpause",
    async run(stage) {
      await stage.run();
      const told = await stage.follow();
      await stage.under.pause(stage.container);
      await stage.under.unpause(stage.container);
      assert.deepEqual(await actionsUntil(stage, told, "unpause"), ["pause", "unpause"]);
    },
  },
  {
    name: "an event has the container's id, name and labels, and a time that grows",
    async run(stage) {
      await stage.under.stock(`${stage.repository}:1`, {});
      const controller = new AbortController();
      const { promise: opened, resolve: open } = Promise.withResolvers<void>();
      const events = stage.engine.events(controller.signal, open);
      const first = events.next();
      await opened;
      const body = { Labels: { real: "True" }, HostConfig: { NetworkMode: "none" } };
      const id = await stage.run({}, { body });
      const seen = [(await stage.during(first)).value, (await stage.during(events.next())).value];
      controller.abort();
      await events.return();
      for (const event of seen) {
        assert.deepEqual([event?.id, event?.name, event?.labels.real], [id, stage.container, "True"]);
      }
      assert.ok(seen[0] !== undefined && seen[1] !== undefined && seen[0].timeNano < seen[1].timeNano);
    },
  },
  {
    name: "a stream of events tells nothing of what was before it, and ends quietly with its signal",
    async run(stage) {
      await stage.run();
      const told = await stage.follow();
      await stage.under.pass(200);
      assert.deepEqual(told.actions, []);
      told.stop();
      assert.equal(await stage.during(told.ended), undefined);
      assert.deepEqual(await Array.fromAsync(stage.engine.events(AbortSignal.abort())), []);
    },
  },
  {
    name: "two streams of events are told the same",
    async run(stage) {
      const [first, second] = [await stage.follow(), await stage.follow()];
      await stage.engine.remove(await stage.create(), { force: true, signal: never });
      assert.deepEqual(await actionsUntil(stage, first, "destroy"), ["create", "destroy"]);
      assert.deepEqual(await actionsUntil(stage, second, "destroy"), ["create", "destroy"]);
    },
  },
  {
    name: "a stream of events ends with engine_unreachable when the engine goes",
    async run(stage) {
      await stage.run();
      const told = await stage.follow();
      await stage.under.leave();
      await assertFails(stage.during(told.ended).then((error) => Promise.reject(error)), "engine_unreachable");
      await stage.under.comeBack();
    },
  },
];
