import assert from "node:assert/strict";
import { DataFolder } from "../../../../lib/apps/container/data_folder.ts";
import { pollUntil } from "../../../../scripts/testbed/wait.ts";
import { FakeDevice } from "../../../fakes/fake_device.ts";

/** A device with real data folders, and images for two apps called Shop. */
class World extends FakeDevice {
  constructor() {
    super({ "1": {} }, (folder) => ({ folderOf: (app) => new DataFolder({ appsDir: `${folder}/apps` }, app) }));
    this.engine.registry.set("r.example.com/apps/prod_amd64_8_shop:1", {});
  }

  /** Requests a state and lets time pass until it is reported; work on folders takes real time. */
  async reach(target: string, wish: Record<string, unknown> = {}): Promise<void> {
    await this.request(target, wish);
    await pollUntil(`the app is ${target}`, async () => {
      return (await this.advance(1_000)).includes(target) || undefined;
    });
  }

  /** Writes a file into the data folder of the app of this stage; returns its path. */
  fill(stage: "PROD" | "DEV"): string {
    const path = `${this.folder}/apps/${stage.toLowerCase()}/shop`;
    Deno.mkdirSync(path, { recursive: true });
    Deno.writeTextFileSync(`${path}/data.txt`, stage);
    return `${path}/data.txt`;
  }
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    // Gone.
    return false;
  }
}

Deno.test("uninstalling an app deletes its data, and removing it does not", async () => {
  await using device = new World();
  await device.reach("RUNNING");
  const data = device.fill("PROD");
  await device.reach("REMOVED");
  assert.equal(isThere(data), true);
  await device.reach("RUNNING");
  await device.reach("UNINSTALLED");
  assert.equal(device.state, undefined);
  assert.equal(isThere(data), false);
});

Deno.test("apps of one name and two stages have separate data", async () => {
  for (const key of [7, 8]) {
    await using device = new World();
    await device.reach("RUNNING");
    // All that matters is that the agent knows an app of this stage.
    const known = { current_state: "PRESENT", target_state: "RUNNING" };
    await device.reach("FAILED", { stage: "DEV", app_key: key, ...known });
    const [data, other] = [device.fill("PROD"), device.fill("DEV")];
    await device.reach("UNINSTALLED");
    assert.deepEqual([isThere(data), isThere(other)], [false, true], `key ${key}`);
    assert.deepEqual(device.apps.list().map(({ id }) => id), [{ appKey: key, stage: "DEV" }]);
  }
});

Deno.test("data that two apps of one name and stage share is deleted with the last of them", async () => {
  await using device = new World();
  await device.reach("RUNNING");
  await device.reach("RUNNING", { app_key: 8, app_name: "SHOP" });
  const data = device.fill("PROD");
  await device.reach("UNINSTALLED", { app_key: 7 });
  assert.equal(isThere(data), true);
  assert.deepEqual(device.apps.list().map(({ id }) => id.appKey), [8]);
  await device.reach("UNINSTALLED", { app_key: 8, app_name: "SHOP" });
  assert.deepEqual(device.apps.list(), []);
  assert.equal(isThere(data), false);
});
