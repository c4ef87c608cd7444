/** Cases of the engine contract: images, pulls and logins. */

import assert from "node:assert/strict";
import { assertFails, type EngineCase, type EngineFixture, never } from "./engine_fixture.ts";

/** Pulls a release to the end and returns the lines of its progress. */
async function pull(fixture: EngineFixture, options: { tag?: string; password?: string } = {}): Promise<string[]> {
  const { tag = "1", password = fixture.control.auth.password } = options;
  const auth = { ...fixture.control.auth, password };
  const lines: string[] = [];
  const work = fixture.engine.openPull(`${fixture.repository}:${tag}`, auth, never)
    .then((opened) => opened.readToEnd((line) => lines.push(line)));
  await fixture.during(work);
  return lines;
}

/** The cases of this file. */
export const imageCases: EngineCase[] = [
  {
    name: "imagesOf() returns the tags of exactly one repository",
    async run(fixture) {
      const { engine, control, repository } = fixture;
      const others = [`${repository}2:1`, `${repository}/inner:1`, `x.example.com/${repository.split("/")[1]}/app:9`];
      for (const reference of [`${repository}:1`, `${repository}:1.0.0-a`, ...others]) {
        await control.stock(reference, {});
      }
      assert.deepEqual((await engine.imagesOf(repository, never)).sort(), ["1", "1.0.0-a"]);
      assert.deepEqual(await engine.imagesOf(repository.split("/").slice(1).join("/"), never), []);
      assert.deepEqual(await engine.imagesOf(repository.slice(0, -1), never), []);
      const tags = (await engine.listImages(never)).flatMap((image) => image.repoTags);
      for (const reference of [`${repository}:1`, `${repository}:1.0.0-a`, ...others]) {
        assert.ok(tags.includes(reference));
      }
      for (const reference of others) await engine.untag(reference, never);
    },
  },
  {
    name: "untag() removes one name, and accepts a missing one",
    async run({ engine, control, repository }) {
      await engine.untag(`${repository}:1`, never);
      await control.stock(`${repository}:1`, {});
      await control.stock(`${repository}:2`, {});
      await engine.untag(`${repository}:1`, never);
      await engine.untag(`${repository}:1`, never);
      assert.deepEqual(await engine.imagesOf(repository, never), ["2"]);
    },
  },
  {
    name: "addTag() gives an image one more name, under which it stays when it loses the first",
    async run({ engine, control, repository }) {
      const name = { repository: `${repository}2`, tag: "1" };
      await assertFails(engine.addTag(`${repository}:1`, name, never), "image_missing");
      await control.stock(`${repository}:1`, {});
      for (let round = 0; round < 2; round += 1) await engine.addTag(`${repository}:1`, name, never);
      await engine.untag(`${repository}:1`, never);
      assert.deepEqual(await engine.imagesOf(repository, never), []);
      assert.deepEqual(await engine.imagesOf(name.repository, never), ["1"]);
      await engine.untag(`${name.repository}:1`, never);
    },
  },
  {
    name: "untag() refuses the image of a container, running or not",
    async run(fixture) {
      const reference = `${fixture.repository}:1`;
      const id = await fixture.create();
      await assertFails(fixture.engine.untag(reference, never), "engine_failed");
      await fixture.engine.start(id, never);
      await assertFails(fixture.engine.untag(reference, never), "engine_failed");
      assert.deepEqual(await fixture.engine.imagesOf(fixture.repository, never), ["1"]);
      await fixture.engine.remove(id, { force: true, signal: never });
      await fixture.engine.untag(reference, never);
      assert.deepEqual(await fixture.engine.imagesOf(fixture.repository, never), []);
    },
  },
  {
    name: "a pull reports its progress as JSON, after which the image can be run",
    async run(fixture) {
      await fixture.control.publish(`${fixture.repository}:1`, {});
      const lines = await pull(fixture);
      assert.ok(lines.length > 0);
      for (const line of lines) assert.equal(typeof JSON.parse(line).status, "string", line);
      assert.deepEqual(await fixture.engine.imagesOf(fixture.repository, never), ["1"]);
      await fixture.run();
      assert.equal(await fixture.status(), "running");
    },
  },
  {
    name: "pulling an image that is already present succeeds",
    async run(fixture) {
      await fixture.control.publish(`${fixture.repository}:1`, {});
      await pull(fixture);
      await pull(fixture);
      assert.deepEqual(await fixture.engine.imagesOf(fixture.repository, never), ["1"]);
    },
  },
  {
    name: "pulling a tag that the registry does not have is image_missing at once, and leaves nothing",
    async run(fixture) {
      await fixture.control.publish(`${fixture.repository}:1`, {});
      await assertFails(
        fixture.engine.openPull(`${fixture.repository}:2`, fixture.control.auth, never),
        "image_missing",
      );
      assert.deepEqual(await fixture.engine.imagesOf(fixture.repository, never), []);
    },
  },
  {
    name: "an aborted pull is canceled and leaves no image, not even later",
    async run(fixture) {
      const reference = `${fixture.repository}:1`;
      await fixture.control.publish(reference, { pullMs: 60_000 });
      await fixture.control.freezeRegistry();
      const controller = new AbortController();
      const pulling = fixture.engine.openPull(reference, fixture.control.auth, controller.signal)
        .then((opened) => opened.readToEnd(() => {}));
      const ended = assertFails(pulling, "canceled");
      await fixture.control.pass(300);
      controller.abort();
      await ended;
      fixture.control.thawRegistry();
      await fixture.control.pass(1_000);
      assert.deepEqual(await fixture.engine.imagesOf(fixture.repository, never), []);
    },
  },
  {
    name: "a valid login is accepted, one with a wrong password is denied",
    async run({ engine, control }) {
      await engine.checkLogin(control.auth, never);
      await assertFails(engine.checkLogin({ ...control.auth, password: "wrong" }, never), "denied");
    },
  },
  {
    name: "a pull with a wrong password fails and leaves no image",
    async run(fixture) {
      await fixture.control.publish(`${fixture.repository}:1`, {});
      await assertFails(pull(fixture, { password: "wrong" }), "pull_failed");
      assert.deepEqual(await fixture.engine.imagesOf(fixture.repository, never), []);
    },
  },
];
