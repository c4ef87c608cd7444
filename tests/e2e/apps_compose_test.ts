// box engine registry
/** Compose apps on a real engine and the real compose, from the first install to the last trace. */

import assert from "node:assert/strict";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { ComposeFixture, project } from "./compose_fixture.ts";

const running = '"Now running app Shop (1)"';
const stopped = '"Successfully stopped Shop"';

const untilRunning = { prints: ["hello"], tickMs: 200 };

Deno.test("the life of a compose app", async (t) => {
  await using fixture = await ComposeFixture.start();
  const { apps } = fixture;
  for (const version of ["1", "2"]) await fixture.push("web", version, untilRunning);
  await fixture.push("db", "1", untilRunning);
  await fixture.push("job", "1", { exitCode: 0 });
  await fixture.push("dies", "1", { prints: ["no database"], exitCode: 3 });
  const one = {
    services: {
      web: { image: fixture.image("web"), ports: ["8080:80"], depends_on: ["db"] },
      db: { image: fixture.image("db"), volumes: ["data:/state"] },
      job: { image: fixture.image("job") },
    },
    volumes: { data: {} },
  };
  const two = { ...one, services: { ...one.services, web: { ...one.services.web, image: fixture.image("web", "2") } } };
  const request = { docker_compose: one };

  await t.step("a first run pulls, starts and reports each step", async () => {
    assert.deepEqual(await apps.requestUntil("RUNNING", running, request), [
      "DOWNLOADING",
      '"Downloading images for Shop..."',
      '"Compose Image Installed successfully"',
      "STARTING",
      '"Starting Shop..."',
      "RUNNING",
      running,
    ]);
    assert.deepEqual(await fixture.services(), ["db running", "job exited", "web running"]);
    const file = `${apps.folder}/apps/compose/Shop/docker-compose.json`;
    assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
    assert.equal((await Deno.stat(`${apps.folder}/apps/compose/Shop/.env-compose`)).mode! & 0o777, 0o600);
  });

  await t.step("a repeated request changes nothing", async () => {
    const before = await fixture.id("web");
    assert.deepEqual(await apps.requestUntil("RUNNING", "RUNNING", request), ["RUNNING"]);
    assert.equal(await fixture.id("web"), before);
  });

  await t.step("a stop removes the containers, and keeps images and volumes", async () => {
    assert.deepEqual(await apps.requestUntil("PRESENT", stopped, request), [
      "STOPPING",
      '"Received stop signal for Shop"',
      "PRESENT",
      stopped,
    ]);
    assert.deepEqual(await fixture.services(), []);
    assert.equal((await fixture.leftovers()).filter((name) => name.startsWith(project)).length, 1);
  });

  await t.step("a second run asks no registry", async () => {
    apps.studio.token = "wrong";
    assert.deepEqual(await apps.requestUntil("RUNNING", running, request), [
      "STARTING",
      '"Starting Shop..."',
      "RUNNING",
      running,
    ]);
    apps.studio.token = "token";
  });

  await t.step("an agent that starts again finds the project, and leaves it alone", async () => {
    const before = [await fixture.id("web"), await fixture.id("db")];
    await apps.restartAgent();
    apps.startObserving();
    apps.studio.clear();
    assert.deepEqual(apps.apps.list().map(({ state }) => state), ["RUNNING"]);
    assert.deepEqual([await fixture.id("web"), await fixture.id("db")], before);
  });

  await t.step("an update replaces only the service that has changed", async () => {
    const before = await fixture.id("db");
    const update = { ...request, new_docker_compose: two, newest_version: "2", request_update: true };
    const entries = await apps.requestUntil("RUNNING", '"Now running app Shop (2)"', update);
    assert.deepEqual(entries.map((entry) => entry.replace(" completed", "")), [
      "UPDATING",
      '"Downloading images for Shop..."',
      '"Compose Image Installed successfully"',
      "PRESENT pending_remote_confirmation",
      "STARTING",
      '"Starting Shop..."',
      "RUNNING",
      '"Now running app Shop (2)"',
    ]);
    assert.equal(await fixture.id("db"), before);
    assert.deepEqual(await fixture.services(), ["db running", "job exited", "web running"]);
  });

  await t.step("a release whose service dies is rolled back, without touching the other services", async () => {
    const before = await fixture.id("db");
    const bad = { ...two, services: { ...two.services, worker: { image: fixture.image("dies") } } };
    const update = {
      ...{ docker_compose: two, new_docker_compose: bad, present_version: "2", newest_version: "3" },
      request_update: true,
    };
    const entries = await apps.requestUntil("RUNNING", running, update);
    const reason = "service worker exited with status code 3";
    assert.ok(
      entries.some((entry) => entry.includes("The update to version 3 has failed") && entry.includes(reason)),
      JSON.stringify(entries),
    );
    assert.equal(await fixture.id("db"), before);
    assert.deepEqual(await fixture.services(), ["db running", "job exited", "web running"]);
  });

  await t.step("a service that is killed fails the app, which comes back", async () => {
    apps.studio.clear();
    const before = await fixture.id("web");
    await apps.engine.docker("kill", before ?? "");
    await apps.until("FAILED canceled", 15_000);
    await apps.until("RUNNING canceled", 30_000);
    assert.deepEqual(await fixture.services(), ["db running", "job exited", "web running"]);
  });

  await t.step("an uninstall leaves nothing, and somebody else's project alone", async () => {
    const image = fixture.image("db");
    await apps.engine.docker(
      "run",
      "-d",
      "--label",
      `com.docker.compose.project=${project}2`,
      "--name",
      "other",
      image,
    );
    await apps.requestUntil("UNINSTALLED", "UNINSTALLED canceled", request);
    assert.deepEqual(await fixture.services(), []);
    assert.deepEqual(await fixture.leftovers(), [image]);
    assert.equal((await fixture.services(`${project}2`)).length, 1);
    await assert.rejects(Deno.stat(`${apps.folder}/apps/compose/Shop`));
    await apps.engine.docker("rm", "-f", "other");
  });

  const shell = (script: string) => ({ image: fixture.image("web"), command: ["sh", "-c", script] });
  const check = { test: ["CMD-SHELL", "echo not ready; exit 1"], interval: "1s", retries: 1, start_period: "0s" };
  const waitedFor: [condition: string, service: Record<string, unknown>, said: string][] = [
    [
      "service_completed_successfully",
      shell("echo no schema; exit 4"),
      '"Shop (PROD) failed because db-1 exited with status code: 4"',
    ],
    [
      "service_healthy",
      { ...shell("sleep 600"), healthcheck: check, stop_grace_period: "1s" },
      '"db-1 is unhealthy: not ready',
    ],
  ];
  for (const [condition, db, said] of waitedFor) {
    await t.step(`a service of which others wait for ${condition} fails the app, which tells why`, async () => {
      const web = { image: fixture.image("web"), depends_on: { db: { condition } } };
      apps.studio.shownServices.length = 0;
      const entries = await apps.requestUntil("RUNNING", "FAILED", { docker_compose: { services: { web, db } } });
      assert.deepEqual(apps.studio.shownServices, ["db-1"]);
      const at = entries.findIndex((entry) => entry.startsWith(said));
      const end = entries.findIndex((entry) => entry.startsWith('"The app failed to start, reason: '));
      assert.ok(at >= 0 && at < end, JSON.stringify(entries));
      assert.deepEqual(await fixture.services(), []);
      await apps.requestUntil("UNINSTALLED", "UNINSTALLED", request);
    });
  }
});

Deno.test("an app that becomes a compose app, and one container again", async (t) => {
  await using fixture = await ComposeFixture.start();
  const { apps } = fixture;
  await apps.publish("1", untilRunning);
  await apps.publish("3", untilRunning);
  await fixture.push("web", "2", untilRunning);
  await fixture.push("dies", "2", { exitCode: 3 });
  const compose = { services: { web: { image: fixture.image("web", "2") } } };
  await apps.requestUntil("RUNNING", running);

  await t.step("a compose release that fails is replaced by the container from before", async () => {
    const bad = { services: { web: { image: fixture.image("dies", "2") } } };
    const update = { new_docker_compose: bad, newest_version: "2", request_update: true };
    await apps.requestUntil("RUNNING", running, update);
    assert.equal(await apps.status(), "running");
    assert.deepEqual(await fixture.services(), []);
  });

  await t.step("a compose release that works takes the place of the container", async () => {
    const update = { new_docker_compose: compose, newest_version: "2b", request_update: true };
    await apps.requestUntil("RUNNING", '"Now running app Shop (2b)"', update);
    assert.equal(await apps.status(), undefined);
    assert.deepEqual(await fixture.services(), ["web running"]);
  });

  await t.step("a release of one container takes the place of the project", async () => {
    const update = { docker_compose: compose, present_version: "2b", newest_version: "3", request_update: true };
    await apps.requestUntil("RUNNING", '"Now running app Shop (3)"', update);
    await pollUntil("the project is gone", async () => (await fixture.services()).length === 0 || undefined, {
      limitMs: 10_000,
    });
    assert.equal(await apps.status(), "running");
  });
});
