import assert from "node:assert/strict";
import { allRequestsLimitBytes, appLimit, requestLimitBytes } from "../../../lib/model/request_limits.ts";
import { FakeDevice } from "../../fakes/fake_device.ts";
import { longestStall } from "../../fakes/longest_stall.ts";

const kib = 1024;

/** A request for an app that nobody has made. */
function madeUp(key: number, change: Record<string, unknown> = {}): Record<string, unknown> {
  return { app_key: key, app_name: `a${key}`, stage: "PROD", target_state: "PRESENT", ...change };
}

/** Variables of so many bytes. */
function variables(bytes: number): Record<string, unknown> {
  const piece = "x".repeat(16 * kib - 20);
  const count = Math.floor(bytes / (16 * kib));
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`V${index}`, { value: piece }]));
}

/** The refusal of a request; undefined when it is accepted. */
async function refusalOf(device: FakeDevice, kwargs: Record<string, unknown>): Promise<string | undefined> {
  try {
    await device.apps.request(kwargs);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof Error && "code" in error && error.code === "bad_request", `${error}`);
    return error.message;
  }
}

/** A device whose disk is quick. */
function quickDevice(): FakeDevice {
  const device = new FakeDevice();
  device.database.sql.exec("PRAGMA synchronous = OFF");
  return device;
}

/** The bytes that the database has on the disk. */
function databaseBytes(device: FakeDevice): number {
  const files = [...Deno.readDirSync(device.folder)].filter(({ name }) => name.startsWith("reagent.db"));
  return files.reduce((sum, { name }) => sum + Deno.statSync(`${device.folder}/${name}`).size, 0);
}

Deno.test("#5: made-up apps with many variables are refused once all together take too much", async () => {
  await using device = quickDevice();
  const refusals: string[] = [];
  const stallMs = await longestStall(async () => {
    for (let key = 1; key <= 150; key += 1) {
      const text = await refusalOf(device, madeUp(key, { environment: variables(900 * kib) }));
      if (text !== undefined) refusals.push(text);
      // Other work gets its turn between requests.
      await new Promise((resolve) => setTimeout(resolve));
    }
  });
  assert.ok(stallMs < 3_000, `${stallMs} ms`);
  assert.ok(refusals.length > 70, `${refusals.length}`);
  assert.match(refusals[0] ?? "", /^Cannot store the request: all apps together would have \d+ bytes; the limit is /);
  assert.ok(databaseBytes(device) < 1.3 * allRequestsLimitBytes, `${databaseBytes(device)}`);
  const [kept] = device.apps.list();
  assert.ok(kept);
  const id = { app_key: kept.id.appKey, app_name: kept.appName };
  const parts = { environment: variables(900 * kib), environment_template: variables(900 * kib) };
  const bigger = { ...madeUp(1, id), ...parts, target_state: "RUNNING" };
  assert.match(await refusalOf(device, bigger) ?? "", /all apps together/);
  assert.equal(await refusalOf(device, { ...bigger, target_state: "PRESENT" }), undefined, "a stop is accepted");
  assert.ok(databaseBytes(device) < 1.3 * allRequestsLimitBytes, `${databaseBytes(device)}`);
  assert.equal(await refusalOf(device, { ...bigger, environment_template: {} }), undefined, "less is accepted");
  assert.equal(await refusalOf(device, { ...bigger, target_state: "REMOVED" }), undefined, "a removal is accepted");
});

Deno.test("#5: there is a limit to the number of apps, and the known ones can be changed, stopped and removed", async () => {
  await using device = quickDevice();
  for (let key = 1; key <= appLimit; key += 1) assert.equal(await refusalOf(device, madeUp(key)), undefined);
  assert.equal(
    await refusalOf(device, madeUp(appLimit + 1)),
    "Cannot store the request: the device has 500 apps, which is the limit",
  );
  for (const target_state of ["RUNNING", "PRESENT", "REMOVED"]) {
    assert.equal(await refusalOf(device, madeUp(3, { target_state })), undefined);
  }
  await device.advance(5_000);
  assert.equal(await refusalOf(device, madeUp(appLimit + 1)), undefined, "there is place again");
});

Deno.test("#5: an app may have so many bytes, and one that has more already may have less", async () => {
  await using device = quickDevice();
  const parts = { environment: variables(900 * kib), environment_template: variables(900 * kib) };
  const most = { ...parts, docker_credentials: {}, new_docker_compose: { a: "x".repeat(900 * kib) } };
  const limit = new RegExp(`^Cannot store the request: it has \\d+ bytes; the limit is ${requestLimitBytes}$`);
  assert.match(await refusalOf(device, madeUp(1, most)) ?? "", limit);
  assert.deepEqual(device.apps.list(), []);
  assert.equal(await refusalOf(device, madeUp(1, parts)), undefined);
});

Deno.test("#5: a request that leads to nothing leaves no row, no worker and no port", async () => {
  await using device = quickDevice();
  const fruitless: Record<string, unknown>[] = [
    { target_state: "REMOVED" },
    { target_state: "UNINSTALLED" },
    { target_state: "FAILED" },
    { target_state: "REMOVED", current_state: "UNINSTALLED" },
    { target_state: "REMOVED", current_state: "RUNNING" },
    { target_state: "BUILT" },
  ];
  let key = 100;
  for (const change of fruitless) {
    for (let count = 0; count < 20; count += 1) {
      key += 1;
      const ports = [{ port: 80, host_port: 30_000 + key }];
      assert.equal(await refusalOf(device, madeUp(key, { ...change, ports })), undefined);
    }
    await device.advance(10_000);
    assert.deepEqual(device.apps.list(), [], JSON.stringify(change));
    assert.equal(device.apps.workerCount, 0, JSON.stringify(change));
  }
  for (const table of ["AppStates", "RequestedAppStates", "LogHistory", "ReagentRetries", "ReagentUpdates"]) {
    assert.deepEqual(device.database.all(`SELECT * FROM ${table}`), [], table);
  }
});

Deno.test("#5: an app that is refused is reported, and what is asked for it meanwhile is done", async () => {
  await using device = quickDevice();
  assert.deepEqual(await device.request("BUILT"), ['"only DEV apps can be built"', "FAILED"]);
  await device.request("BUILT", {}, { ms: 0 });
  await device.request("RUNNING");
  assert.equal(device.state, "RUNNING");
});
