import assert from "node:assert/strict";
import { findProcesses } from "../../../lib/host/find_processes.ts";
import { pollUntil } from "../../../scripts/testbed/wait.ts";

Deno.test("findProcesses() finds a process by its arguments, until it has ended", async () => {
  const child = new Deno.Command("sleep", { args: ["1234.5"] }).spawn();
  const find = () => findProcesses(([, time]) => time === "1234.5");
  try {
    // It has no arguments yet when the call that starts it returns.
    await pollUntil("it is found", () => Promise.resolve(find().length > 0 || undefined));
    assert.deepEqual(find(), [child.pid]);
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
  assert.deepEqual(find(), []);
});

Deno.test("findProcesses() finds nothing on a system without such a list", () => {
  assert.deepEqual(findProcesses(() => true, { procDir: "/nonexistent" }), []);
});
