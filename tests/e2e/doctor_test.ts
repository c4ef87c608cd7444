// box engine registry crossbar
/** `reagent doctor` on devices that are fine, and on such that are not. */

import assert from "node:assert/strict";
import { isDict, parseJson } from "../../lib/base/json.ts";
import type { Check } from "../../lib/local/doctor/judge.ts";
import { mustRun } from "../../scripts/programs.ts";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import { AgentFixture } from "./agent_fixture.ts";
import { runReagent } from "./local_fixture.ts";

type Results = Record<string, string>;

interface Place {
  folder: string;
  flockFile: string;
  databaseFile: string;
  logFile: string;
}

/** The results that are not ok, by name. */
async function notOk(
  place: Place,
  options: { env?: Record<string, string>; before?: readonly string[]; secret?: string } = {},
): Promise<{ results: Results; code: number; checks: Check[] }> {
  const { code, stdout, stderr } = await runReagent(place, ["doctor", "--json"], options);
  const report = parseJson(stdout);
  assert.ok(isDict(report) && Array.isArray(report.checks), `${stdout}${stderr}`);
  const checks: Check[] = report.checks;
  for (const { name, result, text, advice } of checks) {
    assert.ok(
      text !== "" && (result === "ok" ? advice === "" : /^[A-Z].+\.$/.test(advice)),
      `${name}: ${text} ${advice}`,
    );
  }
  assert.ok(options.secret === undefined || !`${stdout}${stderr}`.includes(options.secret), "the secret is shown");
  // The disk of the machine that runs the tests may be fuller than that of a device.
  const bad = checks.filter(({ name, result }) => result !== "ok" && !(name === "disk" && result === "warn"));
  return { results: Object.fromEntries(bad.map(({ name, result }) => [name, result])), code, checks };
}

async function fine(fixture: AgentFixture): Promise<void> {
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device);
  await fixture.studio.waitForStatus(device, "CONNECTED");
  await fixture.publish("Lamp", "1.0.0", { tickMs: 1_000 });
  const { after } = await fixture.studio.request(device, "Lamp", { target: "RUNNING" });
  await fixture.studio.waitForReport(device, { appName: "Lamp", state: "RUNNING" }, { after, limitMs: 30_000 });
  const { results, code, checks } = await notOk(agent, { secret: device.secret });
  assert.deepEqual(results, {}, JSON.stringify(checks, null, 1));
  assert.equal(code, 0);
  assert.match(checks.find(({ name }) => name === "registry")?.text ?? "", /accepts the login/);
  const shown = await runReagent(agent, ["doctor"]);
  assert.match(shown.stdout, /^ok {4}clock +It shows .+$/m);
  assert.match(shown.stdout, /\n\n\d+ ok, \d warn, 0 fail\n$/);
  assert.equal(await agent.stop(), 0);
}

const isNightly = Deno.env.get("REAGENT_FAULTS") === "all";

/** Devices on which no agent runs. */
interface Trouble {
  name: string;
  /** In every run, not only in nightly ones: a run of the doctor takes a second or two. */
  isQuick?: true;
  flock?: Record<string, unknown> | string;
  env?: Record<string, string>;
  before?: readonly string[];
  prepare?(place: Place): Promise<void>;
  expected: Results;
}

const troubles: readonly Trouble[] = [
  { name: "the agent is down", expected: { agent: "fail" } },
  {
    name: "the engine is stopped",
    isQuick: true,
    env: { DOCKER_HOST: "unix:///run/nowhere.sock" },
    expected: { agent: "fail", engine: "fail" },
  },
  {
    name: "the secret is wrong",
    isQuick: true,
    flock: { secret: "another-secret-9xK" },
    expected: { agent: "fail", router: "fail" },
  },
  {
    name: "the router is away",
    flock: { device_endpoint_url: "ws://127.0.0.1:9/ws" },
    expected: { agent: "fail", router: "fail" },
  },
  {
    name: "the .flock file is broken",
    flock: '{"name": "pump", "secret": "s3cr',
    expected: {
      ...{ agent: "fail", clock: "warn", config: "fail" },
      ...{ dns: "warn", proxy: "warn", registry: "warn", router: "warn", tls: "warn" },
    },
  },
  {
    name: "the proxy is away",
    flock: { device_endpoint_url: "ws://router.example:8080/ws" },
    env: { HTTP_PROXY: "http://127.0.0.1:9", NO_PROXY: "127.0.0.1" },
    expected: { agent: "fail", proxy: "fail", router: "fail" },
  },
  {
    name: "the name is unknown",
    flock: { device_endpoint_url: "ws://nowhere.invalid:8080/ws" },
    expected: { agent: "fail", dns: "fail", router: "fail" },
  },
  {
    name: "the clock is wrong",
    isQuick: true,
    env: {
      LD_PRELOAD: "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
      ...{ FAKETIME_DONT_FAKE_MONOTONIC: "1", NO_FAKE_STAT: "1", FAKETIME: "+2d" },
    },
    expected: { agent: "fail", clock: "fail" },
  },
  {
    name: "the disk is nearly full",
    prepare: async ({ folder }) => {
      await mustRun("mount", ["-t", "tmpfs", "-o", "size=8m,mode=0755", "small", folder]);
      await Deno.writeFile(`${folder}/noise`, new Uint8Array(7 * 1024 * 1024));
    },
    expected: { agent: "fail", disk: "fail" },
  },
  {
    name: "there are no inodes left",
    prepare: async ({ folder }) => {
      await mustRun("mount", ["-t", "tmpfs", "-o", "size=100m,nr_inodes=20,mode=0755", "small", folder]);
      for (let index = 0; index < 19; index += 1) await Deno.writeTextFile(`${folder}/${index}`, "");
    },
    expected: { agent: "fail", inodes: "fail" },
  },
  {
    name: "others can change the agent",
    prepare: ({ folder }) => Deno.chmod(folder, 0o777),
    expected: { agent: "fail", permissions: "fail" },
  },
  {
    name: "the database is damaged",
    prepare: ({ databaseFile }) => Deno.writeTextFile(databaseFile, "x".repeat(5_000), { mode: 0o600 }),
    expected: { agent: "fail", database: "fail" },
  },
];

async function trouble(fixture: AgentFixture, device: AddedDevice, given: Trouble): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "d-" });
  const files = await Deno.makeTempDir({ prefix: "d-" });
  const place = {
    folder,
    flockFile: `${files}/device.flock`,
    databaseFile: `${files}/reagent.db`,
    logFile: `${files}/x`,
  };
  const flock = typeof given.flock === "string" ? given.flock : JSON.stringify({ ...device.flock, ...given.flock });
  await Deno.writeTextFile(place.flockFile, flock, { mode: 0o600 });
  try {
    await given.prepare?.(place);
    const env = { DOCKER_HOST: fixture.engine.host, ...given.env };
    const secret = given.name === "the secret is wrong" ? "another-secret-9xK" : device.secret;
    const { results, code, checks } = await notOk(place, { env, secret });
    // There is no database before the first start.
    if (results.database === "warn") delete results.database;
    assert.deepEqual(results, given.expected, JSON.stringify(checks, null, 1));
    assert.equal(code, 1);
  } finally {
    await mustRun("sh", ["-c", 'umount "$0" 2>/dev/null; rm -rf "$0" "$1"', folder, files]);
  }
}

async function hanging(fixture: AgentFixture): Promise<void> {
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device);
  await fixture.studio.waitForStatus(device, "CONNECTED");
  agent.signal("SIGSTOP");
  const { checks } = await notOk(agent, { env: { DOCKER_HOST: fixture.engine.host } });
  assert.equal(checks.find(({ name }) => name === "agent")?.text, "It runs and does not answer");
}

Deno.test("doctor", async (test) => {
  await using fixture = await AgentFixture.start();
  await test.step("finds nothing on a device that works", () => fine(fixture));
  if (isNightly) await test.step("finds that the agent hangs", () => hanging(fixture));
  const device = fixture.addDevice();
  for (const given of troubles.filter(({ isQuick = false }) => isQuick || isNightly)) {
    await test.step(`finds that ${given.name}`, () => trouble(fixture, device, given));
  }
});
