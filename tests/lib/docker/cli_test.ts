import assert from "node:assert/strict";
import { pruneSystem, type RunProgram } from "../../../lib/docker/cli.ts";
import { never } from "../../fakes/fake_handler_device.ts";

const options = { signal: never, timeoutMs: 1_000 };

function ends(end: { code: number; stdout: string; stderr: string }): RunProgram {
  return () => Promise.resolve({ ...end, droppedBytes: 0 });
}

Deno.test("pruneSystem() runs docker system prune and returns its output", async () => {
  const runs: unknown[] = [];
  const run: RunProgram = (program, args, limits) => {
    runs.push([program, ...args, limits]);
    return Promise.resolve({ code: 0, stdout: "Total reclaimed space: 0B\n", stderr: "", droppedBytes: 0 });
  };
  assert.equal(await pruneSystem(run, options), "Total reclaimed space: 0B\n");
  assert.deepEqual(runs, [["docker", "system", "prune", "-af", "--volumes", options]]);
});

Deno.test("pruneSystem() reports the program's error", async () => {
  await assert.rejects(pruneSystem(ends({ code: 1, stdout: "half\n", stderr: "cannot connect\n" }), options), {
    code: "command_failed",
    message: "Cannot prune the engine: exit status 1: cannot connect",
  });
  await assert.rejects(pruneSystem(ends({ code: 2, stdout: "no plugin\n", stderr: "" }), options), {
    message: "Cannot prune the engine: exit status 2: no plugin",
  });
});
