/** Cases of the engine contract about images: what the store has, pulls, logins. */

import assert from "node:assert/strict";
import { assertFails, type EngineCase, type EngineStage, never } from "./engine_fixture.ts";

/** Pulls a release to its end. Gives the lines of its progress. */
async function pull(stage: EngineStage, options: { tag?: string; password?: string } = {}): Promise<string[]> {
  const { tag = "1", password = stage.under.auth.password } = options;
  const auth = { ...stage.under.auth, password };
  const lines: string[] = [];
  const work = stage.engine.openPull(`${stage.repository}:${tag}`, auth, never)
    .then((opened) => opened.readToEnd((line) => lines.push(line)));
  await stage.during(work);
  return lines;
}

/** The cases of this file. */
export const imageCases: EngineCase[] = [
  {
    name: "imagesOf() gives the tags of exactly this repository",
    async run(stage) {
      const { engine, under, repository } = stage;
      const others = [`${repository}2:1`, `${repository}/inner:1`, `x.example.com/${repository.split("/")[1]}/app:9`];
      for (const reference of [`${repository}:1`, `${repository}:1.0.0-a`, ...others]) await under.stock(reference, {});
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
    name: "untag() takes one name away, and a name that is missing is fine",
    async run({ engine, under, repository }) {
      await engine.untag(`${repository}:1`, never);
      await under.stock(`${repository}:1`, {});
      await under.stock(`${repository}:2`, {});
      await engine.untag(`${repository}:1`, never);
      await engine.untag(`${repository}:1`, never);
      assert.deepEqual(await engine.imagesOf(repository, never), ["2"]);
    },
  },
  {
    name: "untag() refuses the image of a container, running or not",
    async run(stage) {
      const reference = `${stage.repository}:1`;
      const id = await stage.create();
      await assertFails(stage.engine.untag(reference, never), "engine_failed");
      await stage.engine.start(id, never);
      await assertFails(stage.engine.untag(reference, never), "engine_failed");
      assert.deepEqual(await stage.engine.imagesOf(stage.repository, never), ["1"]);
      await stage.engine.remove(id, { force: true, signal: never });
      await stage.engine.untag(reference, never);
      assert.deepEqual(await stage.engine.imagesOf(stage.repository, never), []);
    },
  },
  {
    name: "a pull tells its progress in JSON, and then the image is there and can run",
    async run(stage) {
      await stage.under.publish(`${stage.repository}:1`, {});
      const lines = await pull(stage);
      assert.ok(lines.length > 0);
      for (const line of lines) assert.equal(typeof JSON.parse(line).status, "string", line);
      assert.deepEqual(await stage.engine.imagesOf(stage.repository, never), ["1"]);
      await stage.run();
      assert.equal(await stage.status(), "running");
    },
  },
  {
    name: "a pull of an image that is there already ends well",
    async run(stage) {
      await stage.under.publish(`${stage.repository}:1`, {});
      await pull(stage);
      await pull(stage);
      assert.deepEqual(await stage.engine.imagesOf(stage.repository, never), ["1"]);
    },
  },
  {
    name: "a pull of a tag that the registry does not have is image_missing, at once, and leaves nothing",
    async run(stage) {
      await stage.under.publish(`${stage.repository}:1`, {});
      await assertFails(stage.engine.openPull(`${stage.repository}:2`, stage.under.auth, never), "image_missing");
      assert.deepEqual(await stage.engine.imagesOf(stage.repository, never), []);
    },
  },
  {
    name: "a pull that is aborted is canceled and leaves no image, also later",
    async run(stage) {
      const reference = `${stage.repository}:1`;
      await stage.under.publish(reference, { pullMs: 60_000 });
      await stage.under.stallRegistry();
      const controller = new AbortController();
      const pulling = stage.engine.openPull(reference, stage.under.auth, controller.signal)
        .then((opened) => opened.readToEnd(() => {}));
      const ended = assertFails(pulling, "canceled");
      await stage.under.pass(300);
      controller.abort();
      await ended;
      stage.under.hurryRegistry();
      await stage.under.pass(1_000);
      assert.deepEqual(await stage.engine.imagesOf(stage.repository, never), []);
    },
  },
  {
    name: "a good login is fine, one with a wrong password is denied",
    async run({ engine, under }) {
      await engine.checkLogin(under.auth, never);
      await assertFails(engine.checkLogin({ ...under.auth, password: "wrong" }, never), "denied");
    },
  },
  {
    name: "a pull with a wrong password fails and leaves no image",
    async run(stage) {
      await stage.under.publish(`${stage.repository}:1`, {});
      await assertFails(pull(stage, { password: "wrong" }), "pull_failed");
      assert.deepEqual(await stage.engine.imagesOf(stage.repository, never), []);
    },
  },
];
