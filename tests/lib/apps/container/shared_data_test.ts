import assert from "node:assert/strict";
import { DataFolder } from "../../../../lib/apps/container/data_folder.ts";
import { pollUntil } from "../../../../scripts/testbed/wait.ts";
import { SmallWorld } from "../../../fakes/fake_device.ts";

/** A device with real folders of apps, and two apps called Shop. */
class World extends SmallWorld {
  constructor() {
    super({ "1": {} }, (folder) => ({ folderOf: (app) => new DataFolder({ appsDir: `${folder}/apps` }, app) }));
    this.engine.registry.set("r.example.com/apps/prod_amd64_8_shop:1", {});
  }

  /** Asks for a state and lets time pass until Studio has it; folders take time of their own. */
  async reach(target: string, wish: Record<string, unknown> = {}): Promise<void> {
    await this.ask(target, wish);
    await pollUntil(`the app is ${target}`, async () => {
      return (await this.pass(1_000)).includes(target) || undefined;
    });
  }

  /** Puts data into the folder of an app of this stage. */
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

Deno.test("an app that is uninstalled takes its data along, and one that is removed leaves it", async () => {
  await using world = new World();
  await world.reach("RUNNING");
  const data = world.fill("PROD");
  await world.reach("REMOVED");
  assert.equal(isThere(data), true);
  await world.reach("RUNNING");
  await world.reach("UNINSTALLED");
  assert.equal(world.state, undefined);
  assert.equal(isThere(data), false);
});

Deno.test("apps of one name and two stages have data of their own: one goes, and the other's stays", async () => {
  for (const key of [7, 8]) {
    await using world = new World();
    await world.reach("RUNNING");
    // An app of a developer that is known, whatever becomes of it.
    await world.reach("FAILED", { stage: "DEV", app_key: key, target_state: "RUNNING" });
    const [data, other] = [world.fill("PROD"), world.fill("DEV")];
    await world.reach("UNINSTALLED");
    assert.deepEqual([isThere(data), isThere(other)], [false, true], `key ${key}`);
    assert.deepEqual(world.apps.list().map(({ id }) => id), [{ appKey: key, stage: "DEV" }]);
  }
});

Deno.test("data that two apps of one name and stage share goes with the last of them", async () => {
  await using world = new World();
  await world.reach("RUNNING");
  await world.reach("RUNNING", { app_key: 8, app_name: "SHOP" });
  const data = world.fill("PROD");
  await world.reach("UNINSTALLED", { app_key: 7 });
  assert.equal(isThere(data), true);
  assert.deepEqual(world.apps.list().map(({ id }) => id.appKey), [8]);
  await world.reach("UNINSTALLED", { app_key: 8, app_name: "SHOP" });
  assert.deepEqual(world.apps.list(), []);
  assert.equal(isThere(data), false);
});
