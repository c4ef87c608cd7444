import assert from "node:assert/strict";
import { existsSync } from "../../../lib/files/exists.ts";

Deno.test("existsSync() sees files, folders and broken links, and nothing else", async () => {
  const path = await Deno.makeTempDir();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(path, { recursive: true }));
  await Deno.writeTextFile(`${path}/file`, "");
  await Deno.symlink("missing", `${path}/link`);
  const found = [path, `${path}/file`, `${path}/link`, `${path}/missing`, `${path}/file/below`].map(existsSync);
  assert.deepEqual(found, [true, true, true, false, false]);
});
