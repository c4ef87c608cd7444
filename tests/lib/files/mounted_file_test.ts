// box
/** Tests of durable writing on full, read-only and single-file mounts. */

import assert from "node:assert/strict";
import { hasCode } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { writeFileDurably } from "../../../lib/files/atomic_file.ts";

const log = silentLog;

Deno.test("writeFileDurably() keeps the old content on a full disk and leaves nothing next to it", async () => {
  await using mount = await mountMemory("size=64k");
  const path = `${mount.path}/file`;
  await Deno.writeTextFile(path, "old");
  await fill(mount.path);
  await assert.rejects(
    writeFileDurably(path, "n".repeat(9_000), { log }),
    (error) => hasCode(error, "no_space") && error.message === `Cannot write "${path}"`,
  );
  assert.equal(await Deno.readTextFile(path), "old");
  assert.deepEqual((await Array.fromAsync(Deno.readDir(mount.path))).map((entry) => entry.name).sort(), [
    "file",
    "filler",
  ]);
});

Deno.test("writeFileDurably() creates no file on a full disk", async () => {
  await using mount = await mountMemory("size=64k");
  await fill(mount.path);
  await assert.rejects(writeFileDurably(`${mount.path}/file`, "new", { log }), (error) => hasCode(error, "no_space"));
  await assert.rejects(Deno.stat(`${mount.path}/file`), Deno.errors.NotFound);
});

for (const [what, before, after] of [["shorter", "a long old content", "new"], ["longer", "old", "a new content"]]) {
  Deno.test(`writeFileDurably() overwrites a file that is a mount of its own with a ${what} one`, async () => {
    await using file = await mountFile(before ?? "");
    await writeFileDurably(file.path, after ?? "", { log });
    assert.equal(await Deno.readTextFile(file.path), after);
    assert.equal(await Deno.readTextFile(file.source), after);
    const names = (await Array.fromAsync(Deno.readDir(file.folder))).map((entry) => entry.name);
    assert.deepEqual(names.sort(), ["mounted", "source"]);
  });
}

Deno.test("writeFileDurably() keeps the old content of a mounted file when its disk is full", async () => {
  await using disk = await mountMemory("size=64k");
  await Deno.writeTextFile(`${disk.path}/source`, "old");
  await fill(disk.path);
  const folder = await Deno.makeTempDir();
  const path = `${folder}/mounted`;
  await Deno.writeTextFile(path, "");
  await run("mount", "--bind", `${disk.path}/source`, path);
  try {
    await assert.rejects(writeFileDurably(path, "n".repeat(9_000), { log }), (error) => hasCode(error, "no_space"));
    assert.equal(await Deno.readTextFile(path), "old");
  } finally {
    await run("umount", path);
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("writeFileDurably() leaves a read-only file alone, whatever the folder allows", async () => {
  await using file = await mountFile("old");
  await run("mount", "-o", "remount,bind,ro", file.path);
  await assert.rejects(writeFileDurably(file.path, "new", { log }), (error) => hasCode(error, "io_failed"));
  assert.equal(await Deno.readTextFile(file.path), "old");
});

interface Mount extends AsyncDisposable {
  path: string;
}

async function mountMemory(options: string): Promise<Mount> {
  const path = await Deno.makeTempDir();
  await run("mount", "-t", "tmpfs", "-o", options, "test", path);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await run("umount", path);
      await Deno.remove(path);
    },
  };
}

/** A file that is mounted alone, as into a container. */
async function mountFile(text: string): Promise<Mount & { source: string; folder: string }> {
  const folder = await Deno.makeTempDir();
  const [path, source] = [`${folder}/mounted`, `${folder}/source`];
  await Deno.writeTextFile(source, text);
  await Deno.writeTextFile(path, "");
  await run("mount", "--bind", source, path);
  return {
    path,
    source,
    folder,
    [Symbol.asyncDispose]: async () => {
      await run("umount", path);
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Fills the disk. */
async function fill(folder: string): Promise<void> {
  using file = await Deno.open(`${folder}/filler`, { write: true, create: true });
  const block = new Uint8Array(4_096);
  await assert.rejects(async () => {
    for (let blocks = 0; blocks < 1_000; blocks++) await file.write(block);
  }, /No space left/);
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args, stdout: "null", stderr: "piped" }).output();
  assert.ok(success, `${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
