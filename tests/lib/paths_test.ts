/** Tests of the paths that follow from the flags, and of the folders created at the start. */

import assert from "node:assert/strict";
import { hasCode } from "../../lib/base/errors.ts";
import { silentLog } from "../../lib/base/log.ts";
import { createFolders, type Paths, pathsOf } from "../../lib/paths.ts";
import { mustRun } from "../../scripts/programs.ts";

Deno.test("pathsOf() joins inner folders with a slash and leaves files as they are", () => {
  const flags = { agentDir: "/a", appsDir: "C:\\apps", dbFileName: "my.db", logFile: "/l/r.log" };
  assert.deepEqual(pathsOf(flags, { os: "linux" }), {
    agentDir: "/a",
    appsDir: "C:\\apps",
    buildDir: "C:\\apps/build",
    composeDir: "C:\\apps/compose",
    sharedDir: "C:\\apps/shared",
    caBundleFile: "C:\\apps/certs/ca-bundle.crt",
    endpointChainFile: "/a/endpoint-chain.pem",
    downloadsDir: "/a/downloads",
    selfUpdateFile: "/a/self_update.json",
    dockerConfigDir: "/a/docker_config",
    osUpdateFile: "/a/os_update.json",
    networkChangeFile: "/a/network_change.json",
    openShellsFile: "/a/open_shells.json",
    tunnelClient: { program: "/a/frpc", configFile: "/a/frpc.yaml", logFile: "/var/log/frpc.log" },
    logPositionsDir: "/a/log_positions",
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
    assert.equal(((await Deno.stat(paths.buildDir)).mode ?? 0) & 0o777, 0o700);
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

/** A device on which an earlier agent has run with `umask 000`. */
async function makeOpenDevice(): Promise<AsyncDisposable & { paths: Paths; mode(path: string): Promise<string> }> {
  const root = await Deno.makeTempDir();
  const paths = pathsOf({ agentDir: `${root}/agent`, appsDir: `${root}/agent/apps`, dbFileName: "d", logFile: "l" });
  const { agentDir, appsDir, buildDir, composeDir, sharedDir, downloadsDir } = paths;
  const data = [`${appsDir}/prod`, `${appsDir}/prod/shop`, `${appsDir}/prod/shop/env`];
  for (const folder of [agentDir, appsDir, buildDir, composeDir, sharedDir, downloadsDir, ...data]) {
    await Deno.mkdir(folder);
    await Deno.chmod(folder, 0o777);
  }
  await Deno.writeTextFile(`${appsDir}/prod/shop/env/A.txt`, "1");
  await Deno.writeTextFile(`${sharedDir}/kept`, "kept");
  return {
    paths,
    mode: async (path) => (((await Deno.lstat(path)).mode ?? 0) & 0o7777).toString(8),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

Deno.test("#9: createFolders() takes from other users what an earlier agent has given them, and loses nothing", async () => {
  await using device = await makeOpenDevice();
  const { agentDir, appsDir, buildDir, composeDir, sharedDir, downloadsDir } = device.paths;
  await createFolders(device.paths);
  const folders = [agentDir, appsDir, buildDir, composeDir, sharedDir, downloadsDir];
  assert.deepEqual(await Promise.all(folders.map(device.mode)), ["755", "700", "700", "700", "777", "700"]);
  assert.equal(await Deno.readTextFile(`${appsDir}/prod/shop/env/A.txt`), "1");
  assert.equal(await Deno.readTextFile(`${sharedDir}/kept`), "kept");
});

Deno.test("#7: createFolders() takes over folders, and removes links, that another user has planted", {
  ignore: Deno.uid() !== 0,
}, async () => {
  await using device = await makeOpenDevice();
  const { agentDir, buildDir, composeDir } = device.paths;
  const warnings: string[] = [];
  await Deno.remove(buildDir);
  await Deno.mkdir(`${agentDir}/outside`, { mode: 0o755 });
  await Deno.symlink(`${agentDir}/outside`, buildDir);
  await mustRun("chown", ["-h", "12345:12345", buildDir, composeDir]);
  await createFolders(device.paths, { log: { ...silentLog, warn: (message) => warnings.push(message) } });
  const { isDirectory, uid } = await Deno.lstat(buildDir);
  assert.deepEqual([isDirectory, uid, (await Deno.lstat(composeDir)).uid], [true, 0, 0]);
  assert.deepEqual([await device.mode(buildDir), await device.mode(composeDir)], ["700", "700"]);
  assert.equal(await device.mode(`${agentDir}/outside`), "755");
  assert.deepEqual(warnings, ["Removed what another user has put in the place of a folder"]);
});

Deno.test("#9: createFolders() leaves a folder of everybody open, says so, and opens none in it", async () => {
  const root = await Deno.makeTempDir();
  try {
    const warnings: string[] = [];
    await Deno.mkdir(`${root}/tmp`);
    await Deno.chmod(`${root}/tmp`, 0o1777);
    const flags = { agentDir: `${root}/agent`, appsDir: `${root}/tmp`, dbFileName: "d", logFile: "l" };
    await createFolders(pathsOf(flags), { log: { ...silentLog, warn: (message) => warnings.push(message) } });
    const modes = [`${root}/tmp`, `${root}/tmp/shared`].map((path) => (Deno.statSync(path).mode ?? 0) & 0o7777);
    assert.deepEqual(modes, [0o1777, 0o755]);
    assert.deepEqual(warnings, ["Other users of the device may see the data of apps"]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
