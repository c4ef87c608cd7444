/** Tests of the locks that keep a second agent away, and of local users who try to keep the first one away. */

import assert from "node:assert/strict";
import { hasCode } from "../../../lib/base/errors.ts";
import { acquireInstanceLock, type LockPaths } from "../../../lib/files/instance_lock.ts";
import { holdLock, makeFolder, startProgram } from "./lock_fixture.ts";

const isRoot = Deno.uid() === 0;
const stranger = 12_345;

/** A folder of the agent, and one that everybody may write to. */
async function makePlace(): Promise<LockPaths & AsyncDisposable> {
  const folder = await makeFolder();
  await Deno.chmod(folder.path, 0o755);
  await Deno.mkdir(`${folder.path}/own`, { mode: 0o755 });
  await Deno.mkdir(`${folder.path}/tmp`);
  await Deno.chmod(`${folder.path}/tmp`, 0o1777);
  return {
    own: `${folder.path}/own/reagent.lock`,
    shared: `${folder.path}/tmp/reagent.lock`,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

Deno.test("acquireInstanceLock() refuses a second agent and says how to stop the first", async () => {
  await using place = await makePlace();
  using first = await acquireInstanceLock(place);
  assert.deepEqual(first.warnings, []);
  const modeOf = async (path: string) => ((await Deno.stat(path)).mode ?? 0) & 0o777;
  assert.deepEqual([await modeOf(place.own), await modeOf(place.shared)], [0o600, 0o644]);
  await assert.rejects(acquireInstanceLock(place), (error) => {
    return hasCode(error, "lock_held") && error.message.includes("systemctl stop reagent") &&
      error.message.includes("already running");
  });
});

Deno.test("acquireInstanceLock() refuses an agent with other folders, and one besides the reference agent", async () => {
  await using place = await makePlace();
  {
    using _first = await acquireInstanceLock(place);
    await assert.rejects(acquireInstanceLock({ ...place, own: `${place.own}.2` }), { code: "lock_held" });
  }
  await using _reference = await holdLock(place.shared);
  await assert.rejects(acquireInstanceLock(place), { code: "lock_held" });
});

Deno.test("acquireInstanceLock() gives both locks back when it fails", async () => {
  await using place = await makePlace();
  {
    await using _reference = await holdLock(place.shared);
    await assert.rejects(acquireInstanceLock(place), { code: "lock_held" });
  }
  using _lock = await acquireInstanceLock(place);
});

Deno.test("acquireInstanceLock() names the file when its own folder is missing", async () => {
  await using place = await makePlace();
  await assert.rejects(acquireInstanceLock({ ...place, own: `${place.own}/none/lock` }), (error) => {
    return hasCode(error, "io_failed") && error.message.includes(`"${place.own}/none/lock"`);
  });
});

Deno.test("#8: a local user who holds the shared lock does not keep the agent away", { ignore: !isRoot }, async () => {
  await using place = await makePlace();
  const command = ["flock", "--no-fork", "--nonblock", place.shared, "sh", "-c", "echo held; exec cat"];
  await using holder = await startProgram(command, { uid: stranger });
  assert.equal(holder.firstLine, "held");
  using lock = await acquireInstanceLock(place);
  assert.equal(lock.warnings.length, 1);
  assert.match(lock.warnings[0] ?? "", /is held by a process of user 12345, which is no agent$/);
  await assert.rejects(acquireInstanceLock(place), { code: "lock_held" });
});

const planted: { name: string; plant(path: string): Promise<unknown> }[] = [
  { name: "a folder", plant: (path) => Deno.mkdir(path) },
  { name: "a link to nothing", plant: (path) => Deno.symlink("/nowhere/at/all", path) },
  { name: "a link to a file of root", plant: (path) => Deno.symlink("/etc/passwd", path) },
  { name: "a pipe", plant: (path) => new Deno.Command("mkfifo", { args: [path] }).output() },
  { name: "a file that nobody may read", plant: (path) => Deno.writeTextFile(path, "", { mode: 0 }) },
];

for (const { name, plant } of planted) {
  Deno.test(`#8: ${name} in the place of the shared lock does not keep the agent away`, async () => {
    await using place = await makePlace();
    await plant(place.shared);
    using _lock = await acquireInstanceLock(place);
    await assert.rejects(acquireInstanceLock(place), { code: "lock_held" });
    assert.equal((await Deno.lstat(place.own)).isFile, true);
  });
}
