// box engine registry crossbar
/** An agent's process from its first boot through the life of an app. */

import assert from "node:assert/strict";
import { procedures } from "../../lib/handlers/procedures.ts";
import type { DesiredChange } from "../../scripts/studio/desired_change.ts";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import type { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { AgentFixture, type Recording } from "./agent_fixture.ts";
import { untilIdle } from "./until_idle.ts";

const ticking = { prints: ["hello"], tickMs: 200 };

const firstRun = [
  "LOGGER_CLEAR",
  '"Starting Shop..."',
  "STARTING",
  '"Initialising download for the app: Shop..."',
  "DOWNLOADING",
  '"Succesfully installed the app: Shop (Version: 1)"',
  "PRESENT",
  "RUNNING",
  '"Now running app Shop (1)"',
];

/** A device with its agent, and what is reported about its app. */
interface TestedDevice {
  agent: AgentProcess;
  fixture: AgentFixture;
  device: AddedDevice;
  transcript: Recording;
}

/** Requests a state of the app and waits for the entry `end`. Returns all that was reported since. */
async function request(tested: TestedDevice, change: DesiredChange, end: string): Promise<string[]> {
  tested.transcript.clear();
  await tested.fixture.studio.request(tested.device, "Shop", change);
  await tested.transcript.until(end);
  return [...tested.transcript.entries];
}

/** What the agent has sent, from the trace in its log: `CALL <uri>`, `REGISTER <uri>`, … */
async function sentBy(agent: AgentProcess): Promise<string[]> {
  const lines = (await agent.readLog()).filter(({ message, fields }) => {
    return message === "WAMP message" && fields.direction === "out";
  });
  return lines.map(({ fields: { kind, frame } }) => {
    const uri = /"((?:re|reswarm|wamp)\.[^"]+)"/.exec(String(frame))?.[1] ?? "";
    return `${kind} ${uri}`.trim();
  });
}

async function firstBoot(fixture: AgentFixture): Promise<void> {
  const device = fixture.addDevice();
  const named = { name: "", swarm_name: "", swarm_owner_name: "", surprise: { kept: true } };
  await using agent = await fixture.startAgent(device, { args: ["-debugMessaging"], flock: named });
  await fixture.studio.waitForStatus(device, "CONFIGURING");
  const { sessionId } = await fixture.studio.waitForStatus(device, "CONNECTED");
  assert.notEqual(sessionId, 0);
  const marker = "wamp_connection_established";
  assert.deepEqual(await fixture.procedures(device), [marker, ...procedures.map(({ name }) => name)].sort());
  assert.deepEqual((await fixture.studio.call(device, marker)).args, ["Hello :-)"]);

  await assertBootCalls(agent, `re.mgmt.${device.serial}.`);
  const facts = { architecture: "amd64", arch: "amd64", variant: "", ...await factsOf(agent) };
  assert.deepEqual(fixture.studio.device(device).metadata, facts);
  const flock: unknown = JSON.parse(await Deno.readTextFile(agent.flockFile));
  const expected = { ...device.flock, swarm_name: "local", swarm_owner_name: "owner", surprise: { kept: true } };
  assert.deepEqual(pick(flock, Object.keys(expected)), expected);
  for (const folder of ["apps", "apps/build", "apps/compose", "apps/shared", "downloads"]) {
    assert.ok((await Deno.stat(`${agent.folder}/${folder}`)).isDirectory, folder);
  }
  assertBootOutput(agent.output, fixture.crossbar.url);
  assert.equal(agent.errors, "");
  assert.equal(await agent.stop(), 0);
}

/** The messages of a first boot, in order. The tunnels report beside them, when their client is up. */
async function assertBootCalls(agent: AgentProcess, prefix: string): Promise<void> {
  const marker = "wamp_connection_established";
  const tunnels = `PUBLISH ${prefix}tunnel_state_update/onreload`;
  const sent = (await sentBy(agent)).filter((message) => message !== tunnels);
  assert.deepEqual(sent.slice(0, 44), [
    "HELLO",
    "AUTHENTICATE",
    `REGISTER ${prefix}${marker}`,
    "CALL wamp.session.add_testament",
    "CALL reswarm.devices.read_device_metadata",
    "CALL reswarm.devices.get_app_cred_key",
    "CALL reswarm.devices.update_device_status",
    ...procedures.map(({ name }) => `REGISTER ${prefix}${name}`),
    "CALL reswarm.devices.update_device_architecture",
    "SUBSCRIBE wamp.subscription.on_create",
    "SUBSCRIBE wamp.subscription.on_delete",
  ]);
  assert.deepEqual(sent.slice(44, 46), [
    "CALL reswarm.containers.get_requested_app_states",
    "CALL reswarm.devices.update_device_status",
  ]);
}

/** What the operator sees: the address, and how long each part of the boot took. */
function assertBootOutput(output: string, routerUrl: string): void {
  const [first, second, third, frame, ...times] = output.trimEnd().split("\n");
  assert.match(first ?? "", /^Reagent \d+\.\d+\.\d+ starts on linux amd64$/);
  assert.deepEqual([second, third, frame], [`Connecting to ${routerUrl}`, "Connected", "-".repeat(34)]);
  const names = times.map((line) => line.replace(/ +\d+ ms$/, ""));
  const parts = ["log", "config", "database", "container engine", "connection", "boot"];
  assert.deepEqual(names, [...parts, "-".repeat(34)]);
}

async function factsOf(agent: AgentProcess): Promise<{ os: string; agent_version: string }> {
  const { version } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  const release = await Deno.readTextFile("/etc/os-release");
  const id = /^ID="?([^"\n]+)/m.exec(release)?.[1] ?? "";
  const line = (await agent.readLog()).find(({ fields }) =>
    String(fields.frame).includes("update_device_architecture")
  );
  const os = /"os":"([^"]+)"/.exec(String(line?.fields.frame))?.[1] ?? "";
  assert.ok(os.startsWith(`linux ${id} `) && os.endsWith(` ${Deno.osRelease()}`), os);
  return { os, agent_version: version };
}

function pick(value: unknown, names: readonly string[]): Record<string, unknown> {
  const members = new Map(Object.entries(value ?? {}));
  return Object.fromEntries(names.map((name) => [name, members.get(name)]));
}

const life: Record<string, (tested: TestedDevice) => Promise<void>> = {
  "an install pulls and does not start": async (tested) => {
    assert.deepEqual(await request(tested, { target: "PRESENT", version: "1" }, "PRESENT"), [
      "LOGGER_CLEAR",
      '"Initialising download for the app: Shop..."',
      "DOWNLOADING",
      '"Succesfully installed the app: Shop (Version: 1)"',
      "PRESENT",
    ]);
    assert.ok(tested.transcript.progress > 0, "the progress of the pull was not published");
    assert.equal(await tested.fixture.inspect("Shop"), undefined);
    assert.deepEqual(await tested.fixture.tags("Shop"), ["1"]);
  },

  "starting an installed app": async (tested) => {
    const transcript = await request(tested, { target: "RUNNING" }, '"Now running app Shop (1)"');
    assert.deepEqual(transcript, ['"Starting Shop..."', "STARTING", "RUNNING", '"Now running app Shop (1)"']);
    assert.equal(await tested.fixture.inspect("Shop", "{{.State.Status}}"), "running");
  },

  "repeating a request changes nothing and is answered": async (tested) => {
    const before = await tested.fixture.inspect("Shop");
    await untilIdle(tested.agent);
    assert.deepEqual(await request(tested, { target: "RUNNING" }, "RUNNING"), ["RUNNING"]);
    assert.equal(await tested.fixture.inspect("Shop"), before);
  },

  "a stop removes the container and keeps the image": async (tested) => {
    assert.deepEqual(await request(tested, { target: "PRESENT" }, '"Successfully stopped Shop"'), [
      "STOPPING",
      '"Received stop signal for Shop"',
      "PRESENT",
      '"Successfully stopped Shop"',
    ]);
    assert.equal(await tested.fixture.inspect("Shop"), undefined);
    assert.deepEqual(await tested.fixture.tags("Shop"), ["1"]);
  },

  "starting a stopped app": async (tested) => {
    const transcript = await request(tested, { target: "RUNNING" }, '"Now running app Shop (1)"');
    assert.deepEqual(transcript, ['"Starting Shop..."', "STARTING", "RUNNING", '"Now running app Shop (1)"']);
  },

  "an update ends with the newer version running, and is confirmed": async (tested) => {
    const { studio } = tested.fixture;
    assert.deepEqual(await request(tested, { update: true, version: "2" }, '"Now running app Shop (2)"'), [
      "UPDATING",
      '"Initialising download for the app: Shop..."',
      '"Succesfully installed the app: Shop (Version: 2)"',
      "PRESENT pending_remote_confirmation",
      '"Starting Shop..."',
      "STARTING completed",
      "RUNNING completed",
      '"Now running app Shop (2)"',
    ]);
    assert.deepEqual(
      await tested.fixture.tags("Shop"),
      ["1", "2"],
      "the fallback is gone before the new release has proven itself",
    );
    await pollUntil("the older image is gone", async () => {
      return (await tested.fixture.tags("Shop")).join() === "2" || undefined;
    }, { limitMs: 90_000 });
    const [app] = studio.apps(tested.device);
    assert.equal(app?.presentVersion, "2");
    assert.equal(studio.reports(tested.device).at(-1)?.releaseKey, app?.releaseKey);
  },

  "a removal deletes the container, the images and the rows": async (tested) => {
    assert.deepEqual(await request(tested, { target: "REMOVED" }, '"Successfully removed Shop!"'), [
      '"Starting removal process for Shop..."',
      "DELETING completed",
      "REMOVED completed",
      '"Successfully removed Shop!"',
    ]);
    assert.equal(await tested.fixture.inspect("Shop"), undefined);
    assert.deepEqual(await tested.fixture.tags("Shop"), []);
  },

  "a first run downloads, starts and reports each step": async (tested) => {
    assert.deepEqual(
      await request(tested, { target: "RUNNING", version: "1" }, '"Now running app Shop (1)"'),
      firstRun,
    );
  },

  "an uninstall reports REMOVED and UNINSTALLED, and deletes the app's data": async (tested) => {
    const data = `${await dataFolder(tested.fixture)}`;
    assert.ok((await Deno.stat(data)).isDirectory);
    assert.deepEqual(await request(tested, { target: "UNINSTALLED" }, "UNINSTALLED"), [
      '"Starting removal process for Shop..."',
      "DELETING",
      "REMOVED",
      '"Successfully removed Shop!"',
      "UNINSTALLED",
    ]);
    await assert.rejects(Deno.stat(data), Deno.errors.NotFound);
    assert.deepEqual(await tested.fixture.tags("Shop"), []);
  },
};

/** The folder that the app's container mounts at /data. */
async function dataFolder(fixture: AgentFixture): Promise<string> {
  const template = '{{range .Mounts}}{{if eq .Destination "/data"}}{{.Source}}{{end}}{{end}}';
  return await fixture.inspect("Shop", template) ?? "";
}

Deno.test("apps on a device, from its first boot on", async (test) => {
  await using fixture = await AgentFixture.start();
  await test.step("the first boot ends connected, with everything registered and reported", () => firstBoot(fixture));
  await test.step("the life of an app", async (steps) => {
    await fixture.publish("Shop", "1", ticking);
    await fixture.publish("Shop", "2", { ...ticking, labels: { version: "2" } });
    const device = fixture.addDevice();
    await using agent = await fixture.startAgent(device);
    await using transcript = await fixture.record(device, "Shop");
    await fixture.studio.waitForStatus(device, "CONNECTED");
    for (const [name, run] of Object.entries(life)) {
      await steps.step(name, () => run({ fixture, agent, device, transcript }));
    }
    assert.equal(await agent.stop(), 0);
  });
});
