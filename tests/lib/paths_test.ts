/** Tests of the paths that follow from the flags, and of the folders created at the start. */

import assert from "node:assert/strict";
import { hasCode } from "../../lib/base/errors.ts";
import { createFolders, pathsOf } from "../../lib/paths.ts";

Deno.test("pathsOf() joins inner folders with a slash and leaves files as they are", () => {
  const flags = { agentDir: "/a", appsDir: "C:\\apps", dbFileName: "my.db", logFile: "/l/r.log" };
  assert.deepEqual(pathsOf(flags, { os: "linux" }), {
    agentDir: "/a",
    appsDir: "C:\\apps",
    buildDir: "C:\\apps/build",
    composeDir: "C:\\apps/compose",
    sharedDir: "C:\\apps/shared",
    downloadsDir: "/a/downloads",
    dbFile: "my.db",
    profilingTokenFile: "/a/profiling.token",
    logFile: "/l/r.log",
    locks: { own: "/a/reagent.lock", shared: "/tmp/ironflock-reagent.lock" },
  });
});

Deno.test("pathsOf() gives one lock file per machine, whatever the flags", () => {
  const sharedLockOf = (agentDir: string, machine: { os: string; programData?: string }) =>
    pathsOf({ agentDir, appsDir: agentDir, dbFileName: "d", logFile: "l" }, machine).locks.shared;
  assert.equal(sharedLockOf("/a", { os: "darwin" }), sharedLockOf("/b", { os: "linux" }));
  assert.equal(sharedLockOf("/a", { os: "windows", programData: "D:\\Data" }), "D:\\Data\\ironflock-reagent.lock");
  assert.equal(sharedLockOf("/a", { os: "windows" }), "C:\\ProgramData\\ironflock-reagent.lock");
});

Deno.test("createFolders() creates all folders, leaves existing ones, and can run twice", async () => {
  const root = await Deno.makeTempDir();
  try {
    const paths = pathsOf({ agentDir: `${root}/deep/agent`, appsDir: `${root}/apps`, dbFileName: "d", logFile: "l" });
    await Deno.mkdir(paths.appsDir, { mode: 0o700 });
    await createFolders(paths);
    await Deno.writeTextFile(`${paths.sharedDir}/kept`, "kept");
    await createFolders(paths);
    for (const name of ["build", "compose", "shared", "shared/kept"]) await Deno.stat(`${paths.appsDir}/${name}`);
    assert.ok((await Deno.stat(`${root}/deep/agent/downloads`)).isDirectory);
    assert.equal(((await Deno.stat(paths.appsDir)).mode ?? 0) & 0o777, 0o700);
    assert.equal(((await Deno.stat(paths.buildDir)).mode ?? 0) & 0o777, 0o777 & ~Deno.umask());
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("createFolders() names the folder that cannot be created and creates none after it", async () => {
  const root = await Deno.makeTempDir();
  try {
    const paths = pathsOf({ agentDir: `${root}/agent`, appsDir: `${root}/apps`, dbFileName: "d", logFile: "l" });
    await Deno.mkdir(paths.appsDir);
    await Deno.writeTextFile(paths.composeDir, "a file in the way");
    await assert.rejects(createFolders(paths), (error) => {
      return hasCode(error, "io_failed") && error.message === `Cannot create the folder "${paths.composeDir}"`;
    });
    assert.ok((await Deno.stat(paths.buildDir)).isDirectory);
    await assert.rejects(Deno.stat(paths.sharedDir), Deno.errors.NotFound);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
