/** Tests of an app in whose folder the agent has ended twice. */

import assert from "node:assert/strict";
import { DataFolder } from "../../../lib/apps/container/data_folder.ts";
import { WorkJournal } from "../../../lib/apps/work/work_journal.ts";
import { untilAborted } from "../../../lib/async/deadline.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { pollUntil } from "../../../scripts/testbed/wait.ts";
import { FakeDevice } from "../../fakes/fake_device.ts";

const boot = { id: "boot", uptimeMs: 1_000 };

function journalOf(folder: string): WorkJournal {
  return new WorkJournal({ path: `${folder}/notes`, readBoot: () => ({ ...boot }), log: silentLog });
}

/** A data folder whose deletion takes forever while `isStuck()`. */
class SlowFolder extends DataFolder {
  readonly #isStuck: () => boolean;

  constructor(isStuck: () => boolean, ...rest: ConstructorParameters<typeof DataFolder>) {
    super(...rest);
    this.#isStuck = isStuck;
  }

  override async delete(signal: AbortSignal): Promise<void> {
    if (this.#isStuck()) await untilAborted(signal);
    signal.throwIfAborted();
    await super.delete(signal);
  }
}

/** A device with an app that was being uninstalled when its agent ended, again and again. */
class World extends FakeDevice {
  constructor(state: { isStuck: boolean }) {
    super({ "1": {} }, (folder) => ({
      folderOf: (app) => new SlowFolder(() => state.isStuck, { appsDir: `${folder}/apps` }, app),
      workJournal: journalOf(folder),
    }));
  }

  static async make({ ends }: { ends: number }): Promise<World> {
    boot.uptimeMs = 1_000;
    const state = { isStuck: true };
    const world = new World(state);
    await world.request("RUNNING");
    await world.see("RUNNING");
    await world.request("UNINSTALLED");
    await world.see("REMOVED");
    await world.stopAgent();
    for (let count = 0; count < ends; count += 1) {
      // A process that ends here leaves its note.
      await new Promise<void>((begun) => {
        const work = () => new Promise(() => begun());
        void journalOf(world.folder).run({ id: { appKey: 7, stage: "PROD" }, what: "deleting its data" }, work);
      });
    }
    state.isStuck = false;
    world.studio.clear();
    world.startAgent();
    await world.apps.reconcileLocal(new AbortController().signal);
    return world;
  }

  /** Waits until a state is reported; work on folders takes real time. */
  async see(state: string): Promise<void> {
    await pollUntil(`the app is ${state}`, async () => (await this.advance(200)).includes(state) || undefined);
  }

  get isAlone(): boolean {
    const text = "The agent has ended 2 times while deleting its data, and leaves this app alone; it tries again in ";
    return this.studio.entries.some((entry) => entry.startsWith(`"${text}60 min`));
  }
}

Deno.test("an app in whose folder the agent has ended once is brought to its wanted state", async () => {
  await using world = await World.make({ ends: 1 });
  await world.see("UNINSTALLED");
  assert.deepEqual([world.apps.list(), world.isAlone], [[], false]);
});

Deno.test("#1: an app in whose folder the agent has ended twice fails with the reason, until Studio requests something", async () => {
  await using world = await World.make({ ends: 2 });
  await world.see("FAILED");
  assert.equal(world.isAlone, true);
  world.studio.clear();
  await world.clock.advance(600_000);
  assert.deepEqual(world.studio.entries, [], "it is left alone");
  await world.request("UNINSTALLED");
  await world.see("UNINSTALLED");
  assert.deepEqual([world.apps.list(), world.isAlone], [[], false]);
});

Deno.test("#1: an app in whose folder the agent has ended twice is tried again after an hour", async () => {
  await using world = await World.make({ ends: 2 });
  await world.see("FAILED");
  boot.uptimeMs += 3_600_000;
  await world.clock.advance(3_600_000);
  await world.see("UNINSTALLED");
  assert.deepEqual(world.apps.list(), []);
});
