/**
 * What a container engine must do for the apps: one table of cases, run on a real Docker engine and on the engine in memory of
 * `tests/fakes/fake_engine.ts`.
 */

import assert from "node:assert/strict";
import { containerCases } from "./engine_container_cases.ts";
import { eventCases } from "./engine_event_cases.ts";
import { imageCases } from "./engine_image_cases.ts";
import { aborted, assertFails, type EngineCase, EngineStage, type EngineUnderTest, never } from "./engine_fixture.ts";

/** The engines that the cases run on. */
export type EngineName = "docker" | "small";

/** A case that one engine cannot pass, and why. */
export interface EngineException {
  engine: EngineName;
  case: string;
  reason: string;
}

/** Every call, for the cases in which none of them can be answered. */
function everyCall(stage: EngineStage, signal: AbortSignal): Record<string, () => Promise<unknown>> {
  const { engine, container, repository, under } = stage;
  const reference = `${repository}:1`;
  return {
    checkLogin: () => engine.checkLogin(under.auth, signal),
    create: () => engine.create(container, { Image: reference }, signal),
    imagesOf: () => engine.imagesOf(repository, signal),
    inspect: () => engine.inspect(container, signal),
    listContainers: () => engine.listContainers(signal),
    listImages: () => engine.listImages(signal),
    openPull: () => engine.openPull(reference, under.auth, signal),
    remove: () => engine.remove(container, { force: true, signal }),
    start: () => engine.start(container, signal),
    stop: () => engine.stop(container, { graceSeconds: 1, signal }),
    untag: () => engine.untag(reference, signal),
    watchExit: () => engine.watchExit(container, { condition: "next-exit", signal }),
  };
}

const absenceCases: EngineCase[] = [
  {
    name: "every call with a signal that has ended is canceled, and does nothing",
    async run(stage) {
      await stage.run();
      for (const [name, call] of Object.entries(everyCall(stage, aborted))) {
        await assertFails(call().then(() => assert.fail(name)), "canceled");
      }
      assert.equal(await stage.status(), "running");
      assert.deepEqual(await stage.engine.imagesOf(stage.repository, never), ["1"]);
    },
  },
  {
    name: "every call while the engine is away is engine_unreachable",
    async run(stage) {
      await stage.under.leave();
      for (const [name, call] of Object.entries(everyCall(stage, never))) {
        await assertFails(call().then(() => assert.fail(name)), "engine_unreachable");
      }
      await assertFails(Array.fromAsync(stage.engine.events(never)), "engine_unreachable");
      await stage.under.comeBack();
      await stage.engine.listContainers(never);
    },
  },
  {
    name: "containers have ended when the engine is back, images and names have stayed",
    async run(stage) {
      const id = await stage.run();
      await stage.under.leave();
      await stage.under.comeBack();
      const seen = await stage.engine.inspect(stage.container, never);
      assert.deepEqual([seen?.id, seen?.status, seen?.exitCode], [id, "exited", 0]);
      assert.deepEqual(await stage.engine.imagesOf(stage.repository, never), ["1"]);
      await stage.engine.start(id, never);
      assert.equal(await stage.status(), "running");
    },
  },
  {
    name: "a wait for an exit does not outlive the engine",
    async run(stage) {
      const id = await stage.run();
      const watch = await stage.engine.watchExit(id, { condition: "next-exit", signal: never });
      const ended = watch.exitCode().then((code) => assert.equal(code, 0), (error: unknown) => error);
      const second = await stage.create({}, { name: `${stage.container}2` });
      const idle = await stage.engine.watchExit(second, { condition: "next-exit", signal: never });
      const lost = assertFails(idle.exitCode(), "engine_unreachable");
      await stage.under.leave();
      await stage.during(lost);
      const error = await stage.during(ended);
      if (error !== undefined) await assertFails(Promise.reject(error), "engine_unreachable");
      await stage.under.comeBack();
    },
  },
  {
    name: "a pull ends with the engine, and has left no image",
    async run(stage) {
      const reference = `${stage.repository}:1`;
      await stage.under.publish(reference, { pullMs: 60_000 });
      await stage.under.stallRegistry();
      const pulling = stage.engine.openPull(reference, stage.under.auth, never).then((pull) =>
        pull.readToEnd(() => {})
      );
      const failed = assertFails(pulling, "engine_unreachable", "pull_failed");
      await stage.under.pass(300);
      await stage.under.leave();
      await stage.during(failed);
      stage.under.hurryRegistry();
      await stage.under.comeBack();
      await stage.under.pass(500);
      assert.deepEqual(await stage.engine.imagesOf(stage.repository, never), []);
    },
  },
];

/** All cases. */
export const engineCases: EngineCase[] = [...containerCases, ...imageCases, ...eventCases, ...absenceCases];

/** The cases that one side cannot pass. Each is run there all the same and must fail, so that the table stays true. */
export const engineExceptions: EngineException[] = [];

/** Runs one case on an engine. Throws when it fails, or when it passes although it is listed as impossible. */
export async function runEngineCase(one: EngineCase, name: EngineName, under: EngineUnderTest): Promise<void> {
  const exception = engineExceptions.find((other) => other.engine === name && other.case === one.name);
  await using stage = new EngineStage(under);
  if (!exception) return await one.run(stage);
  const failure = await one.run(stage).then(() => undefined, (error: unknown) => error);
  if (failure === undefined) throw new Error(`Passes on ${name}, but the table says: ${exception.reason}`);
}
