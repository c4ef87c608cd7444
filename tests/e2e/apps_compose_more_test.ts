// box engine registry
/** Compose apps on a real engine and the real compose, where things go wrong or change under them. */

import assert from "node:assert/strict";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { ComposeFixture } from "./compose_fixture.ts";

const untilRunning = { prints: ["hello"], tickMs: 200 };

function filesOf(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** The id of the image that the container of a service was made from. */
async function imageOf(fixture: ComposeFixture, service: string): Promise<string> {
  return await fixture.apps.engine.docker("inspect", "-f", "{{.Image}}", await fixture.id(service) ?? "");
}

Deno.test("a compose update that moves a tag and comes to nothing leaves the installed release its image", async (t) => {
  await using fixture = await ComposeFixture.start();
  const { apps } = fixture;
  apps.startObserving();
  await fixture.push("web", "latest", untilRunning);
  await fixture.push("dies", "1", { exitCode: 3 });
  for (const other of ["a", "b"]) await fixture.push(other, "1", untilRunning);
  const web = { image: fixture.image("web", "latest") };
  const one = { services: { web } };
  await apps.requestUntil("RUNNING", '"Now running app Shop (1)"', { docker_compose: one });
  const before = await imageOf(fixture, "web");
  // It is built by the engine of the device, which has the tag before it can be moved by a pull.
  await fixture.push("web", "latest", { ...untilRunning, prints: ["moved"] });
  await apps.engine.docker("tag", before, web.image);
  const updateTo = (worker: string) => {
    // Three are pulled at once, so the last one begins when one of the others is there.
    const others = { a: { image: fixture.image("a") }, b: { image: fixture.image("b") } };
    const definition = { services: { web, ...others, worker: { image: worker } } };
    return { docker_compose: one, new_docker_compose: definition, newest_version: "2", request_update: true };
  };
  const restart = async () => {
    await apps.requestUntil("PRESENT", '"Successfully stopped Shop"', { docker_compose: one });
    await apps.requestUntil("RUNNING", '"Now running app Shop (1)"', { docker_compose: one });
  };

  await t.step("because another image is missing", async () => {
    await apps.requestUntil("RUNNING", "RUNNING", updateTo(fixture.image("missing")));
    assert.deepEqual(await fixture.services(), ["web running"]);
    await restart();
    assert.equal(await imageOf(fixture, "web"), before);
  });

  await t.step("because the release fails, after a try that could not download everything", async () => {
    await apps.requestUntil("RUNNING", "RUNNING", updateTo(fixture.image("missing")));
    await apps.requestUntil("RUNNING", '"Now running app Shop (1)"', updateTo(fixture.image("dies")));
    await pollUntil("the old image runs", async () => await imageOf(fixture, "web") === before || undefined);
  });
});

Deno.test("a release of a compose app that was given up during its download leaves no image behind", async () => {
  await using fixture = await ComposeFixture.start();
  const { apps } = fixture;
  apps.startObserving();
  for (const version of ["1", "2", "3"]) await fixture.push("web", version, { ...untilRunning, prints: [version] });
  for (const other of ["a", "b"]) await fixture.push(other, "1", untilRunning);
  const definition = (version: string, ...others: string[]) => ({
    services: Object.fromEntries([
      ["web", { image: fixture.image("web", version) }],
      ...others.map((other) => {
        return [other, { image: fixture.image(other) }] as const;
      }),
    ]),
  });
  // Three are pulled at once, so the last one begins when one of the others is there.
  const [one, two, three] = [definition("1"), definition("2", "a", "b", "missing"), definition("3")];
  const images = async () => {
    const all = await apps.engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}");
    return all.split("\n").filter((image) => image.includes("_shop_")).sort();
  };
  await apps.requestUntil("RUNNING", '"Now running app Shop (1)"', { docker_compose: one });
  const update = { docker_compose: one, request_update: true };
  await apps.requestUntil("RUNNING", "RUNNING", { ...update, new_docker_compose: two, newest_version: "2" });
  assert.ok((await images()).length > 1, "it is tried again, and need not download everything twice");
  const plain = { docker_compose: one, new_docker_compose: three, newest_version: "3" };
  await apps.requestUntil("PRESENT", '"Successfully stopped Shop"', plain);
  await apps.requestUntil("RUNNING", '"Now running app Shop (1)"', plain);
  await pollUntil("only what is needed is there", async () => (await images()).length === 1 || undefined);
  assert.deepEqual(await images(), [fixture.image("web", "1")]);
});

Deno.test("a compose app that gets another name is one project under it, with its port, and the old data stays", async (t) => {
  await using fixture = await ComposeFixture.start();
  const { apps } = fixture;
  apps.startObserving();
  await fixture.push("web", "1", untilRunning);
  const web = { image: fixture.image("web"), ports: ["8080:80"], volumes: ["data:/state"] };
  const request = {
    docker_compose: { services: { web }, volumes: { data: {} } },
    ports: [{ port: 8080, protocol: "tcp" }],
  };
  const former = "prod_7_shop_compose";
  const today = "prod_7_new_compose";
  await apps.requestUntil("RUNNING", '"Now running app Shop (1)"', request);
  const published = () => apps.engine.docker("ps", "--format", "{{.Ports}}");
  const before = await published();

  await t.step("by a request", async () => {
    const entries = await apps.requestUntil("RUNNING", '"Now running app New (1)"', { ...request, app_name: "New" });
    assert.deepEqual(entries.filter((entry) => /^[A-Z]+$/.test(entry)), ["STARTING", "RUNNING"]);
    for (const told of ["The app Shop is now called New", `The volumes of Shop are kept: ${former}_data`]) {
      assert.equal(entries.filter((entry) => entry.startsWith(`"${told}`)).length, 1, entries.join());
    }
    assert.deepEqual([await fixture.services(former), await fixture.services(today)], [[], ["web running"]]);
    assert.equal(await published(), before);
    assert.deepEqual(filesOf(`${apps.folder}/apps/compose/Shop`), ["docker-compose.json"], "the secrets are gone");
    assert.deepEqual(filesOf(`${apps.folder}/apps/prod/shop`), []);
  });

  await t.step("which is repeated, and changes nothing", async () => {
    await apps.requestUntil("RUNNING", "RUNNING", { ...request, app_name: "New" });
    await apps.restartAgent();
    apps.startObserving();
    assert.deepEqual(apps.apps.list().map(({ state }) => state), ["RUNNING"]);
  });

  await t.step("by an agent that ended before it had begun", async () => {
    await apps.request("RUNNING", { ...request, app_name: "Other" });
    await apps.restartAgent();
    apps.startObserving();
    const row = { app_key: 7, app_name: "Other", stage: "PROD", target_state: "RUNNING", present_version: "1" };
    apps.studio.answer = () => [{ ...row, newest_version: "1", ...request }];
    await apps.apps.reconcileRemote(new AbortController().signal);
    await apps.until('"Now running app Other (1)"');
    assert.deepEqual([await fixture.services(today), await fixture.services("prod_7_other_compose")], [[], [
      "web running",
    ]]);
  });

  await t.step("to be removed, by a request that does not say that it is a compose app", async () => {
    await apps.requestUntil("UNINSTALLED", "UNINSTALLED", { app_name: "Last" });
    assert.equal(await apps.engine.docker("ps", "-aq"), "");
  });
});

Deno.test("two compose apps that share a name and an image: what one leaves, the other keeps", async () => {
  await using fixture = await ComposeFixture.start();
  const { apps } = fixture;
  apps.startObserving();
  await fixture.push("web", "1", untilRunning);
  const request = { docker_compose: { services: { web: { image: fixture.image("web") } } } };
  const other = { ...request, app_key: 8 };
  await apps.requestUntil("RUNNING", '"Now running app Shop (1)"', other);
  await apps.requestUntil("PRESENT", '"Successfully stopped Shop"', other);
  await apps.requestUntil("RUNNING", '"Now running app Shop (1)"', request);
  await apps.requestUntil("UNINSTALLED", "UNINSTALLED", request);
  await apps.registry.stop();
  const entries = await apps.requestUntil("RUNNING", '"Now running app Shop (1)"', other);
  assert.deepEqual(entries.filter((entry) => /^[A-Z]+$/.test(entry)), ["STARTING", "RUNNING"]);
});
