// box engine registry crossbar bus
/** Updates of the operating system through a whole agent, with a real RAUC: what Studio sees, and what apps notice. */

import assert from "node:assert/strict";
import { deviceUri } from "../../lib/backend/uris.ts";
import { type Dict, isDict, parseJson } from "../../lib/base/json.ts";
import { readTextIfThere, removeIfThere } from "../../scripts/files.ts";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import type { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { MessageBus } from "../../scripts/testbed/message_bus.ts";
import { Rauc } from "../../scripts/testbed/rauc.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { answerFrom, DownloadServer } from "../fakes/download_server.ts";
import { releaseFiles } from "../lib/host/release_files.ts";
import { AgentFixture } from "./agent_fixture.ts";

/** The folder for bundles is that of the machine, so the name must be nobody else's. */
const fileName = `reagent-test-${crypto.randomUUID()}.raucb`;
const bundlePath = `/tmp/${fileName}`;

const app = "Shop";

/** What a device shows of its system. */
interface SeenSystem {
  fixture: AgentFixture;
  device: AddedDevice;
  agent: AgentProcess;
  rauc: Rauc;
  files: Map<string, Uint8Array>;
  /** Values of the two topics of progress. */
  downloads: Dict[];
  installs: Dict[];
}

async function call({ fixture, device }: SeenSystem, name: string) {
  return await fixture.studio.call(device, name, { timeoutMs: 60_000 });
}

async function lastUpdate(system: SeenSystem): Promise<Dict> {
  const [releases] = (await call(system, "get_os_release")).args;
  return isDict(releases) && isDict(releases.lastUpdate) ? releases.lastUpdate : {};
}

async function downloadNew(system: SeenSystem, recipe: { isForeign?: boolean } = {}): Promise<void> {
  system.files.set(`/os/${fileName}`, await system.rauc.makeBundle(recipe));
  await call(system, "download_os_update");
}

/** The box has an /etc of its own, as all of these need. */
async function logLimits(): Promise<void> {
  const limits = await pollUntil("the engine's settings", () => readTextIfThere("/etc/docker/daemon.json"));
  assert.deepEqual(parseJson(limits), {
    "log-driver": "json-file",
    "log-opts": { "max-size": "10m", "max-file": "3" },
  });
  assert.equal((await Deno.stat("/etc/docker/daemon.json")).mode! & 0o7777, 0o644);
  const journal = "/etc/systemd/journald.conf.d/10-ironflock.conf";
  assert.equal(await pollUntil(journal, () => readTextIfThere(journal)), "[Journal]\nSystemMaxUse=200M\n");
}

async function metadata(system: SeenSystem): Promise<void> {
  const rows = releaseFiles.filter(([, files]) => Object.keys(files).every((path) => path.startsWith("/etc/")));
  const paths = new Set(["/etc/lsb-release", ...rows.flatMap(([, files]) => Object.keys(files))]);
  for (const [name, files, expected] of rows) {
    // Some are links into folders of the machine, so they are removed first.
    for (const path of paths) await removeIfThere(path);
    for (const [path, text] of Object.entries(files)) await Deno.writeTextFile(path, text, { createNew: true });
    const [value] = (await call(system, "get_agent_metadata")).args;
    assert.ok(isDict(value), name);
    assert.equal(value.os, `linux ${expected.trim()} ${Deno.osRelease()}`, name);
    assert.equal(value.OSVersion, value.os);
    const [releases] = (await call(system, "get_os_release")).args;
    assert.equal(isDict(releases), "/etc/os-release" in files, name);
  }
  await removeIfThere("/etc/os-release");
  await Deno.writeTextFile("/etc/os-release", 'NAME="FlockOS"\nVERSION="v0.10.0-flockos-20220330"\n');
}

async function good(system: SeenSystem): Promise<void> {
  const { fixture, rauc, files, downloads, installs } = system;
  const startedAt = await fixture.inspect(app, "{{.Id}} {{.State.StartedAt}}");
  const [releases] = (await call(system, "get_os_release")).args;
  assert.ok(isDict(releases));
  assert.deepEqual(Object.keys(releases).sort(), ["currentRelease", "latestRelease"]);
  assert.deepEqual(releases.currentRelease, { Name: "FlockOS", Version: "0.10.0", BuildTime: "20220330" });
  assert.deepEqual(releases.latestRelease, { Name: "", Version: "0.11.0", BuildTime: "20220401" });

  await downloadNew(system);
  const size = files.get(`/os/${fileName}`)?.length;
  await pollUntil("the last progress", () => Promise.resolve(downloads.at(-1)?.currentBytes === size || undefined));
  assert.equal(downloads.at(-1)?.fileSize, size);
  assert.equal((await Deno.stat(bundlePath)).size, size);

  assert.deepEqual(await call(system, "install_os_update"), { args: [], kwargs: {} });
  const last = { operationName: "Installing done.", progressPercent: 100 };
  await pollUntil("the last step", () => Promise.resolve(installs.at(-1)?.progressPercent === 100 || undefined));
  assert.deepEqual(installs.at(-1), last);
  assert.equal(await rauc.nextSlot(), "B");
  await assert.rejects(Deno.stat(bundlePath), Deno.errors.NotFound);
  assert.deepEqual(await lastUpdate(system), { bundle: fileName, outcome: "installed", why: "" });
  assert.equal(await fixture.inspect(app, "{{.Id}} {{.State.StartedAt}}"), startedAt);
}

async function foreign(system: SeenSystem): Promise<void> {
  await downloadNew(system, { isForeign: true });
  await assert.rejects(call(system, "install_os_update"), (error: Error & { uri?: string; args?: unknown[] }) => {
    assert.equal(error.uri, "wamp.error.canceled");
    const [value] = error.args ?? [];
    assert.ok(isDict(value));
    assert.match(String(value.error), /^Cannot install the update: .*signature verification failed/);
    return true;
  });
  assert.equal((await lastUpdate(system)).outcome, "failed");
  assert.ok((await Deno.stat(bundlePath)).isFile);
}

async function interrupted(system: SeenSystem): Promise<void> {
  const { fixture, device, agent, rauc, installs } = system;
  await downloadNew(system);
  await rauc.hold();
  const lost = assert.rejects(call(system, "install_os_update"));
  await rauc.untilHeld();
  await assert.rejects(call(system, "install_os_update"), /installation already in progress/);
  await assert.rejects(call(system, "download_os_update"), /installation already in progress/);
  await pollUntil("it is noted", async () => {
    return (await readTextIfThere(`${agent.folder}/os_update.json`))?.includes('"isBegun":true') || undefined;
  });
  let { sessionId } = fixture.studio.device(device);
  await fixture.killSession(device);
  await fixture.untilBack(device, sessionId);
  await assert.rejects(call(system, "install_os_update"), /installation already in progress/);
  ({ sessionId } = fixture.studio.device(device));
  await agent.kill();
  await lost;
  agent.start();
  await fixture.untilBack(device, sessionId);
  assert.equal((await lastUpdate(system)).outcome, "installing");
  await assert.rejects(call(system, "install_os_update"), /installation already in progress/);
  installs.length = 0;
  await rauc.release();
  await pollUntil("the next process knows the end", async () => {
    return (await lastUpdate(system)).outcome === "installed" || undefined;
  });
  await assert.rejects(Deno.stat(bundlePath), Deno.errors.NotFound);
  await pollUntil("the last step", () => Promise.resolve(installs.at(-1)?.progressPercent === 100 || undefined));
}

async function onProbation(system: SeenSystem): Promise<void> {
  const { fixture, device } = system;
  await downloadNew(system);
  await fixture.publish(app, "2", { tickMs: 200 });
  await using transcript = await fixture.record(device, app);
  await fixture.studio.request(device, app, { update: true, version: "2" });
  await transcript.until(`"Now running app ${app} (2)"`);
  const refusal = new RegExp(`Not now: apps are in transition or on probation: .*${app}`);
  await assert.rejects(call(system, "install_os_update"), refusal);
  assert.ok((await Deno.stat(bundlePath)).isFile);
}

Deno.test("the operating system is updated while apps run", async (t) => {
  await using stack = new AsyncDisposableStack();
  const bus = stack.use(await MessageBus.start());
  const [rauc, fixture] = await Promise.all([Rauc.start(bus.address), AgentFixture.start()]);
  stack.use(rauc);
  stack.use(fixture);
  stack.defer(() => Deno.remove(bundlePath).catch(() => {}));
  const files = new Map<string, Uint8Array>();
  await removeIfThere("/etc/docker/daemon.json");
  await Deno.mkdir("/etc/systemd", { recursive: true });
  const server = stack.use(new DownloadServer((request) => answerFrom(files, request)));
  await Deno.writeTextFile("/etc/reswarmos-update", `v2,1,${server.base}/os/${fileName}\n`);
  await Deno.writeTextFile("/etc/os-release-latest.json", '{"version": "0.11.0", "buildtime": 20220401}');
  const device = fixture.addDevice();
  const env = { DBUS_SYSTEM_BUS_ADDRESS: bus.address };
  const agent = stack.use(await fixture.startAgent(device, { env }));
  await fixture.studio.waitForStatus(device, "CONNECTED");
  const system: SeenSystem = { fixture, device, agent, rauc, files, downloads: [], installs: [] };
  for (const [kind, values] of [["download", system.downloads], ["install", system.installs]] as const) {
    const topic = deviceUri(device.serial, `${kind}_os_update_progress`);
    stack.use(await fixture.studio.backend.subscribe(topic, ({ args: [value] }) => void values.push(value as Dict)));
  }
  await fixture.publish(app, "1", { tickMs: 200 });
  {
    await using transcript = await fixture.record(device, app);
    await fixture.studio.request(device, app, { target: "RUNNING", version: "1" });
    await transcript.until(`"Now running app ${app} (1)"`);
  }
  const cases: [name: string, run: (system: SeenSystem) => Promise<void>][] = [
    ["the agent has limited the logs of containers and of the journal", logLimits],
    ["the metadata are those of the distribution", metadata],
    ["a good update is downloaded and installed, with progress, and the app does not notice", good],
    ["a failure is answered with the reason of RAUC", foreign],
    ["it goes on over a lost link and a killed agent, and a second call meanwhile is refused", interrupted],
    ["none begins while a release is on probation", onProbation],
  ];
  for (const [name, run] of cases) await t.step(name, () => run(system));
});
