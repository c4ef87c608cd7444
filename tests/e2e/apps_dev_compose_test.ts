// box engine registry
/** DEV apps of several services on a real engine and the real compose. */

import assert from "node:assert/strict";
import { busyboxImage } from "../../scripts/testbed/dockerd.ts";
import { pushImage } from "../../scripts/testbed/images.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { devContainer, DevFixture, dockerfileOf } from "./dev_fixture.ts";

const built = ["REMOVED", "BUILDING", "BUILT", "PRESENT"];
const published = ["REMOVED", "BUILDING", "BUILT", "PUBLISHING", "PUBLISHED"];
const project = "dev_7_shop_compose";

Deno.test("the life of a DEV compose app", async (t) => {
  await using dev = await DevFixture.start();
  const { apps } = dev;
  const { host } = apps.registry;
  const release = (service: string) => `${host}/apps/prod_amd64_7_shop_${service}:1.0.0`;
  const source = await pushImage(apps.engine, apps.registry, {
    ...{ name: "library/db:5", recipe: { tickMs: 200 } },
  });
  const definition = {
    services: {
      web: { build: "./web", image: release("web"), ports: ["18081:80"] },
      worker: { build: { context: "./worker" } },
      db: { image: release("db"), "x-source-image": source, volumes: ["data:/state"] },
    },
    volumes: { data: {} },
  };
  const logins = { [host]: { username: "token", password: "secret" } };
  const request = { docker_compose: definition, docker_credentials: logins };
  const upload = (word: string) =>
    dev.upload([
      { name: "web", type: "5" },
      { name: "web/Dockerfile", content: dockerfileOf({ prints: [word], tickMs: 200 }) },
      { name: "worker/Dockerfile", content: dockerfileOf({ tickMs: 200 }, ["COPY file /file"]) },
      { name: "worker/file", content: word },
    ]);
  const services = async () => {
    const filter = `label=com.docker.compose.project=${project}`;
    const format = '{{.Label "com.docker.compose.service"}} {{.State}}';
    return (await apps.engine.docker("ps", "-a", "--filter", filter, "--format", format)).split("\n").filter(Boolean)
      .sort();
  };

  await t.step("nothing was uploaded", async () => {
    assert.deepEqual(await dev.requestUntil("BUILT", "FAILED", request), ["REMOVED", "FAILED"]);
    assert.ok(apps.studio.entries.some((entry) => /upload/i.test(entry)), apps.studio.entries.join("\n"));
  });

  await t.step("it is published, with a copy of the image that it is based on", async () => {
    await upload("one");
    const fields = { ...request, version: "1.0.0" };
    await dev.requestUntil("PUBLISHED", "PUBLISHED", fields);
    assert.deepEqual(dev.states(), published);
    assert.deepEqual(await apps.registry.tags("apps/prod_amd64_7_shop_web"), ["1.0.0"]);
    assert.deepEqual(await apps.registry.tags("apps/prod_amd64_7_shop_db"), ["1.0.0"]);
  });

  await t.step("it is built", async () => {
    const states = await dev.requestUntil("BUILT", "PRESENT", { ...request, current_state: "PUBLISHED" });
    assert.deepEqual(states, built);
    assert.ok(apps.studio.entries.includes('"Compose Image built successfully"'));
    assert.deepEqual(await services(), []);
  });

  await t.step("it runs", async () => {
    await dev.requestUntil("RUNNING", "RUNNING", request);
    assert.deepEqual(dev.states(), ["STARTING", "RUNNING"]);
    assert.deepEqual(await services(), ["db running", "web running", "worker running"]);
    const bound = '{{(index (index .HostConfig.PortBindings "80/tcp") 0).HostPort}}';
    assert.equal(await dev.inspect(bound, `${project}-web-1`), "18081");
  });

  await t.step("a build stops what runs first", async () => {
    await upload("two");
    await dev.requestUntil("BUILT", "BUILT", request);
    await apps.until("PRESENT");
    await pollUntil("the build has ended", () => Promise.resolve(dev.states().at(-1) === "PRESENT" || undefined));
    assert.deepEqual(dev.states(), ["STOPPING", "PRESENT", ...built]);
    assert.deepEqual(await services(), []);
    await dev.requestUntil("RUNNING", "RUNNING", request);
    assert.equal((await apps.engine.docker("exec", `${project}-worker-1`, "cat", "/file")).trim(), "two");
  });

  await t.step("a restarted agent leaves it alone", async () => {
    const before = await dev.inspect("{{.Id}}", `${project}-web-1`);
    await apps.restartAgent();
    apps.startObserving();
    assert.deepEqual(apps.apps.list().map(({ state }) => state), ["RUNNING"]);
    assert.equal(await dev.inspect("{{.Id}}", `${project}-web-1`), before);
  });

  await t.step("a service that dies fails it, and nothing starts it again", async () => {
    apps.studio.clear();
    await apps.engine.docker("kill", `${project}-web-1`);
    await apps.until("FAILED", 10_000);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    assert.deepEqual(dev.states(), ["FAILED"]);
  });

  await t.step("it is published while it runs", async () => {
    await dev.requestUntil("RUNNING", "RUNNING", request);
    await dev.requestUntil("PUBLISHED", "PUBLISHED", { ...request, version: "1.0.0" });
    assert.deepEqual(dev.states().slice(-5), published);
    assert.deepEqual(await services(), []);
  });

  await t.step("a step that fails says why", async () => {
    await dev.upload([
      { name: "web/Dockerfile", content: dockerfileOf({}, ["RUN echo the reason >&2; exit 7"]) },
      { name: "worker/Dockerfile", content: dockerfileOf() },
    ]);
    const states = await dev.requestUntil("BUILT", "FAILED", { ...request, current_state: "PRESENT" });
    assert.deepEqual(states, ["REMOVED", "BUILDING", "FAILED"]);
    assert.ok(apps.studio.entries.some((entry) => entry.includes("the reason")), apps.studio.entries.join("\n"));
  });

  await t.step("a build is canceled at once", async () => {
    await dev.upload([
      { name: "web/Dockerfile", content: dockerfileOf({}, ["RUN echo begun; sleep 120"]) },
      { name: "worker/Dockerfile", content: dockerfileOf() },
    ]);
    await dev.requestUntil("BUILT", "BUILDING", request);
    const begun = () => Promise.resolve(apps.studio.fed.get(devContainer)?.join("\n").includes("begun") || undefined);
    await pollUntil("the step runs", begun, { limitMs: 20_000 });
    apps.studio.clear();
    await dev.request("REMOVED", { ...request, cancel_transition: true });
    // The build takes two minutes; the bar of a second is in the bench.
    await apps.until("REMOVED", 5_000);
    assert.ok(apps.studio.entries.includes('"The build stream was canceled"'));
    assert.deepEqual(dev.states(), ["REMOVED"]);
  });

  await t.step("an uninstall leaves nothing", async () => {
    await upload("three");
    await dev.requestUntil("BUILT", "PRESENT", request);
    await dev.requestUntil("RUNNING", "RUNNING", request);
    await dev.requestUntil("UNINSTALLED", "UNINSTALLED", request);
    assert.deepEqual(dev.states(), ["DELETING", "REMOVED", "UNINSTALLED"]);
    assert.deepEqual(await dev.containers(), []);
    assert.deepEqual(dev.buildFolder(), []);
    assert.deepEqual(await dev.allImages(), [busyboxImage]);
    assert.equal((await apps.engine.docker("volume", "ls", "-q")).trim(), "");
    assert.deepEqual(apps.apps.list(), []);
  });
});
