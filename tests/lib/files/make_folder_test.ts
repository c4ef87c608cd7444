import assert from "node:assert/strict";
import { makeFolderSync } from "../../../lib/files/make_folder.ts";

function modeOf(path: string): number {
  return (Deno.statSync(path).mode ?? 0) & 0o7777;
}

Deno.test("makeFolderSync() creates missing folders with their modes, and leaves existing ones as they are", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/there`, { mode: 0o710 });
    makeFolderSync(`${root}/there/a/b/`, { mode: 0o700 });
    assert.deepEqual(["there", "there/a", "there/a/b"].map((name) => modeOf(`${root}/${name}`)), [0o710, 0o755, 0o700]);
    makeFolderSync(`${root}/there/a`, { mode: 0o777 });
    assert.equal(modeOf(`${root}/there/a`), 0o755);
    makeFolderSync(`${root}/x/y`, { mode: 0o777, parentMode: 0o700 });
    assert.deepEqual([modeOf(`${root}/x`), modeOf(`${root}/x/y`)], [0o700, 0o777]);
    await Deno.symlink(`${root}/x`, `${root}/link`);
    makeFolderSync(`${root}/link`, { mode: 0o755 });
    assert.equal(modeOf(`${root}/x`), 0o700);
    await Deno.writeTextFile(`${root}/file`, "");
    assert.throws(() => makeFolderSync(`${root}/file`, { mode: 0o700 }), Deno.errors.AlreadyExists);
    assert.throws(() => makeFolderSync(`${root}/file/x`, { mode: 0o700 }));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
