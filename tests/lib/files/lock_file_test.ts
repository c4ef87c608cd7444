/** Tests of locks on files, also against flock(1), which locks as other agents do. */

import assert from "node:assert/strict";
import { type FileLock, lockFile } from "../../../lib/files/lock_file.ts";
import { holdLock, makeFolder, startProgram } from "./lock_fixture.ts";

const mode = 0o644;

async function lock(path: string): Promise<FileLock> {
  const outcome = await lockFile(path, mode);
  assert.ok(outcome.kind === "locked", outcome.kind);
  return outcome.lock;
}

Deno.test("lockFile() refuses a second holder and names the user of the first", async () => {
  await using folder = await makeFolder();
  using first = await lock(`${folder.path}/lock`);
  assert.equal(first.path, `${folder.path}/lock`);
  assert.deepEqual(await lockFile(first.path, mode), { kind: "held", holderUid: Deno.uid() ?? 0 });
});

Deno.test("lockFile() can be called again after the first let go, and leaves the file", async () => {
  await using folder = await makeFolder();
  const path = `${folder.path}/lock`;
  (await lock(path))[Symbol.dispose]();
  assert.ok((await Deno.stat(path)).isFile);
  (await lock(path))[Symbol.dispose]();
});

Deno.test("lockFile() creates the file with its mode, whatever the umask", async () => {
  await using folder = await makeFolder();
  await using holder = await holdLock(`${folder.path}/lock`, { umask: "077" });
  assert.equal(holder.firstLine, "locked");
  assert.equal(((await Deno.stat(`${folder.path}/lock`)).mode ?? 0) & 0o777, mode);
});

Deno.test("the lock ends with a process that is killed", async () => {
  await using folder = await makeFolder();
  const path = `${folder.path}/lock`;
  {
    await using holder = await holdLock(path);
    assert.equal(holder.firstLine, "locked");
    assert.equal((await lockFile(path, mode)).kind, "held");
  }
  using _lock = await lock(path);
});

Deno.test("lockFile() is excluded by flock(2) of another program, and excludes it", async () => {
  await using folder = await makeFolder();
  const path = `${folder.path}/lock`;
  {
    const program = ["sh", "-c", "echo held; exec cat"];
    await using other = await startProgram(["flock", "--no-fork", "--nonblock", path, ...program]);
    assert.equal(other.firstLine, "held");
    assert.equal((await lockFile(path, mode)).kind, "held");
  }
  using _lock = await lock(path);
  const { code } = await new Deno.Command("flock", { args: ["--nonblock", "--conflict-exit-code", "75", path, "true"] })
    .output();
  assert.equal(code, 75);
});

Deno.test("lockFile() does not take a removed or replaced file for the lock", async () => {
  await using folder = await makeFolder();
  const path = `${folder.path}/lock`;
  using _first = await lock(path);
  await Deno.rename(path, `${folder.path}/moved`);
  using _second = await lock(path);
  assert.equal((await lockFile(path, mode)).kind, "held");
});

Deno.test("lockFile() locks the file that is there while it is replaced all the time", async () => {
  await using folder = await makeFolder();
  const path = `${folder.path}/lock`;
  const stop = new AbortController();
  const replacing = (async () => {
    for (let round = 0; round < 100_000 && !stop.signal.aborted; round++) {
      await Deno.writeTextFile(`${folder.path}/other`, "");
      await Deno.rename(`${folder.path}/other`, path);
    }
  })();
  try {
    for (let round = 0; round < 20; round++) {
      const outcome = await lockFile(path, mode);
      assert.notEqual(outcome.kind, "held");
      if (outcome.kind === "locked") outcome.lock[Symbol.dispose]();
    }
  } finally {
    stop.abort();
    await replacing;
  }
  using _lock = await lock(path);
  assert.equal((await lockFile(path, mode)).kind, "held");
});

Deno.test("lockFile() locks a file of another user in a shared folder", { ignore: Deno.uid() !== 0 }, async () => {
  await using folder = await makeFolder();
  const path = `${folder.path}/lock`;
  await Deno.chmod(folder.path, 0o1777);
  await Deno.writeTextFile(path, "");
  await Deno.chown(path, 12_345, 12_345);
  await Deno.chmod(path, 0o444);
  using _lock = await lock(path);
});

Deno.test("#8: lockFile() waits for no pipe, and follows no link", async () => {
  await using folder = await makeFolder();
  await new Deno.Command("mkfifo", { args: [`${folder.path}/pipe`] }).output();
  await Deno.mkdir(`${folder.path}/folder`);
  await Deno.symlink(`${folder.path}/elsewhere`, `${folder.path}/link`);
  for (const name of ["pipe", "folder"]) {
    assert.deepEqual(await lockFile(`${folder.path}/${name}`, mode), { kind: "unusable", reason: "it is not a file" });
  }
  assert.deepEqual(await lockFile(`${folder.path}/link`, mode), { kind: "unusable", reason: "it is a link" });
  await assert.rejects(Deno.lstat(`${folder.path}/elsewhere`), Deno.errors.NotFound);
});
