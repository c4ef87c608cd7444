import assert from "node:assert/strict";
import { silentLog } from "../../../lib/base/log.ts";
import { createDiskSpace, type DiskSpace } from "../../../lib/disk_space/disk_space.ts";
import type { RunProgram } from "../../../lib/docker/cli.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { never } from "../../fakes/fake_handler_device.ts";

/** The disk of a device whose `docker` is `run`, and whose dangling images `pruneDanglingImages` removes. */
function createDisk(run: RunProgram, pruneDanglingImages: () => Promise<void>): DiskSpace {
  return createDiskSpace({
    engine: {
      dataRoot: () => Promise.resolve(""),
      platform: () => Promise.resolve({ os: "linux", architecture: "amd64" }),
      pruneDanglingImages,
      stop: () => Promise.resolve(),
    },
    env: {},
    paths: { composeDir: "/nowhere", buildDir: "/nowhere" },
    config: () => ({ applianceDomain: "", boardModel: "", registryUrl: "" }),
    backend: { runRegistryGc: () => Promise.resolve(undefined) },
    isConnected: () => false,
    listApps: () => [],
    keptVolumes: () => new Set(),
    onChange: () => {},
    os: "linux",
    run,
    clock: new FakeClock(),
    log: silentLog,
  });
}

const end = { code: 0, stdout: "Total reclaimed space: 0B\n", stderr: "", droppedBytes: 0 };

Deno.test("prune() removes dangling images, or everything that no container uses with all", async () => {
  const done: unknown[] = [];
  const run: RunProgram = (program, args, { timeoutMs }) => {
    done.push([program, ...args, timeoutMs]);
    return Promise.resolve(end);
  };
  await using disk = createDisk(run, () => Promise.resolve(void done.push("dangling")));
  assert.equal(await disk.prune({ all: false }, never), undefined);
  assert.equal(await disk.prune({ all: true }, never), "Total reclaimed space: 0B\n");
  assert.deepEqual(done, ["dangling", ["docker", "system", "prune", "-af", "--volumes", 600_000]]);
});

Deno.test("#4: however many ask for a prune, one runs, and all of them get its result", async () => {
  let running = 0;
  let most = 0;
  let begun = 0;
  const work = async () => {
    begun += 1;
    most = Math.max(most, running += 1);
    await new Promise((resolve) => setTimeout(resolve, 10));
    running -= 1;
    return end;
  };
  await using disk = createDisk(work, async () => void await work());
  const gone = new AbortController();
  const leaving = disk.prune({ all: true }, gone.signal);
  const callers = Array.from({ length: 150 }, (_, index) => disk.prune({ all: index % 3 > 0 }, never));
  gone.abort();
  await assert.rejects(leaving, { code: "canceled" });
  const outputs = await Promise.all(callers);
  assert.deepEqual(new Set(outputs), new Set([undefined, end.stdout]));
  assert.deepEqual([most, begun], [1, 2]);
});
