// box engine registry
/** Compose apps whose definition, release or site is not as it should be, on a real engine and the real compose. */

import assert from "node:assert/strict";
import { heldBackText } from "../../lib/apps/work/update_permission.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { ComposeFixture } from "./compose_fixture.ts";

const stopped = '"Successfully stopped Shop"';
const running = '"Now running app Shop (1)"';
const untilRunning = { prints: ["hello"], tickMs: 200 };

/** Definitions that cannot work, and what the app's log says; nothing of them stays on the engine. */
function brokenDefinitions(image: string): readonly [name: string, definition: object, said: RegExp][] {
  const up = (reason: string) => new RegExp(`^"The app failed to start, reason: docker compose up failed: ${reason}`);
  return [
    ["no services", {}, /^"Cannot read the compose file: services must be a mapping, got nothing"$/],
    [
      "a list of services",
      { services: [] },
      /^"Cannot read the compose file: services must be a mapping, got a list"$/,
    ],
    ["a service without a definition", { services: { web: null } }, /the service "web" must be a mapping, got null"$/],
    ["a service without an image", { services: { web: {} } }, up('exit status 15: service "web" has neither')],
    [
      "a key that compose does not know",
      { services: { web: { image, nonsense: 1 } } },
      up(".*nonsense is not allowed"),
    ],
    ["services that wait for each other", {
      services: { a: { image, depends_on: ["b"] }, b: { image, depends_on: ["a"] } },
    }, up("exit status 15: dependency cycle detected: a -> b -> a")],
    [
      "a service that waits for none",
      { services: { a: { image, depends_on: ["b"] } } },
      up('.*undefined service "b'),
    ],
    ["a variable that must be there", {
      services: { a: { image, environment: { A: "${NOPE:?is needed}" } } },
    }, up(".*required variable NOPE is missing a value: is needed")],
    ["a network of somebody else", {
      services: { a: { image, networks: ["out"] } },
      networks: { out: { external: true } },
    }, up(".*network out not found")],
    ["a path of Windows", {
      services: { web: { image, volumes: ["C:\\data:/data"] } },
    }, /^"The service "web" mounts the Windows path "C:/],
    ["an image that nobody has", {
      services: { web: { image: image.replace("_web", "_none") } },
    }, /^"Error occured while trying to pull the image: Error response from daemon: manifest for .* not found/],
  ];
}

Deno.test("compose apps with a definition that cannot work fail with a reason, and leave nothing", async (t) => {
  await using fixture = await ComposeFixture.start();
  const { apps } = fixture;
  await fixture.push("web", "1", untilRunning);
  for (const [name, definition, said] of brokenDefinitions(fixture.image("web"))) {
    await t.step(name, async () => {
      const entries = await apps.requestUntil("RUNNING", "FAILED", { docker_compose: definition });
      assert.ok(entries.some((entry) => said.test(entry)), JSON.stringify(entries));
      assert.deepEqual(await fixture.services(), []);
      await apps.requestUntil("UNINSTALLED", "UNINSTALLED", { docker_compose: definition });
      assert.deepEqual(await fixture.leftovers(), []);
    });
  }
});

Deno.test("compose apps share the ports of the device, with each other and with strangers", async () => {
  await using fixture = await ComposeFixture.start();
  const { apps } = fixture;
  await fixture.push("web", "1", untilRunning);
  const image = fixture.image("web");
  const services = { web: { image, ports: ["28080:80"] }, too: { image, ports: ["28080:80"] } };
  using _stranger = Deno.listen({ hostname: "0.0.0.0", port: 28_080 });
  await apps.requestUntil("RUNNING", running, { docker_compose: { services } });
  assert.deepEqual(await fixture.services(), ["too running", "web running"]);
});

Deno.test("a container of compose whose replacement was cut off gets its name with the next start", async () => {
  await using fixture = await ComposeFixture.start();
  const { apps } = fixture;
  await fixture.push("web", "1", untilRunning);
  const services = { web: { image: fixture.image("web") } };
  await apps.requestUntil("RUNNING", running, { docker_compose: { services } });
  apps.startObserving();
  const shown = async () => (await apps.engine.docker("ps", "--format", "{{.Names}}")).trim();
  const name = await shown();
  assert.match(name, /^prod_\d+_shop_compose-web-1$/);
  await apps.engine.docker("rename", name, `0123456789ab_${name}`);
  await apps.engine.docker("kill", `0123456789ab_${name}`);
  await pollUntil("the container has its name", async () => await shown() === name || undefined, { limitMs: 60_000 });
});

Deno.test("a compose update goes back, waits or is given up as the site wants it", async (t) => {
  await using fixture = await ComposeFixture.start();
  const { apps } = fixture;
  for (const version of ["1", "2", "3"]) await fixture.push("web", version, untilRunning);
  const definition = (version: string, more: object = {}) => {
    return { services: { web: { image: fixture.image("web", version), ...more } } };
  };
  const update = (from: string, to: string, more: object = {}) => {
    const installed = { docker_compose: definition(from), present_version: from };
    return { ...installed, new_docker_compose: definition(to, more), newest_version: to, request_update: true };
  };
  apps.startObserving();
  await apps.requestUntil("RUNNING", running, { docker_compose: definition("1") });
  const before = await fixture.id("web");
  const lock = `${apps.folder}/apps/prod/shop/update.lock`;
  const held = JSON.stringify(heldBackText);

  await t.step("the registry is away", async () => {
    await apps.registry.stop();
    const entries = await apps.requestUntil(
      "RUNNING",
      '"The update to version 2 will be tried again in 5 s"',
      update("1", "2"),
    );
    assert.ok(
      entries.some((entry) => entry.startsWith('"Error occured while trying to pull')),
      JSON.stringify(entries),
    );
    await apps.until("RUNNING");
    assert.equal(await fixture.id("web"), before);
    await apps.registry.start();
    await apps.until('"Now running app Shop (2)"');
  });

  // The second one has not proved itself yet, so the first one is the last that has worked.
  await t.step("its check says unhealthy", async () => {
    const check = { test: ["CMD-SHELL", "echo no database; exit 1"], interval: "1s", retries: 1, start_period: "0s" };
    const entries = await apps.requestUntil("RUNNING", running, update("2", "3", { healthcheck: check }));
    const why = '"The update to version 3 has failed (web-1 is unhealthy: no database), returning to version 1"';
    assert.ok(entries.includes(why), JSON.stringify(entries));
    assert.deepEqual(await fixture.services(), ["web running"]);
    const id = await fixture.id("web") ?? "";
    assert.equal((await apps.engine.docker("inspect", "-f", "{{.Config.Image}}", id)).trim(), fixture.image("web"));
  });

  await t.step("the app holds it back", async () => {
    const current = await fixture.id("web");
    await Deno.writeTextFile(lock, "");
    apps.studio.clear();
    await apps.request("RUNNING", update("1", "2"));
    await apps.until(held);
    await sleep(2_500);
    assert.equal(await fixture.id("web"), current);
    assert.equal(apps.studio.entries.filter((entry) => entry === held).length, 1);
    await Deno.remove(lock);
    await apps.until('"Now running app Shop (2)"');
    assert.notEqual(await fixture.id("web"), current);
  });

  await t.step("a stop does not wait for the app", async () => {
    await Deno.writeTextFile(lock, "");
    apps.studio.clear();
    await apps.request("RUNNING", update("2", "3"));
    await apps.until(held);
    await apps.request("PRESENT", { docker_compose: definition("2"), present_version: "2" });
    await apps.until(stopped);
    await pollUntil("it is stopped", async () => (await fixture.services()).length === 0 || undefined);
  });
});
