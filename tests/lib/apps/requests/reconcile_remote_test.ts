import assert from "node:assert/strict";
import { AgentError } from "../../../../lib/base/errors.ts";
import { container, FakeDevice } from "../../../fakes/fake_device.ts";

const never = new AbortController().signal;
const shop = { app_key: 7, app_name: "Shop", stage: "PROD", target_state: "RUNNING", present_version: "1" };
const other = { ...shop, app_key: 9, app_name: "Other", target_state: "PRESENT" };

function states(transcript: readonly string[]): string[] {
  return transcript.filter((entry) => !entry.startsWith('"'));
}

/** A device for which Studio answers what it wants of all apps. `asked` counts the questions. */
class World extends FakeDevice {
  asked = 0;

  static async running(): Promise<World> {
    const device = new World();
    await device.apps.reconcileLocal(never);
    await device.request("RUNNING");
    assert.equal(device.state, "RUNNING");
    device.studio.clear();
    return device;
  }

  /** Studio answers with these, one after the other, and with the last one from then on. */
  answers(...answers: (unknown[] | Error)[]): void {
    this.asked = 0;
    this.studio.answer = () => {
      const answer = answers[Math.min(this.asked, answers.length - 1)] ?? [];
      this.asked += 1;
      if (answer instanceof Error) throw answer;
      return answer;
    };
  }

  /** Reconciles as on a connect and lets `ms` milliseconds pass. Returns what was thrown. */
  async connect(options: { isRepeated?: boolean; ms?: number } = {}): Promise<unknown> {
    const { isRepeated = false, ms = 5_000 } = options;
    let failure: unknown;
    const done = this.apps.reconcileRemote(never, { isRepeated }).catch((error) => failure = error);
    await this.advance(ms);
    await done;
    return failure;
  }

  /** Names of the apps with their states. */
  get list(): string[] {
    return this.apps.list().map(({ appName, state }) => `${appName} ${state}`);
  }
}

const away = new AgentError("call_failed", "the backend is away");

Deno.test("M15: a connect stores what Studio wants, reports every app and carries it out", async () => {
  await using device = await World.running();
  device.answers([{ ...shop, target_state: "PRESENT" }]);
  assert.equal(await device.connect(), undefined);
  assert.equal(states(device.studio.entries)[0], "RUNNING", "first its present state");
  assert.equal(states(device.studio.entries).at(-1), "PRESENT");
  assert.deepEqual(device.list, ["Shop PRESENT"]);
});

/** A device with this many running apps, as Studio wants them, each with a port. */
async function runningApps(count: number): Promise<World> {
  const device = new World();
  await device.apps.reconcileLocal(never);
  const rows = Array.from({ length: count }, (_, index) => {
    const ports = [{ port: 80, protocol: "tcp", port_type: "normal" }];
    return { ...shop, app_key: 100 + index, app_name: `App${index}`, newest_version: "1", ports };
  });
  for (const row of rows) {
    const reference = `r.example.com/apps/prod_amd64_${row.app_key}_${row.app_name.toLowerCase()}:1`;
    device.engine.stock(reference, {});
  }
  device.answers(rows);
  await device.connect();
  assert.deepEqual(new Set(device.apps.list().map(({ state }) => state)), new Set(["RUNNING"]));
  device.studio.clear();
  device.studio.tokenRequests = 0;
  device.engine.calls = 0;
  return device;
}

Deno.test("a connect with many apps as Studio wants them makes few calls to engine and Studio, and waits for nothing", async () => {
  await using device = await runningApps(50);
  assert.equal(await device.connect({ ms: 0 }), undefined);
  assert.equal(device.studio.reports.length, 100, "each app once when it is found and once when it is right");
  assert.ok(device.engine.calls <= 5, `there were ${device.engine.calls} calls to the engine`);
  assert.equal(device.studio.tokenRequests, 0);
});

Deno.test("after a restart, the ports of running apps are known from one snapshot", async () => {
  await using device = await runningApps(20);
  const before = device.studio.ports.at(-1)?.ports.map(({ hostPort }) => hostPort);
  await device.stopAgent();
  device.startAgent();
  device.engine.calls = 0;
  await device.apps.reconcileLocal(never);
  assert.equal(await device.connect({ ms: 0 }), undefined);
  assert.ok(device.engine.calls <= 10, `there were ${device.engine.calls} calls to the engine`);
  assert.deepEqual(device.studio.ports.at(-1)?.ports.map(({ hostPort }) => hostPort), before);
});

Deno.test("a start follows the logs of running apps from one snapshot, and a connect follows none twice", async () => {
  await using device = await World.running();
  const id = (await device.engine.inspect(container, never))?.id;
  await device.stopAgent();
  device.studio.followed.length = 0;
  device.startAgent();
  await device.apps.reconcileLocal(never);
  assert.deepEqual(device.studio.followed, [`${container} ${id}`]);
  device.answers([shop]);
  await device.connect();
  await device.connect();
  assert.equal(device.studio.followed.length, 1);
});

Deno.test("a Studio that takes reports slowly gets eight at a time", async () => {
  await using device = await runningApps(20);
  const sending = { now: 0, most: 0, mostAtEnd: 0 };
  device.studio.onReport = async () => {
    sending.most = Math.max(sending.most, sending.now += 1);
    await device.clock.sleep(200);
    sending.now -= 1;
  };
  const done = device.apps.reconcileRemote(never, { isRepeated: false }).then(() => sending.mostAtEnd = sending.most);
  await device.advance(600);
  await done;
  assert.equal(sending.mostAtEnd, 8);
});

Deno.test("an app that is requested while Studio answers is not in the answer, and stays", async () => {
  await using device = await World.running();
  device.engine.stock("r.example.com/apps/prod_amd64_9_other:1", {});
  let asked: Promise<void> | undefined;
  device.studio.answer = () => {
    asked ??= device.apps.request({ ...other, target_state: "RUNNING", newest_version: "1" });
    return [shop];
  };
  assert.equal(await device.connect(), undefined);
  await asked;
  assert.deepEqual(device.list, ["Shop RUNNING", "Other RUNNING"]);
});

Deno.test("M23: a snapshot of an app from before other work on it does not count", async () => {
  await using device = await World.running();
  device.answers([shop]);
  const isListed = Promise.withResolvers<void>();
  const mayContinue = Promise.withResolvers<void>();
  const listImages = device.engine.listImages.bind(device.engine);
  device.engine.listImages = async (signal) => {
    const images = await listImages(signal);
    isListed.resolve();
    await mayContinue.promise;
    return images;
  };
  const done = device.apps.reconcileRemote(never, { isRepeated: false });
  await isListed.promise;
  await device.advance(1);
  await device.request("PRESENT");
  assert.equal(device.state, "PRESENT");
  mayContinue.resolve();
  await done;
  await device.advance(2_000);
  assert.deepEqual(states(device.studio.entries), ["STOPPING", "PRESENT", "PRESENT", "PRESENT"]);
  assert.equal(device.engine.status(container), undefined);
});

Deno.test("a connect whose question fails still reports and carries out what is stored, and throws", async () => {
  await using device = await World.running();
  await device.stopAgent();
  await device.engine.remove(container, { force: true, signal: never });
  device.startAgent();
  await device.apps.reconcileLocal(never);
  device.answers(away);
  assert.equal(await device.connect(), away);
  assert.deepEqual(states(device.studio.entries), ["PRESENT", "STARTING", "RUNNING"]);
  assert.equal(device.engine.status(container), "running");
});

Deno.test("a repetition whose question fails neither reports nor carries out anything, and throws", async () => {
  await using device = await World.running();
  device.answers(away);
  assert.equal(await device.connect({ isRepeated: true }), away);
  assert.deepEqual(device.studio.entries, []);
});

Deno.test("a repetition that fails leaves an app in its crash loop alone", async () => {
  await using device = new World({ "1": { livesMs: 1_000, exitCode: 1 } });
  await device.apps.reconcileLocal(never);
  await device.request("RUNNING", {}, { ms: 30_000 });
  const loops = () => device.studio.entries.filter((entry) => entry.includes("crashloop"));
  assert.equal(loops().at(-1), '"Entered a crashloop (3rd attempt), retrying in 45s"');
  device.studio.clear();
  device.answers(away);
  assert.equal(await device.connect({ isRepeated: true, ms: 50_000 }), away);
  assert.deepEqual(loops(), ['"Entered a crashloop (4th attempt), retrying in 1m20s"']);
});

Deno.test("a repetition that succeeds does everything that a connect does", async () => {
  await using device = await World.running();
  device.answers([{ ...shop, target_state: "PRESENT" }]);
  assert.equal(await device.connect({ isRepeated: true }), undefined);
  assert.deepEqual([states(device.studio.entries)[0], states(device.studio.entries).at(-1)], ["RUNNING", "PRESENT"]);
});

Deno.test("apps that Studio does not name are removed, and the others stay", async () => {
  await using device = await World.running();
  device.answers([other]);
  await device.connect();
  assert.equal(device.engine.status(container), undefined);
  assert.ok(device.list.every((entry) => entry.startsWith("Other")), device.list.join());
});

Deno.test("a row that wants no state of an app protects it from removal, and changes nothing", async () => {
  await using device = await World.running();
  const before = await device.engine.inspect(container, never);
  const row = { ...shop, target_state: "INHERIT", present_version: "2", newest_version: "2", request_update: true };
  device.answers([row, { ...row, app_key: 99 }]);
  assert.equal(await device.connect(), undefined);
  assert.deepEqual(device.list, ["Shop RUNNING"], "and no app is created");
  assert.deepEqual(states(device.studio.entries), ["RUNNING", "RUNNING"]);
  assert.deepEqual(device.tags, ["1"]);
  assert.equal((await device.engine.inspect(container, never))?.startedAt, before?.startedAt);
});

Deno.test("a row that wants no state of one app protects no other", async () => {
  await using device = await World.running();
  device.answers([{ ...shop, app_key: 99, target_state: "INHERIT" }]);
  await device.connect();
  assert.deepEqual(device.list, []);
});

Deno.test("M56: a row that cannot be read protects every app, and the other rows are applied", async () => {
  for (const broken of [null, "x", {}, { ...shop, app_key: "7x" }, { ...shop, target_state: "DANCING" }]) {
    await using device = await World.running();
    device.answers([broken, other]);
    assert.equal(await device.connect(), undefined);
    const names = device.list.map((entry) => entry.split(" ")[0]);
    assert.deepEqual(names, ["Shop", "Other"], JSON.stringify(broken));
    assert.equal(device.engine.status(container), "running");
  }
});

Deno.test("when the answer names no app, Studio is asked again before anything is removed", async () => {
  await using device = await World.running();
  device.answers([], [shop]);
  await device.connect();
  assert.equal(device.asked, 2);
  assert.deepEqual(device.list, ["Shop RUNNING"]);
});

Deno.test("apps are removed when Studio names none twice, and stay when the second question fails", async () => {
  await using device = await World.running();
  device.answers([], away);
  assert.equal(await device.connect(), away);
  assert.deepEqual(device.list, ["Shop RUNNING"]);
  device.answers([], []);
  assert.equal(await device.connect(), undefined);
  assert.equal(device.asked, 2);
  assert.deepEqual(device.list, []);
  assert.equal(device.engine.status(container), undefined);
});

Deno.test("a device without apps asks once", async () => {
  await using device = new World();
  await device.apps.reconcileLocal(never);
  device.answers([]);
  assert.equal(await device.connect({ ms: 0 }), undefined);
  assert.equal(device.asked, 1);
});

Deno.test("the reports that Studio has missed of any app are sent before present states", async () => {
  await using device = await World.running();
  device.studio.isConnected = false;
  await device.request("RUNNING", { app_key: 9, app_name: "Other" });
  device.studio.isConnected = true;
  device.studio.clear();
  device.answers([shop, other]);
  await device.connect();
  const reported = device.studio.reports.map(({ id, state }) => `${id.appKey} ${state}`);
  assert.deepEqual(reported.slice(0, 2), ["9 FAILED", "7 RUNNING"]);
});

Deno.test("a request that arrives while Studio answers takes precedence over the answer", async () => {
  await using device = await World.running();
  device.studio.answer = () => {
    device.studio.clear();
    const done = device.apps.request({ ...shop, target_state: "PRESENT" });
    assert.ok(done);
    return [shop];
  };
  await device.connect();
  assert.deepEqual(device.list, ["Shop PRESENT"]);
});

/** Creates containers of the agent without anything stored of their apps. Returns what lists those that are left. */
async function createUnknown(device: World, ...names: string[]): Promise<() => string[]> {
  device.engine.stock("old:1", {});
  for (const name of names) await device.engine.create(name, { Image: "old:1", Labels: { real: "True" } }, never);
  return () => names.filter((name) => device.engine.status(name) !== undefined);
}

Deno.test("a container without an app is removed, unless Studio names its app", async () => {
  await using device = await World.running();
  const left = await createUnknown(device, "prod_9_other", "dev_9_other", "prod_11_later", "prod_12_nobody");
  device.answers([shop, { ...other, stage: "DEV" }, { ...other, app_key: 11, target_state: "INHERIT" }]);
  assert.equal(await device.connect(), undefined);
  assert.deepEqual(left(), ["dev_9_other", "prod_11_later"]);
});

Deno.test("a row that cannot be read protects containers without an app", async () => {
  await using device = await World.running();
  const left = await createUnknown(device, "prod_9_other");
  device.answers([shop, { ...other, app_name: 5 }]);
  await device.connect();
  assert.deepEqual(left(), ["prod_9_other"]);
  device.answers([shop]);
  await device.connect();
  assert.deepEqual(left(), []);
});

Deno.test("a row that cannot be stored protects the container of its app", async () => {
  await using device = await World.running();
  const left = await createUnknown(device, "prod_9_other");
  device.database.sql.exec("CREATE TRIGGER full BEFORE INSERT ON AppStates BEGIN SELECT RAISE(ABORT, 'full'); END");
  device.answers([shop, other]);
  await device.connect();
  assert.deepEqual(left(), ["prod_9_other"]);
});
