import assert from "node:assert/strict";
import type { DeviceApp } from "../../../scripts/studio/device_apps.ts";
import type { Release } from "../../../scripts/studio/releases.ts";
import { applyChange, type DesiredChange } from "../../../scripts/studio/desired_change.ts";

const app = { appKey: 42, name: "shop" };

function release(version: string, releaseKey: number): Release {
  return {
    version,
    releaseKey,
    appKey: 42,
    dockerCompose: null,
    environmentTemplate: { V: { defaultValue: version } },
  };
}

const first = release("1", 7);
const second = release("2", 8);

function decide(change: DesiredChange, known?: DeviceApp): DeviceApp {
  const named = [first, second].find(({ version }) => version === change.version);
  return applyChange(change, { app, known, newest: second, named, accountKey: 3 });
}

/** The members of an app that a change affects. */
function short({ target, presentVersion, newestVersion, releaseKey, newReleaseKey, requestUpdate }: DeviceApp): string {
  const update = requestUpdate ? " update" : "";
  return `${target} ${presentVersion}(${releaseKey}) ${newestVersion}(${newReleaseKey})${update}`;
}

/** Version 1, as reported by the device. */
const running: DeviceApp = { ...decide({ target: "RUNNING", version: "1" }), current: "RUNNING" };
const updating: DeviceApp = { ...decide({ update: true }, running), current: "UPDATING" };

Deno.test("applyChange() names the versions and the update that follow from a change", () => {
  const gone: DeviceApp = { ...running, target: "REMOVED", current: "REMOVED" };
  const table: [change: DesiredChange, known: DeviceApp | undefined, expected: string][] = [
    [{ target: "RUNNING" }, undefined, "RUNNING 2(8) 2(8)"],
    [{ target: "RUNNING", version: "1" }, undefined, "RUNNING 1(7) 1(7)"],
    [{ target: "PRESENT" }, running, "PRESENT 1(7) 2(8)"],
    [{ target: "RUNNING", version: "1" }, running, "RUNNING 1(7) 2(8)"],
    [{ update: true }, running, "RUNNING 1(7) 2(8) update"],
    [{ update: true, version: "2", target: "PRESENT" }, running, "PRESENT 1(7) 2(8) update"],
    [{ target: "PRESENT" }, updating, "PRESENT 1(7) 2(8) update"],
    [{ target: "REMOVED" }, updating, "REMOVED 1(7) 2(8)"],
    [{ target: "RUNNING" }, gone, "RUNNING 2(8) 2(8)"],
    [{ target: "UNINSTALLED" }, gone, "UNINSTALLED 2(8) 2(8)"],
  ];
  for (const [change, known, expected] of table) {
    assert.equal(short(decide(change, known)), expected, `${JSON.stringify(change)} after ${known && short(known)}`);
  }
});

Deno.test("applyChange() refuses changes that make no sense", () => {
  const table: [change: DesiredChange, known: DeviceApp | undefined, text: string][] = [
    [{ update: true }, undefined, '"shop" is not installed'],
    [{ target: "REMOVED" }, undefined, '"shop" was never on this device'],
    [{ target: "RUNNING", version: "2" }, running, 'Version 1 of "shop" is installed; update it to 2 instead'],
    [{ update: true, version: "1" }, running, 'Version 1 of "shop" is already installed'],
    [{}, running, "A change needs a target state"],
  ];
  for (const [change, known, text] of table) assert.throws(() => decide(change, known), { message: text });
});

Deno.test("applyChange() keeps environment, instance and epoch until they are named again", () => {
  const change = { target: "RUNNING", environment: { A: "1", B: 2 }, instanceKey: 5, appCredEpoch: 3 } as const;
  const installed = decide({ ...change, version: "1" });
  assert.deepEqual(installed.environment, { A: { value: "1" }, B: { value: 2 } });
  assert.deepEqual(installed.environmentTemplate, { V: { defaultValue: "1" } });
  const stopped = decide({ target: "PRESENT" }, { ...installed, current: "RUNNING" });
  assert.deepEqual(stopped.environment, installed.environment);
  assert.equal(stopped.instanceKey, 5);
  assert.equal(stopped.appCredEpoch, 3);
  const emptied = decide({ target: "PRESENT", environment: {} }, { ...installed, current: "RUNNING" });
  assert.deepEqual(emptied.environment, {});
});

Deno.test("applyChange() keeps the definition of a DEV app until it is replaced", () => {
  const [one, two] = [{ services: { a: {} } }, { services: { b: {} } }];
  const known = { ...decide({ target: "BUILT", stage: "DEV", dockerCompose: one }), current: "PRESENT" } as const;
  assert.deepEqual(known.dockerCompose, one);
  assert.deepEqual(decide({ target: "RUNNING", stage: "DEV" }, known).dockerCompose, one);
  assert.deepEqual(decide({ target: "BUILT", stage: "DEV", dockerCompose: two }, known).newDockerCompose, two);
});
