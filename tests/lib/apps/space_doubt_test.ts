import assert from "node:assert/strict";
import { Health } from "../../../lib/apps/watch/health.ts";
import { AppRecords } from "../../../lib/apps/state/app_records.ts";
import { AgentError, type ErrorCode } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import type { PullSpace } from "../../../lib/disk_space/pull_space.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { Folder } from "../store/samples.ts";
import type { Release } from "../../fakes/fake_engine.ts";
import { container, SmallWorld } from "../../fakes/fake_device.ts";
import { quietDevice } from "../../fakes/fake_surroundings.ts";

const never = new AbortController().signal;
const update = { newest_version: "2", new_release_key: 8, request_update: true };
const again = { present_version: "2", newest_version: "2", release_key: 8, new_release_key: 8 };

/** A device whose disks a test fills. */
class World extends SmallWorld {
  /** What every start fails with before there is a container. */
  failure: ErrorCode | undefined;
  room: PullSpace = { kind: "fits" };

  constructor(releases: Record<string, Release>) {
    super(releases, (folder) => ({
      checkPull: () => Promise.resolve(this.room),
      folderOf: (app) => {
        const create = () => {
          return this.failure === undefined
            ? Promise.resolve()
            : Promise.reject(new AgentError(this.failure, "it does not work"));
        };
        return { ...quietDevice(folder).folderOf(app), create };
      },
    }));
  }

  /** The release that Studio has heard of last. */
  get release(): number | undefined {
    return this.studio.reports.at(-1)?.releaseKey;
  }
}

/** A device that was updated to version 2, which is on probation, and stopped. */
async function onProbation(releases: Record<string, Release> = { "1": {}, "2": {} }): Promise<World> {
  const world = new World(releases);
  await world.ask("RUNNING", { release_key: 7 });
  await world.ask("PRESENT", update);
  assert.deepEqual([world.state, world.release], ["PRESENT", 8]);
  return world;
}

Deno.test("a start that fails costs a release on probation its place", async () => {
  await using world = await onProbation();
  world.failure = "io_failed";
  await world.ask("RUNNING", again);
  assert.equal(world.release, 7);
});

Deno.test("a disk that is full is no fault of the release on probation, in whatever words starts fail after it", async () => {
  await using world = await onProbation();
  world.failure = "no_space";
  await world.ask("RUNNING", again);
  assert.deepEqual([world.state, world.release], ["FAILED", 8]);
  world.failure = "io_failed";
  const told = await world.pass(30_000);
  assert.equal(told.filter((entry) => entry.includes("it does not work")).length, 3);
  assert.equal(world.release, 8);
  world.failure = undefined;
  await world.pass(60_000);
  assert.deepEqual([world.state, world.release], ["RUNNING", 8]);
});

Deno.test("a minute after the disk was full a failed start is the fault of the release again", async () => {
  await using world = await onProbation();
  world.failure = "no_space";
  await world.ask("RUNNING", again);
  world.failure = "io_failed";
  await world.pass(55_000);
  assert.equal(world.release, 8);
  await world.pass(60_000);
  assert.equal(world.release, 7);
});

Deno.test("an app on probation that ends right after the disk was full is started again", async () => {
  await using world = await onProbation({ "1": {}, "2": { livesMs: 8_000, exitCode: 4 } });
  world.failure = "no_space";
  await world.ask("RUNNING", again);
  world.failure = undefined;
  const told = await world.pass(14_500);
  assert.ok(told.includes('"Shop (PROD) exited with status code: 4"'));
  assert.deepEqual([world.state, world.release], ["FAILED", 8]);
});

Deno.test("wasDiskFull() is true for a minute after a full disk, and for nothing else", async () => {
  using folder = new Folder();
  using database = folder.open();
  const clock = new FakeClock();
  const nothing = () => {};
  const records = new AppRecords({ database, clock });
  const parts = { records, retryDelayMs: () => 1, onRetry: nothing, onProbationOver: nothing, keep: nothing };
  const health = new Health({ appKey: 7, stage: "PROD" }, { ...parts, clock, log: silentLog });
  assert.equal(health.wasDiskFull(), false);
  health.recordError(new AgentError("io_failed", "it does not work"));
  assert.equal(health.wasDiskFull(), false);
  health.recordError(new AgentError("no_space", "no space left on device"));
  await clock.advance(59_999);
  assert.equal(health.wasDiskFull(), true);
  await clock.advance(1);
  assert.equal(health.wasDiskFull(), false);
});

Deno.test("an image that does not fit is refused with the figures, before anything is touched, and comes when there is room", async () => {
  await using world = new World({ "1": {}, "2": {} });
  await world.ask("RUNNING", { release_key: 7 });
  const before = await world.engine.inspect(container, never);
  world.room = { kind: "noSpace", neededBytes: 2_048, freeBytes: 1_024 };
  const told = await world.ask("RUNNING", update);
  const text =
    "there is not enough room on the disk: about 2048 bytes (2.0 KiB) are needed, 1024 bytes (1.0 KiB) are free";
  assert.ok(told.includes(`"Error occured while trying to pull the image: ${text}"`));
  assert.ok(told.includes('"The update to version 2 will be tried again in 5 s"'));
  assert.deepEqual([world.state, world.release, world.tags], ["RUNNING", 7, ["1"]]);
  assert.deepEqual(await world.engine.inspect(container, never), before);
  world.room = { kind: "fits" };
  await world.pass(10_000);
  assert.deepEqual([world.state, world.release], ["RUNNING", 8]);
});
