// box engine registry
/** Registries and images as they are met in the field, with the real engine and a real registry. */

import assert from "node:assert/strict";
import { silentLog } from "../../lib/base/log.ts";
import { Engine } from "../../lib/docker/engine.ts";
import { remarkImage } from "../../scripts/testbed/images.ts";
import { AppsFixture } from "./apps_fixture.ts";
import { RegistryDoor } from "./registry_door.ts";

const never = new AbortController().signal;
const ticking = { prints: ["hello"], tickMs: 500 };
const running = '"Now running app Shop (1)"';
const repository = "apps/prod_amd64_7_shop";

/** The line that says why a pull has failed. */
function pullError(fixture: AppsFixture): string {
  return fixture.studio.entries.find((entry) => entry.startsWith('"Error occured while trying to pull')) ?? "";
}

async function slowTokens(fixture: AppsFixture, door: RegistryDoor): Promise<void> {
  door.tokenDelayMs = 12_000;
  await fixture.request("RUNNING");
  await fixture.until(running, 60_000);
  assert.equal(pullError(fixture), "");
  door.tokenDelayMs = 0;
}

async function pauses(fixture: AppsFixture, door: RegistryDoor): Promise<void> {
  const waitMs = 6_000;
  const refusals: [name: string, refusal: () => Response][] = [
    ["429, in seconds", () => new Response("", { status: 429, headers: { "retry-after": `${waitMs / 1_000}` } })],
    ["503, as a date", () => {
      const [now, end] = [new Date(), new Date(Date.now() + waitMs + 1_000)];
      const headers = { "retry-after": end.toUTCString(), date: now.toUTCString() };
      return new Response("", { status: 503, headers });
    }],
  ];
  for (const [name, refusal] of refusals) {
    await fixture.removeAllApps();
    door.questions.length = 0;
    door.refusal = refusal;
    await fixture.request("RUNNING");
    await fixture.until("FAILED");
    await fixture.request("RUNNING", { app_key: 8, app_name: "Bank" });
    await new Promise((resolve) => setTimeout(resolve, waitMs - 1_000));
    assert.equal(door.questions.length, 1, `${name}: ${JSON.stringify(door.questions)}`);
    door.refusal = undefined;
    await fixture.until(running, 20_000);
    const [first, second] = door.questions;
    assert.ok((second?.atMs ?? 0) - (first?.atMs ?? 0) >= waitMs, name);
  }
}

async function missingTag(fixture: AppsFixture): Promise<void> {
  await fixture.request("RUNNING", { present_version: "9", newest_version: "9" });
  await fixture.until("FAILED", 20_000);
  assert.match(
    pullError(fixture),
    /^"Error occured while trying to pull the image: Error response from daemon: manifest for .*not found/,
  );
}

async function wrongLogin(fixture: AppsFixture): Promise<void> {
  fixture.studio.token = "nobody";
  await fixture.request("RUNNING");
  await fixture.until("FAILED", 20_000);
  assert.match(
    pullError(fixture),
    /pull the image: Error response from daemon: .*(unauthorized|denied).*\(registry 127\.0\.0\.1:5010 refuses the credentials\)"$/,
  );
}

/** Another machine, as far as the agent can tell: an engine reaches this one by the address. */
async function strangeTokens(fixture: AppsFixture, door: RegistryDoor): Promise<void> {
  const asked: string[] = [];
  await using thief = Deno.serve({ hostname: "0.0.0.0", port: 5011, onListen() {} }, ({ url, headers }) => {
    asked.push(`${url} ${headers.get("authorization")}`);
    return Response.json({ token: "t" });
  });
  door.realm = `http://0.0.0.0:${thief.addr.port}/token`;
  await fixture.request("RUNNING");
  await fixture.until("FAILED", 20_000);
  assert.match(pullError(fixture), /pull the image: Not asking token server "0\.0\.0\.0:5011" for a token, because/);
  assert.deepEqual(asked, []);
  door.realm = undefined;
}

const marks: Record<string, { os?: string; architecture?: string }> = {
  "linux/386": { os: "linux", architecture: "386" },
  "no architecture": { os: "linux" },
  "x86_64": { os: "linux", architecture: "x86_64" },
  "linux/arm": { os: "linux", architecture: "arm" },
};

async function markedImages(fixture: AppsFixture): Promise<void> {
  for (const [name, mark] of Object.entries(marks)) {
    for (const version of ["3", "4"]) {
      await fixture.publish(version, { prints: [`${name} ${version}`], tickMs: 500 });
      await remarkImage(fixture.registry, { name: `${repository}:${version}`, mark });
    }
    await fixture.removeAllApps();
    const three = { present_version: "3", newest_version: "3" };
    await fixture.requestUntil("RUNNING", '"Now running app Shop (3)"', three);
    const entries = await fixture.requestUntil("RUNNING", '"Now running app Shop (4)"', {
      ...{ present_version: "3", newest_version: "4", new_release_key: 8, request_update: true },
    });
    assert.ok(entries.includes("RUNNING completed"), `${name}: ${entries.join("\n")}`);
  }
}

async function foreignUpdate(fixture: AppsFixture): Promise<void> {
  await fixture.publish("5", { foreign: "plain" });
  await fixture.requestUntil("RUNNING", running);
  const entries = await fixture.requestUntil("RUNNING", "RUNNING canceled", {
    ...{ present_version: "1", newest_version: "5", new_release_key: 9, request_update: true },
  });
  assert.ok(entries.some((entry) => /"The update to version 5 has failed/.test(entry)), entries.join("\n"));
  assert.equal(await fixture.status(), "running");
}

async function versions(fixture: AppsFixture): Promise<void> {
  for (const version of ["1.99", "2.0", "1.10", "1.24", "newest", "1.45"]) {
    const warnings: string[] = [];
    const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
    const engine = new Engine({ log, env: { DOCKER_HOST: fixture.engine.host, DOCKER_API_VERSION: version } });
    await engine.ping(never);
    assert.ok((await engine.listImages(never)).length > 0, version);
    assert.equal((await engine.platform(never)).os, "linux", version);
    const end = new AbortController();
    for await (const event of engine.events(end.signal, () => end.abort())) assert.fail(JSON.stringify(event));
    assert.equal(warnings.length, version === "1.45" ? 0 : 1, `${version}: ${warnings.join("\n")}`);
  }
}

Deno.test("registries and images of the field", async (test) => {
  await using fixture = await AppsFixture.start({ registryPort: 5010, checksSizes: true });
  await using door = new RegistryDoor({ port: 5010, registry: fixture.registry.host, tokens: "127.0.0.1:5003" });
  await fixture.publish("1", ticking);
  const step = async (name: string, run: () => Promise<void>) => {
    await test.step(name, run);
    await fixture.removeAllApps();
  };
  await step(
    "#2: a token server that takes 12 s an answer delays an install, and does not fail it",
    () => slowTokens(fixture, door),
  );
  await step("#14: a registry that asks for a pause is not asked before it is over", () => pauses(fixture, door));
  await step(
    "#18: the reason of a failed pull is the engine's, as its command line says it",
    () => missingTag(fixture),
  );
  await step("#2: a refused pull is explained by a check of the login", () => wrongLogin(fixture));
  await step(
    "#11: a login goes to no token server elsewhere, not even by the engine",
    () => strangeTokens(fixture, door),
  );
  await step("#3: images that are marked for other machines are installed and updated", () => markedImages(fixture));
  await step("#3: a release that the engine cannot run is rolled back and canceled", () => foreignUpdate(fixture));
  await step("#16: versions that the engine does not take are replaced", () => versions(fixture));
});
