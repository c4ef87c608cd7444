// box engine registry
/** Row 7 of the faults from the field on real parts: an app that gets another name. */

import assert from "node:assert/strict";
import { pushImage } from "../../scripts/testbed/images.ts";
import { AppsFixture } from "./apps_fixture.ts";

const never = new AbortController().signal;

const renamed = { app_name: "New" };

/** What the engine has, apart from the image that the others are made of. */
async function engineOf(fixture: AppsFixture): Promise<{ containers: string[]; images: string[] }> {
  const linesOf = async (...args: string[]) => {
    const text = await fixture.engine.docker(...args);
    return text.split("\n").filter((line) => line !== "").sort();
  };
  const images = await linesOf("images", "--format", "{{.Repository}}:{{.Tag}}");
  return {
    containers: await linesOf("ps", "-a", "--format", "{{.Names}} {{.State}}"),
    images: images.filter((image) => image.includes("/apps/")).map((image) => image.replace(/^.*\/apps\//, "")),
  };
}

async function publish(fixture: AppsFixture, name: string): Promise<void> {
  await pushImage(fixture.engine, fixture.registry, { name: `apps/prod_amd64_7_${name}`, recipe: { tickMs: 200 } });
}

Deno.test("#7: an app that gets another name is one container under it, with its port, and the old data stays", async (t) => {
  await using fixture = await AppsFixture.start();
  await fixture.publish("1", { tickMs: 200 });
  await publish(fixture, "new:1");
  await publish(fixture, "other:2");
  await fixture.apps.reconcileLocal(never);
  fixture.startObserving();
  const ports = [{ port: 80, protocol: "tcp" }];

  await t.step("by a request", async () => {
    await fixture.requestUntil("RUNNING", '"Now running app Shop (1)"', { ports });
    const published = await fixture.engine.docker("port", "prod_7_shop", "80/tcp");
    const entries = await fixture.requestUntil("RUNNING", '"Now running app New (1)"', { ...renamed, ports });
    assert.equal(entries.filter((entry) => entry === "STARTING").length, 1);
    assert.equal(entries.includes("FAILED"), false);
    const kept = `"The app Shop is now called New; its data from before is kept in `;
    assert.equal(entries.filter((entry) => entry.startsWith(kept)).length, 1, entries.join());
    assert.equal(await fixture.engine.docker("port", "prod_7_new", "80/tcp"), published);
  });

  await t.step("nothing is left of the old one but its data", async () => {
    await fixture.apps.reconcileLocal(never);
    assert.deepEqual(await engineOf(fixture), { containers: ["prod_7_new running"], images: ["prod_amd64_7_new:1"] });
    const folders = ["shop", "new"].map((name) => [...Deno.readDirSync(`${fixture.folder}/apps/prod/${name}`)]);
    assert.deepEqual(folders.map((entries) => entries.map(({ name }) => name)), [[], ["env"]], "the secrets are gone");
  });

  await t.step("by Studio's answer, together with an update, by an agent that ended in between", async () => {
    await fixture.request("RUNNING", { app_name: "Other", ports, newest_version: "2", request_update: true });
    await fixture.restartAgent();
    fixture.startObserving();
    const row = { app_key: 7, app_name: "Other", stage: "PROD", target_state: "RUNNING", ports };
    fixture.studio.answer = () => [{ ...row, present_version: "1", newest_version: "2", request_update: true }];
    await fixture.apps.reconcileRemote(never);
    await fixture.until('"Now running app Other (2)"');
    const { containers } = await engineOf(fixture);
    assert.deepEqual(containers, ["prod_7_other running"]);
  });

  await t.step("its removal leaves nothing under any name", async () => {
    await fixture.requestUntil("UNINSTALLED", "UNINSTALLED completed", { app_name: "Other" });
    assert.deepEqual(await engineOf(fixture), { containers: [], images: [] });
  });
});
