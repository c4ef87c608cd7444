// box
import assert from "node:assert/strict";
import { hasCode } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { Engine } from "../../../lib/docker/engine.ts";
import { busyboxImage, Dockerd } from "../../../scripts/testbed/dockerd.ts";
import { pusher, Registry } from "../../../scripts/testbed/registry.ts";

const never = new AbortController().signal;

Deno.test("pulls and logins with the real engine and a real registry", async (t) => {
  await using dockerd = await Dockerd.start();
  await using registry = await Registry.start({ accounts: { token: "secret" } });
  const engine = new Engine({ log: silentLog, env: { DOCKER_HOST: dockerd.host } });
  const auth = { host: `${registry.host}/`, user: "token", password: "secret" };
  const repository = `${registry.host}/apps/shop`;
  await dockerd.docker("login", registry.host, "-u", pusher.user, "-p", pusher.password);
  await dockerd.docker("tag", busyboxImage, `${repository}:1`);
  await dockerd.docker("push", `${repository}:1`);
  await dockerd.docker("rmi", `${repository}:1`, busyboxImage);

  await t.step("checkLogin() accepts a valid login and denies an invalid one", async () => {
    await engine.checkLogin(auth, never);
    await assert.rejects(engine.checkLogin({ ...auth, password: "wrong" }, never), (error) => {
      assert.ok(hasCode(error, "denied"), `${error}`);
      assert.match(error.message, new RegExp(`^The login to registry "${registry.host}" failed: .*unauthorized`));
      return true;
    });
  });

  await t.step("checkLogin() gives up on a token server that never answers", async () => {
    await registry.behave("hang");
    const impatient = new Engine({ log: silentLog, env: { DOCKER_HOST: dockerd.host }, limits: { loginMs: 300 } });
    await assert.rejects(
      impatient.checkLogin(auth, never),
      (error) => hasCode(error, "timeout") && /NO_PROXY/.test(error.message),
    );
    await registry.behave("normal");
  });

  await t.step("openPull() with wrong credentials is pull_failed, at once or in the stream", async () => {
    await assert.rejects(async () => {
      const pull = await engine.openPull(`${repository}:1`, { ...auth, password: "wrong" }, never);
      await pull.readToEnd(() => {});
    }, (error) => hasCode(error, "pull_failed") && /unauthorized/.test(error.message));
  });

  await t.step(
    "openPull() of a tag that does not exist is image_missing or pull_failed, with the engine's words",
    async () => {
      await assert.rejects(async () => {
        const pull = await engine.openPull(`${repository}:9`, auth, never);
        await pull.readToEnd(() => {});
      }, (error) => hasCode(error, "image_missing", "pull_failed") && /manifest unknown|not found/.test(error.message));
    },
  );

  await t.step("a pull that is aborted leaves no image", async () => {
    const controller = new AbortController();
    const pull = await engine.openPull(`${repository}:1`, auth, controller.signal);
    controller.abort();
    await assert.rejects(pull.readToEnd(() => {}), (error) => hasCode(error, "canceled"));
    assert.equal(await engine.hasImage(`${repository}:1`, never), false);
  });

  await t.step("a pull downloads the image and reports its progress line by line", async () => {
    const pull = await engine.openPull(`${repository}:1`, auth, never);
    const lines: string[] = [];
    const digest = await pull.readToEnd((line) => lines.push(line));
    const statuses = lines.map((line) => String(JSON.parse(line).status));
    assert.equal(statuses[0], "Pulling from apps/shop");
    assert.match(statuses.at(-1) ?? "", /^Status: Downloaded newer image/);
    assert.equal(await engine.hasImage(`${repository}:1`, never), true);
    assert.match(digest, /^sha256:[0-9a-f]{64}$/);
    assert.deepEqual((await engine.inspectImage(`${repository}:1`, never))?.digests, [digest]);
    assert.deepEqual(await engine.imagesOf(repository, never), ["1"]);
  });

  await t.step("an unreachable registry fails the pull with the engine's message", async () => {
    await registry.stop();
    await assert.rejects(async () => {
      const pull = await engine.openPull(`${repository}:1`, auth, never);
      await pull.readToEnd(() => {});
    }, (error) => hasCode(error, "pull_failed") && /connection refused/.test(error.message));
    await registry.start();
  });
});
