import assert from "node:assert/strict";
import { silentLog } from "../../../lib/base/log.ts";
import { createDiskSpace } from "../../../lib/disk_space/disk_space.ts";
import type { RunProgram } from "../../../lib/docker/cli.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { never } from "../../fakes/fake_handler_device.ts";

Deno.test("prune() removes dangling images, or everything that no container uses with all", async () => {
  const done: unknown[] = [];
  const run: RunProgram = (program, args, { timeoutMs }) => {
    done.push([program, ...args, timeoutMs]);
    return Promise.resolve({ code: 0, stdout: "Total reclaimed space: 0B\n", stderr: "", droppedBytes: 0 });
  };
  await using disk = createDiskSpace({
    engine: {
      dataRoot: () => Promise.resolve(""),
      platform: () => Promise.resolve({ os: "linux", architecture: "amd64" }),
      pruneDanglingImages: () => Promise.resolve(void done.push("dangling")),
      stop: () => Promise.resolve(),
    },
    env: {},
    paths: { composeDir: "/nowhere", buildDir: "/nowhere" },
    config: () => ({ applianceDomain: "", boardModel: "", registryUrl: "" }),
    backend: { runRegistryGc: () => Promise.resolve(undefined) },
    isConnected: () => false,
    listApps: () => [],
    onChange: () => {},
    os: "linux",
    run,
    clock: new FakeClock(),
    log: silentLog,
  });
  assert.equal(await disk.prune({ all: false }, never), undefined);
  assert.equal(await disk.prune({ all: true }, never), "Total reclaimed space: 0B\n");
  assert.deepEqual(done, ["dangling", ["docker", "system", "prune", "-af", "--volumes", 600_000]]);
});
