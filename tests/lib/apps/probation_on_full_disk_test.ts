import assert from "node:assert/strict";
import { AgentError, type ErrorCode } from "../../../lib/base/errors.ts";
import type { PullSpace } from "../../../lib/disk_space/pull_space.ts";
import type { Release } from "../../fakes/fake_engine.ts";
import { container, FakeDevice } from "../../fakes/fake_device.ts";
import { quietDevice } from "../../fakes/fake_surroundings.ts";

const never = new AbortController().signal;
const update = { newest_version: "2", new_release_key: 8, request_update: true };
const again = { present_version: "2", newest_version: "2", release_key: 8, new_release_key: 8 };

/** A device whose disks a test can fill. */
class FullDevice extends FakeDevice {
  /** What every start fails with before its container is created. */
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

  /** The release that was reported last. */
  get release(): number | undefined {
    return this.studio.reports.at(-1)?.releaseKey;
  }
}

/** A device that was updated to version 2, which is on probation, and stopped. */
async function onProbation(releases: Record<string, Release> = { "1": {}, "2": {} }): Promise<FullDevice> {
  const device = new FullDevice(releases);
  await device.request("RUNNING", { release_key: 7 });
  await device.request("PRESENT", update);
  assert.deepEqual([device.state, device.release], ["PRESENT", 8]);
  return device;
}

Deno.test("a release on probation is rolled back when its start fails", async () => {
  await using device = await onProbation();
  device.failure = "io_failed";
  await device.request("RUNNING", again);
  assert.equal(device.release, 7);
});

Deno.test("a full disk is not the fault of the release on probation, whatever errors its starts fail with afterwards", async () => {
  await using device = await onProbation();
  device.failure = "no_space";
  await device.request("RUNNING", again);
  assert.deepEqual([device.state, device.release], ["FAILED", 8]);
  device.failure = "io_failed";
  const entries = await device.advance(30_000);
  assert.equal(entries.filter((entry) => entry.includes("it does not work")).length, 3);
  assert.equal(device.release, 8);
  device.failure = undefined;
  await device.advance(60_000);
  assert.deepEqual([device.state, device.release], ["RUNNING", 8]);
});

Deno.test("a minute after the disk was full, a failed start is the fault of the release again", async () => {
  await using device = await onProbation();
  device.failure = "no_space";
  await device.request("RUNNING", again);
  device.failure = "io_failed";
  await device.advance(55_000);
  assert.equal(device.release, 8);
  await device.advance(60_000);
  assert.equal(device.release, 7);
});

Deno.test("an app on probation that ends right after the disk was full is started again", async () => {
  await using device = await onProbation({ "1": {}, "2": { livesMs: 8_000, exitCode: 4 } });
  device.failure = "no_space";
  await device.request("RUNNING", again);
  device.failure = undefined;
  const entries = await device.advance(14_500);
  assert.ok(entries.includes('"Shop (PROD) exited with status code: 4"'));
  assert.deepEqual([device.state, device.release], ["FAILED", 8]);
});

Deno.test("an image that does not fit is refused with the sizes before anything is touched, and pulled once there is space", async () => {
  await using device = new FullDevice({ "1": {}, "2": {} });
  await device.request("RUNNING", { release_key: 7 });
  const before = await device.engine.inspect(container, never);
  device.room = { kind: "noSpace", neededBytes: 2_048, freeBytes: 1_024 };
  const entries = await device.request("RUNNING", update);
  const text =
    "there is not enough room on the disk: about 2048 bytes (2.0 KiB) are needed, 1024 bytes (1.0 KiB) are free";
  assert.ok(entries.includes(`"Error occured while trying to pull the image: ${text}"`));
  assert.ok(entries.includes('"The update to version 2 will be tried again in 5 s"'));
  assert.deepEqual([device.state, device.release, device.tags], ["RUNNING", 7, ["1"]]);
  assert.deepEqual(await device.engine.inspect(container, never), before);
  device.room = { kind: "fits" };
  await device.advance(10_000);
  assert.deepEqual([device.state, device.release], ["RUNNING", 8]);
});
