// box engine registry crossbar
/** An agent's process from its first start through the life of an app, and the ways in which an install can fail. */

import assert from "node:assert/strict";
import { procedures } from "../../lib/handlers/procedures.ts";
import type { Wish } from "../../scripts/studio/wish.ts";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import type { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { AgentWorld, type Listening } from "./agent_world.ts";

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

/** Asks for a state of the app, waits for the last thing that is to be heard, and gives all that was heard. */
async function ask(device: Stage, wish: Wish, end: string): Promise<string[]> {
  device.told.clear();
  await device.world.studio.request(device.added, "Shop", wish);
  await device.told.until(end);
  return [...device.told.entries];
}

/** Waits until nothing is done with the app any more: a wish that comes before is no news, and is not answered. */
async function untilQuiet({ agent }: Pick<Stage, "agent">): Promise<void> {
  const countOf = async (text: string) => (await agent.readLog()).filter(({ message }) => message === text).length;
  await pollUntil("the agent is quiet", async () => {
    const [begun, ended] = [await countOf("Transition begins"), await countOf("Transition ended")];
    return begun === ended || undefined;
  }, { limitMs: 20_000 });
  await sleep(500);
}

interface Stage {
  agent: AgentProcess;
  world: AgentWorld;
  added: AddedDevice;
  told: Listening;
}

/** What the agent has sent and its answers to calls, by the trace in its log: `CALL <uri>`, `REGISTER <uri>`, … */
async function sentBy(agent: AgentProcess): Promise<string[]> {
  const lines = (await agent.readLog()).filter(({ message, fields }) => {
    return message === "WAMP message" && fields.direction === "out";
  });
  return lines.map(({ fields: { kind, frame } }) => {
    const uri = /"((?:re|reswarm|wamp)\.[^"]+)"/.exec(String(frame))?.[1] ?? "";
    return `${kind} ${uri}`.trim();
  });
}

async function bootOnce({ world }: Pick<Stage, "world">): Promise<void> {
  const device = world.addDevice();
  const named = { name: "", swarm_name: "", swarm_owner_name: "", surprise: { kept: true } };
  await using agent = await world.startAgent(device, { args: ["-debugMessaging"], flock: named });
  await world.studio.waitForStatus(device, "CONFIGURING");
  const { sessionId } = await world.studio.waitForStatus(device, "CONNECTED");
  assert.notEqual(sessionId, 0);
  const marker = "wamp_connection_established";
  assert.deepEqual(await world.procedures(device), [marker, ...procedures.map(({ name }) => name)].sort());
  assert.deepEqual((await world.studio.call(device, marker)).args, ["Hello :-)"]);

  const prefix = `re.mgmt.${device.serial}.`;
  assert.deepEqual((await sentBy(agent)).slice(0, 44), [
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
  assert.deepEqual((await sentBy(agent)).slice(44, 46), [
    "CALL reswarm.containers.get_requested_app_states",
    "CALL reswarm.devices.update_device_status",
  ]);

  const facts = { architecture: "amd64", arch: "amd64", variant: "", ...await factsOf(agent) };
  assert.deepEqual(world.studio.device(device).facts, facts);
  const flock: unknown = JSON.parse(await Deno.readTextFile(agent.flockFile));
  const expected = { ...device.flock, swarm_name: "local", swarm_owner_name: "owner", surprise: { kept: true } };
  assert.deepEqual(pick(flock, Object.keys(expected)), expected);
  for (const folder of ["apps", "apps/build", "apps/compose", "apps/shared", "downloads"]) {
    assert.ok((await Deno.stat(`${agent.folder}/${folder}`)).isDirectory, folder);
  }
  const [first, second, third, frame, ...figures] = agent.output.trimEnd().split("\n");
  assert.match(first ?? "", /^Reagent \d+\.\d+\.\d+ starts on linux amd64$/);
  assert.deepEqual([second, third, frame], [`Connecting to ${world.crossbar.url}`, "Connected", "-".repeat(34)]);
  const names = figures.map((line) => line.replace(/ +\d+ ms$/, ""));
  const parts = ["log", "config", "database", "container engine", "connection", "boot"];
  assert.deepEqual(names, [...parts, "-".repeat(34)]);
  assert.equal(agent.errors, "");
  assert.equal(await agent.stop(), 0);
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

const life: Record<string, (device: Stage) => Promise<void>> = {
  "an install pulls and does not start": async (device) => {
    assert.deepEqual(await ask(device, { target: "PRESENT", version: "1" }, "PRESENT"), [
      "LOGGER_CLEAR",
      '"Initialising download for the app: Shop..."',
      "DOWNLOADING",
      '"Succesfully installed the app: Shop (Version: 1)"',
      "PRESENT",
    ]);
    assert.ok(device.told.progress > 0, "nobody saw the progress of the pull");
    assert.equal(await device.world.inspect("Shop"), undefined);
    assert.deepEqual(await device.world.tags("Shop"), ["1"]);
  },

  "a start of what is installed": async (device) => {
    const told = await ask(device, { target: "RUNNING" }, '"Now running app Shop (1)"');
    assert.deepEqual(told, ['"Starting Shop..."', "STARTING", "RUNNING", '"Now running app Shop (1)"']);
    assert.equal(await device.world.inspect("Shop", "{{.State.Status}}"), "running");
  },

  "the same wish once more changes nothing and is answered": async (device) => {
    const before = await device.world.inspect("Shop");
    await untilQuiet(device);
    assert.deepEqual(await ask(device, { target: "RUNNING" }, "RUNNING"), ["RUNNING"]);
    assert.equal(await device.world.inspect("Shop"), before);
  },

  "a stop removes the container and keeps the image": async (device) => {
    assert.deepEqual(await ask(device, { target: "PRESENT" }, '"Successfully stopped Shop"'), [
      "STOPPING",
      '"Received stop signal for Shop"',
      "PRESENT",
      '"Successfully stopped Shop"',
    ]);
    assert.equal(await device.world.inspect("Shop"), undefined);
    assert.deepEqual(await device.world.tags("Shop"), ["1"]);
  },

  "a start after the stop": async (device) => {
    const told = await ask(device, { target: "RUNNING" }, '"Now running app Shop (1)"');
    assert.deepEqual(told, ['"Starting Shop..."', "STARTING", "RUNNING", '"Now running app Shop (1)"']);
  },

  "an update ends in the newer version running, and is confirmed": async (device) => {
    const { studio } = device.world;
    assert.deepEqual(await ask(device, { update: true, version: "2" }, '"Now running app Shop (2)"'), [
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
      await device.world.tags("Shop"),
      ["1", "2"],
      "the way back is gone before the new release has proven itself",
    );
    await pollUntil("the older image is gone", async () => {
      return (await device.world.tags("Shop")).join() === "2" || undefined;
    }, { limitMs: 90_000 });
    const [app] = studio.apps(device.added);
    assert.equal(app?.presentVersion, "2");
    assert.equal(studio.reports(device.added).at(-1)?.releaseKey, app?.releaseKey);
  },

  "a removal takes the container, the images and the rows": async (device) => {
    assert.deepEqual(await ask(device, { target: "REMOVED" }, '"Successfully removed Shop!"'), [
      '"Starting removal process for Shop..."',
      "DELETING completed",
      "REMOVED completed",
      '"Successfully removed Shop!"',
    ]);
    assert.equal(await device.world.inspect("Shop"), undefined);
    assert.deepEqual(await device.world.tags("Shop"), []);
  },

  "a first run downloads, starts and tells each step": async (device) => {
    assert.deepEqual(await ask(device, { target: "RUNNING", version: "1" }, '"Now running app Shop (1)"'), firstRun);
  },

  "an uninstall tells both ends and takes the app's data": async (device) => {
    const data = `${await dataFolder(device.world)}`;
    assert.ok((await Deno.stat(data)).isDirectory);
    assert.deepEqual(await ask(device, { target: "UNINSTALLED" }, "UNINSTALLED"), [
      '"Starting removal process for Shop..."',
      "DELETING",
      "REMOVED",
      '"Successfully removed Shop!"',
      "UNINSTALLED",
    ]);
    await assert.rejects(Deno.stat(data), Deno.errors.NotFound);
    assert.deepEqual(await device.world.tags("Shop"), []);
  },
};

/** Where the app's container has its /data. */
async function dataFolder(world: AgentWorld): Promise<string> {
  const template = '{{range .Mounts}}{{if eq .Destination "/data"}}{{.Source}}{{end}}{{end}}';
  return await world.inspect("Shop", template) ?? "";
}

/** What is heard of a first run whose download fails; the reason is free. */
function failedDownload(app: string, options: { isOpened: boolean }): RegExp[] {
  return [
    /^LOGGER_CLEAR$/,
    new RegExp(`^"Starting ${app}\\.\\.\\."$`),
    /^STARTING$/,
    new RegExp(`^"Initialising download for the app: ${app}\\.\\.\\."$`),
    ...(options.isOpened ? [/^DOWNLOADING$/] : []),
    /^"Error occured while trying to pull the image: .+"$/,
    /^FAILED$/,
    /^"Entered a crashloop \(1st attempt\), retrying in \d+(\.\d+)?s"$/,
  ];
}

function assertTold(told: readonly string[], expected: readonly RegExp[]): void {
  assert.ok(
    told.length === expected.length && expected.every((one, index) => one.test(told[index] ?? "")),
    told.join("\n"),
  );
}

async function wrongPassword(world: AgentWorld): Promise<void> {
  await world.publish("Bank", "1", ticking);
  const device = world.addDevice({ studioSecret: "another-secret" });
  await using agent = await world.startAgent(device);
  await using told = await world.listen(device, "Bank");
  await world.studio.waitForStatus(device, "CONNECTED");
  await world.studio.request(device, "Bank", { target: "RUNNING" });
  await told.until('"Entered a crashloop…');
  assertTold(told.entries, failedDownload("Bank", { isOpened: false }));
  assert.match(told.entries.join("\n"), /pull the image: .*(unauthorized|denied|incorrect|authentication)/i);
  assert.ok(!told.entries.join("\n").includes(device.secret), "the secret is in the app's log");
  const login = world.registry.logins.at(-1);
  assert.match(login?.user ?? "", /^studio-/);
  assert.equal(login?.password, device.secret);
  // Once the registry knows the device, it gets there by itself.
  world.studio.store.run("UPDATE devices SET secret = ? WHERE device_key = ?", device.secret, device.deviceKey);
  await told.until('"Now running app Bank (1)"');
  assert.equal(await agent.stop(), 0);
}

async function missingImage(world: AgentWorld): Promise<void> {
  world.studio.pushed("Ghost", "1");
  const device = world.addDevice();
  await using agent = await world.startAgent(device);
  await using told = await world.listen(device, "Ghost");
  await world.studio.waitForStatus(device, "CONNECTED");
  await world.studio.request(device, "Ghost", { target: "RUNNING" });
  await told.until('"Entered a crashloop…');
  assertTold(told.entries, failedDownload("Ghost", { isOpened: false }));
  assert.match(told.entries.join("\n"), /pull the image: .*(not found|unknown)/i);
  await world.push("Ghost", "1", ticking);
  await told.until('"Now running app Ghost (1)"');
  assert.equal(await agent.stop(), 0);
}

async function foreignImages(world: AgentWorld): Promise<void> {
  await world.publish("Listed", "1", { foreign: "index" });
  await world.publish("Plain", "1", { foreign: "plain" });
  const device = world.addDevice();
  await using agent = await world.startAgent(device);
  await using listed = await world.listen(device, "Listed");
  await using plain = await world.listen(device, "Plain");
  await world.studio.waitForStatus(device, "CONNECTED");
  await world.studio.request(device, "Listed", { target: "RUNNING" });
  await listed.until('"Entered a crashloop…');
  assertTold(listed.entries, failedDownload("Listed", { isOpened: true }));
  assert.match(listed.entries.join("\n"), /pull the image: .*no matching manifest/);
  await world.studio.request(device, "Plain", { target: "RUNNING" });
  await plain.until('"Entered a crashloop…');
  assert.match(plain.entries.join("\n"), /"The app failed to start, reason: .*(exec format|exited)/);
  assert.equal(plain.entries.at(-3), "FAILED");
  await Promise.all([
    world.studio.request(device, "Listed", { target: "UNINSTALLED" }).then(() => listed.until("UNINSTALLED")),
    world.studio.request(device, "Plain", { target: "UNINSTALLED" }).then(() => plain.until("UNINSTALLED")),
  ]);
  assert.equal(await agent.stop(), 0);
}

/** Programs that never begin their work: one ends at once, one computes first, one starts others first. */
const hopeless = {
  Blank: "exit 3",
  Eager: "i=0; while [ $i -lt 40000 ]; do i=$((i+1)); done; exit 4",
  Crowd: "for i in 1 2 3 4 5; do ls -R /bin >/dev/null; done; exit 5",
};

async function neverRunning(world: AgentWorld): Promise<void> {
  const names = Object.keys(hopeless);
  for (const [name, runs] of Object.entries(hopeless)) await world.publish(name, "1", { runs });
  const device = world.addDevice();
  await using agent = await world.startAgent(device);
  await world.studio.waitForStatus(device, "CONNECTED");
  for (let round = 0; round < 3; round += 1) {
    const asked = await Promise.all(names.map((name) => world.studio.request(device, name, { target: "RUNNING" })));
    for (const [index, appName] of names.entries()) {
      const after = asked[index]?.after ?? 0;
      await world.studio.waitForReport(device, { appName, state: "FAILED" }, { after, limitMs: 30_000 });
    }
    await Promise.all(names.map((name) => world.studio.request(device, name, { target: "PRESENT" })));
    await untilQuiet({ agent });
  }
  const states = world.studio.reports(device).map(({ appName, state }) => `${appName} ${state}`);
  assert.deepEqual(states.filter((state) => state.endsWith(" RUNNING")), [], states.join());
  assert.equal(await agent.stop(), 0);
}

Deno.test("apps on a device, from its first boot on", async (test) => {
  await using world = await AgentWorld.start();
  await test.step("the first boot ends connected, with everything registered and told", () => bootOnce({ world }));
  await test.step("the life of an app", async (steps) => {
    await world.publish("Shop", "1", ticking);
    await world.publish("Shop", "2", { ...ticking, labels: { version: "2" } });
    const added = world.addDevice();
    await using agent = await world.startAgent(added);
    await using told = await world.listen(added, "Shop");
    await world.studio.waitForStatus(added, "CONNECTED");
    for (const [name, run] of Object.entries(life)) await steps.step(name, () => run({ world, agent, added, told }));
    assert.equal(await agent.stop(), 0);
  });
  await test.step("a wrong password for the registry is told, and a right one heals it", () => wrongPassword(world));
  await test.step("a missing image is told, and heals when it is there", () => missingImage(world));
  await test.step("programs that never begin their work are never RUNNING", () => neverRunning(world));
  await test.step("images for another architecture fail with a reason, and can be removed", () => foreignImages(world));
});
