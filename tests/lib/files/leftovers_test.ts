import assert from "node:assert/strict";
import { readLeftovers } from "../../../lib/files/leftovers.ts";

Deno.test("readLeftovers() returns what interrupted writes of this file have left, newest first", async () => {
  const path = await Deno.makeTempDir();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(path, { recursive: true }));
  const name = (pid: number) => `${path}/.file.${pid}-1700000000000-0a1b2c3d.tmp`;
  for (const [pid, text] of [[1, "older"], [2, "newer"]] as const) {
    await Deno.writeTextFile(name(pid), text);
    await Deno.utime(name(pid), pid, pid);
  }
  await Deno.writeTextFile(`${path}/.other.1-1700000000000-0a1b2c3d.tmp`, "another file's");
  await Deno.symlink("file", `${path}/link`);
  assert.deepEqual(await readLeftovers(`${path}/file`), ["newer", "older"]);
  assert.deepEqual(await readLeftovers(`${path}/link`), ["newer", "older"]);
  assert.deepEqual(await readLeftovers(`${path}/missing/file`), []);
});
