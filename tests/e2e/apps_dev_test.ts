// box engine registry
/** DEV apps on a real engine and registry, from the upload to the release, and to the last trace. */

import assert from "node:assert/strict";
import { busyboxImage } from "../../scripts/testbed/dockerd.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { devContainer, DevFixture, dockerfileOf, releaseChannel } from "./dev_fixture.ts";

const built = ["REMOVED", "BUILDING", "BUILT", "PRESENT"];
const published = ["REMOVED", "BUILDING", "BUILT", "PUBLISHING", "PUBLISHED"];
const running = '"Now running app Shop"';
const stopped = '"Successfully stopped Shop"';
const devImage = "apps/dev_amd64_7_shop:latest";
const repository = "apps/prod_amd64_7_shop";

Deno.test("the life of a DEV app", async (t) => {
  await using dev = await DevFixture.start();
  const { apps } = dev;

  await t.step("an upload is built, and reported step by step", async () => {
    await dev.uploadApp({ prints: ["hello one"], tickMs: 200 });
    assert.deepEqual(await dev.requestUntil("BUILT", "PRESENT"), built);
    assert.deepEqual(apps.studio.entries, [
      "REMOVED",
      '"Starting image build..."',
      "BUILDING",
      '"Image built successfully"',
      "BUILT",
      "PRESENT",
    ]);
    assert.deepEqual(await dev.images(), [devImage]);
    assert.match(apps.studio.fed.get(devContainer)?.join("\n") ?? "", /"stream":"Step 1\/2 : FROM busybox:1"/);
    assert.ok(apps.studio.reports.every(({ releaseBuild }) => releaseBuild !== true));
  });

  await t.step("it runs, with its output in its log", async () => {
    assert.deepEqual(await dev.requestUntil("RUNNING", running), ["STARTING", "RUNNING"]);
    assert.equal(await dev.status(), "running");
    assert.match(await dev.output(), /hello one/);
    assert.deepEqual(apps.studio.followed.slice(-1).map((one) => one.split(" ")[0]), [devContainer]);
  });

  await t.step("a repeated request changes nothing", async () => {
    const before = await dev.inspect("{{.Id}}");
    assert.deepEqual(await dev.requestUntil("RUNNING", "RUNNING"), ["RUNNING"]);
    assert.equal(await dev.inspect("{{.Id}}"), before);
  });

  await t.step("it is stopped", async () => {
    assert.deepEqual(await dev.requestUntil("PRESENT", stopped), ["STOPPING", "PRESENT"]);
    assert.deepEqual(await dev.containers(), []);
    assert.deepEqual(await dev.images(), [devImage]);
  });

  await t.step("M10: it is built again, from what was uploaded since", async () => {
    await dev.uploadApp({ prints: ["hello two"], tickMs: 200 });
    assert.deepEqual(await dev.requestUntil("BUILT", "PRESENT"), built);
    await dev.requestUntil("RUNNING", running);
    assert.match(await dev.output(), /hello two/);
    assert.deepEqual(await dev.allImages(), [busyboxImage, devImage]);
  });

  await t.step("a build stops what runs first", async () => {
    const states = await dev.requestUntil("BUILT", "BUILT");
    assert.deepEqual(states.slice(0, 5), ["STOPPING", "PRESENT", ...built.slice(0, 3)]);
    const isPresent = () => Promise.resolve(dev.states().at(-1) === "PRESENT" || undefined);
    await pollUntil("it is PRESENT again", isPresent);
    assert.deepEqual(await dev.containers(), []);
  });

  await t.step("it is published", async () => {
    assert.deepEqual(await dev.requestUntil("PUBLISHED", "PUBLISHED", { version: "1.0.0" }), published);
    assert.deepEqual(await apps.registry.tags(repository), ["1.0.0"]);
    assert.ok(apps.studio.entries.includes('"Initializing publish process for Shop..."'));
    assert.ok(apps.studio.entries.includes('"App build has finished, Starting to publish..."'));
    assert.match(apps.studio.fed.get(releaseChannel)?.join("\n") ?? "", /"status":"(Pushed|Layer already exists)"/);
    assert.equal(apps.studio.reports.at(-1)?.releaseBuild, true);
    assert.deepEqual(await dev.images(), [devImage, `${repository}:1.0.0`]);
  });

  await t.step("M10: it is published again, from PUBLISHED", async () => {
    const request = { version: "1.0.1", current_state: "PUBLISHED" };
    assert.deepEqual(await dev.requestUntil("PUBLISHED", "PUBLISHED", request), published);
    assert.deepEqual(await apps.registry.tags(repository), ["1.0.0", "1.0.1"]);
    assert.deepEqual(await dev.allImages(), [busyboxImage, devImage, `${repository}:1.0.1`]);
  });

  await t.step("it is published while it runs", async () => {
    await dev.requestUntil("RUNNING", running, { current_state: "PRESENT" });
    const states = await dev.requestUntil("PUBLISHED", "PUBLISHED", { version: "1.0.2" });
    assert.deepEqual(states.slice(-5), published);
    assert.deepEqual(await dev.containers(), []);
    assert.deepEqual(await apps.registry.tags(repository), ["1.0.0", "1.0.1", "1.0.2"]);
  });

  await t.step("what was published can be pulled and run as PROD", async () => {
    const prod = { present_version: "1.0.2", newest_version: "1.0.2" };
    await apps.requestUntil("RUNNING", '"Now running app Shop (1.0.2)"', prod);
    assert.equal(await apps.status(), "running");
    await apps.requestUntil("UNINSTALLED", "UNINSTALLED", prod);
    assert.ok((await dev.images()).includes(devImage));
  });

  await t.step("a removal keeps the upload", async () => {
    await dev.requestUntil("REMOVED", '"Successfully removed Shop!"', { current_state: "PRESENT" });
    assert.deepEqual(dev.states(), ["DELETING", "REMOVED"]);
    assert.deepEqual(await dev.images(), []);
    assert.deepEqual(dev.buildFolder(), ["Shop.tgz"]);
    assert.deepEqual(await dev.requestUntil("BUILT", "PRESENT"), built);
  });

  await t.step("an uninstall leaves nothing", async () => {
    await dev.requestUntil("RUNNING", running);
    assert.deepEqual(await dev.requestUntil("UNINSTALLED", "UNINSTALLED"), ["DELETING", "REMOVED", "UNINSTALLED"]);
    assert.deepEqual(await dev.containers(), []);
    assert.deepEqual(await dev.allImages(), [busyboxImage]);
    assert.deepEqual(dev.buildFolder(), []);
    assert.deepEqual(apps.apps.list(), []);
    assert.deepEqual(await listFiles(`${apps.folder}/apps`), ["build", "compose", "dev", "prod", "shared"]);
  });
});

Deno.test("uploads that cannot be built fail with words for a developer", async (t) => {
  await using dev = await DevFixture.start();
  const { apps } = dev;
  const fails = async (text: RegExp, expected: readonly string[]) => {
    const states = await dev.requestUntil("BUILT", "FAILED");
    assert.deepEqual(states, expected);
    assert.ok(apps.studio.entries.some((entry) => text.test(entry)), apps.studio.entries.join("\n"));
    assert.deepEqual(await dev.images(), []);
  };
  const refused = ["REMOVED", "FAILED"];

  await t.step("nothing was uploaded", async () => await fails(/upload/i, refused));

  await t.step("there is no Dockerfile", async () => {
    await dev.upload([{ name: "deep/Dockerfile", content: "FROM busybox:1" }, { name: "main.py", content: "1" }]);
    await fails(/There is no Dockerfile in the root folder.*Dockerfile\.amd64/, refused);
  });

  await t.step("the Dockerfile is empty", async () => {
    await dev.upload([{ name: "Dockerfile", content: "" }]);
    await fails(/"Dockerfile" of the upload "Shop.tgz" is empty/, refused);
  });

  await t.step("the Dockerfile has only comments", async () => {
    await dev.upload([{ name: "Dockerfile", content: "# nothing\n" }]);
    await fails(/empty|no instructions|no build stage/i, ["REMOVED", "BUILDING", "FAILED"]);
  });

  await t.step("it is no archive", async () => {
    await dev.uploadBytes(new TextEncoder().encode("this is no archive at all"));
    await fails(/Shop\.tgz/, refused);
  });

  await t.step("the archive leads out of its folder", async () => {
    await dev.upload([{ name: "../../evil", content: "x" }, { name: "Dockerfile", content: dockerfileOf() }]);
    await fails(/evil/, refused);
  });

  await t.step("a link in the archive is refused", async () => {
    const link = { name: "link", type: "2", linkName: "/etc/passwd" };
    await dev.upload([{ name: "Dockerfile", content: dockerfileOf() }, link]);
    await fails(/link/, refused);
  });

  await t.step("a step of the Dockerfile fails", async () => {
    await dev.uploadApp({}, ["RUN echo before; echo the reason >&2; exit 7"]);
    await fails(/the reason[^]*|returned a non-zero code: 7/, ["REMOVED", "BUILDING", "FAILED"]);
    const said = apps.studio.entries.find((entry) => entry.includes("non-zero")) ?? "";
    assert.match(said, /the reason/);
  });

  await t.step("PRESENT builds again after the failure", async () => {
    await dev.uploadApp({ tickMs: 200 });
    assert.deepEqual(await dev.requestUntil("PRESENT", "PRESENT"), built);
    assert.equal(apps.apps.list()[0]?.state, "PRESENT");
  });

  await t.step("a process that exits fails the app, and nothing starts it again", async () => {
    await dev.uploadApp({ prints: ["gone"], exitCode: 4 });
    await dev.requestUntil("BUILT", "PRESENT");
    assert.deepEqual(await dev.requestUntil("RUNNING", "FAILED"), ["STARTING", "FAILED"]);
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    assert.deepEqual(dev.states(), ["STARTING", "FAILED"]);
  });
});

Deno.test("a build and a push are canceled at once", async (t) => {
  await using dev = await DevFixture.start();
  const { apps } = dev;
  const endsWithin = async (target: "REMOVED" | "UNINSTALLED") => {
    apps.studio.clear();
    await dev.request(target, { cancel_transition: true });
    // The bar of a second is in the bench.
    await apps.until(target, 5_000);
    assert.ok(!dev.states().includes("FAILED"), dev.states().join());
  };
  const slow = () => dev.uploadApp({ tickMs: 200 }, ["RUN echo begun; sleep 120"]);
  const untilFed = async (channel: string, text: string) => {
    const fed = () => Promise.resolve(apps.studio.fed.get(channel)?.join("\n").includes(text) || undefined);
    await pollUntil(`"${text}" in ${channel}`, fed, { limitMs: 10_000 });
  };

  for (const target of ["REMOVED", "UNINSTALLED"] as const) {
    await t.step(`a build, by ${target}`, async () => {
      await slow();
      await dev.requestUntil("BUILT", "BUILDING");
      await untilFed(devContainer, "begun");
      await endsWithin(target);
      assert.ok(apps.studio.entries.includes('"The build stream was canceled"'));
      await pollUntil(
        "no container of the build is left",
        async () => (await dev.containers()).length === 0 || undefined,
      );
      assert.deepEqual(await dev.images(), []);
      assert.deepEqual(dev.buildFolder(), target === "REMOVED" ? ["Shop.tgz"] : []);
    });
  }

  await t.step("a push", async () => {
    await dev.uploadApp({ tickMs: 200 }, ["RUN dd if=/dev/urandom of=/noise bs=1M count=120"]);
    await dev.requestUntil("BUILT", "PRESENT");
    await apps.registry.freeze();
    await dev.requestUntil("PUBLISHED", "PUBLISHING", { version: "2.0.0" });
    await endsWithin("REMOVED");
    apps.registry.thaw();
    assert.ok(apps.studio.entries.includes('"The app release was canceled"'));
    assert.deepEqual(await apps.registry.tags(repository), []);
    assert.deepEqual(await dev.allImages(), [busyboxImage]);
  });

  await t.step("a build after a canceled one works", async () => {
    await dev.uploadApp({ tickMs: 200 });
    assert.deepEqual(await dev.requestUntil("BUILT", "PRESENT"), built);
  });
});

Deno.test("the settings of a DEV app", async (t) => {
  await using dev = await DevFixture.start();
  const { apps } = dev;
  await dev.uploadApp({ printsEnvironment: true, tickMs: 200 });
  await dev.requestUntil("BUILT", "PRESENT");
  const fields = {
    environment: { LEVEL: { value: "user" }, ONLY_USER: { value: "x" } },
    environment_template: { LEVEL: { defaultValue: "default" } },
    ports: [{ name: "web", port: 18_080, protocol: "tcp", remote_port_environment: "REMOTE" }],
  };

  await t.step("it gets the defaults of its template, and nothing of its user", async () => {
    await dev.requestUntil("RUNNING", running, fields);
    await pollUntil("output", async () => (await dev.output()).includes("tick 1") || undefined);
    const output = await dev.output();
    assert.match(output, /^LEVEL=default$/m);
    assert.doesNotMatch(output, /ONLY_USER|REMOTE|DEVICE_SECRET/);
  });

  await t.step("it is reached at the port that it declares", async () => {
    const bound = '{{(index (index .HostConfig.PortBindings "18080/tcp") 0).HostPort}}';
    assert.equal(await dev.inspect(bound), "18080");
    assert.match(await dev.output(), /^DEVICE_PORT_FOR_18080=18080$/m);
  });

  await t.step("M11: a restarted agent leaves it alone, and builds nothing", async () => {
    const before = await dev.inspect("{{.Id}}");
    await apps.restartAgent();
    apps.startObserving();
    apps.studio.clear();
    const row = { app_key: 7, app_name: "Shop", stage: "DEV", target_state: "BUILT", current_state: "RUNNING" };
    apps.studio.answer = () => [row];
    await apps.apps.reconcileRemote(new AbortController().signal);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.equal(await dev.inspect("{{.Id}}"), before);
    assert.ok(!dev.states().includes("BUILDING"), dev.states().join());
    assert.deepEqual(apps.apps.list().map(({ state }) => state), ["RUNNING"]);
  });

  await t.step("M11: an app that waits to be built is not built by a start of the agent", async () => {
    await dev.uploadApp({ tickMs: 200 }, ["RUN sleep 60"]);
    await dev.requestUntil("BUILT", "BUILDING");
    await apps.restartAgent();
    apps.studio.clear();
    await apps.apps.reconcileRemote(new AbortController().signal);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.ok(!dev.states().includes("BUILDING"), dev.states().join());
    assert.deepEqual(await dev.containers(), []);
  });
});

/** All files and folders below a folder, sorted. */
async function listFiles(folder: string): Promise<string[]> {
  const { stdout } = await new Deno.Command("find", { args: [folder, "-mindepth", "1", "-printf", "%P\\n"] }).output();
  return new TextDecoder().decode(stdout).split("\n").filter(Boolean).sort();
}
