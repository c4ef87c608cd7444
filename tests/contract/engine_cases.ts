/**
 * What the apps expect of a container engine: one list of cases, which runs against a real Docker engine and against
 * the fake of `tests/fakes/fake_engine.ts`.
 */

import assert from "node:assert/strict";
import { containerCases } from "./engine_container_cases.ts";
import { eventCases } from "./engine_event_cases.ts";
import { imageCases } from "./engine_image_cases.ts";
import { aborted, assertFails, type EngineCase, EngineFixture, type EngineUnderTest, never } from "./engine_fixture.ts";

/** The engines that the cases run against. */
export type EngineName = "docker" | "fake";

/** A case that an engine fails, and why. */
export interface EngineException {
  engine: EngineName;
  case: string;
  reason: string;
}

/** Every call of the engine, for the cases in which all of them must fail. */
function everyCall(fixture: EngineFixture, signal: AbortSignal): Record<string, () => Promise<unknown>> {
  const { engine, container, repository, control } = fixture;
  const reference = `${repository}:1`;
  return {
    addTag: () => engine.addTag(reference, { repository, tag: "2" }, signal),
    checkLogin: () => engine.checkLogin(control.auth, signal),
    create: () => engine.create(container, { Image: reference }, signal),
    imagesOf: () => engine.imagesOf(repository, signal),
    inspect: () => engine.inspect(container, signal),
    listContainers: () => engine.listContainers(signal),
    listImages: () => engine.listImages(signal),
    openPull: () => engine.openPull(reference, control.auth, signal),
    remove: () => engine.remove(container, { force: true, signal }),
    start: () => engine.start(container, signal),
    stop: () => engine.stop(container, { graceSeconds: 1, signal }),
    untag: () => engine.untag(reference, signal),
    watchExit: () => engine.watchExit(container, { condition: "next-exit", signal }),
  };
}

const absenceCases: EngineCase[] = [
  {
    name: "every call with an aborted signal is canceled and has no effect",
    async run(fixture) {
      await fixture.run();
      for (const [name, call] of Object.entries(everyCall(fixture, aborted))) {
        await assertFails(call().then(() => assert.fail(name)), "canceled");
      }
      assert.equal(await fixture.status(), "running");
      assert.deepEqual(await fixture.engine.imagesOf(fixture.repository, never), ["1"]);
    },
  },
  {
    name: "every call while the engine is down is engine_unreachable",
    async run(fixture) {
      await fixture.control.stopEngine();
      for (const [name, call] of Object.entries(everyCall(fixture, never))) {
        await assertFails(call().then(() => assert.fail(name)), "engine_unreachable");
      }
      await assertFails(Array.fromAsync(fixture.engine.events(never)), "engine_unreachable");
      await fixture.control.startEngine();
      await fixture.engine.listContainers(never);
    },
  },
  {
    name: "after a restart of the engine its containers have exited; images and names are kept",
    async run(fixture) {
      const id = await fixture.run();
      await fixture.control.stopEngine();
      await fixture.control.startEngine();
      const seen = await fixture.engine.inspect(fixture.container, never);
      assert.deepEqual([seen?.id, seen?.status, seen?.exitCode], [id, "exited", 0]);
      assert.deepEqual(await fixture.engine.imagesOf(fixture.repository, never), ["1"]);
      await fixture.engine.start(id, never);
      assert.equal(await fixture.status(), "running");
    },
  },
  {
    name: "waiting for an exit ends when the engine stops",
    async run(fixture) {
      const id = await fixture.run();
      const watch = await fixture.engine.watchExit(id, { condition: "next-exit", signal: never });
      const ended = watch.exitCode().then((code) => assert.equal(code, 0), (error: unknown) => error);
      const second = await fixture.create({}, { name: `${fixture.container}2` });
      const idle = await fixture.engine.watchExit(second, { condition: "next-exit", signal: never });
      const lost = assertFails(idle.exitCode(), "engine_unreachable");
      await fixture.control.stopEngine();
      await fixture.during(lost);
      const error = await fixture.during(ended);
      if (error !== undefined) await assertFails(Promise.reject(error), "engine_unreachable");
      await fixture.control.startEngine();
    },
  },
  {
    name: "a pull ends when the engine stops, and leaves no image",
    async run(fixture) {
      const reference = `${fixture.repository}:1`;
      await fixture.control.publish(reference, { pullMs: 60_000 });
      await fixture.control.freezeRegistry();
      const pulling = fixture.engine.openPull(reference, fixture.control.auth, never).then((pull) =>
        pull.readToEnd(() => {})
      );
      const failed = assertFails(pulling, "engine_unreachable", "pull_failed");
      await fixture.control.pass(300);
      await fixture.control.stopEngine();
      await fixture.during(failed);
      fixture.control.thawRegistry();
      await fixture.control.startEngine();
      await fixture.control.pass(500);
      assert.deepEqual(await fixture.engine.imagesOf(fixture.repository, never), []);
    },
  },
];

/** All cases. */
export const engineCases: EngineCase[] = [...containerCases, ...imageCases, ...eventCases, ...absenceCases];

/** The known failures. These cases run as well and must fail, so that the list stays true. */
export const engineExceptions: EngineException[] = [];

/** Runs one case against an engine. Throws when it fails, and when it passes although it is a known failure. */
export async function runEngineCase(
  one: EngineCase,
  { name, control }: { name: EngineName; control: EngineUnderTest },
): Promise<void> {
  const exception = engineExceptions.find((other) => other.engine === name && other.case === one.name);
  await using fixture = new EngineFixture(control);
  if (!exception) return await one.run(fixture);
  const failure = await one.run(fixture).then(() => undefined, (error: unknown) => error);
  if (failure === undefined) throw new Error(`Passes on ${name}, although the list says: ${exception.reason}`);
}
