import assert from "node:assert/strict";
import { DataFolder } from "../../../../lib/apps/container/data_folder.ts";
import { hasCode } from "../../../../lib/base/errors.ts";
import { id, isThere, makeWorld, modeOf, rule, variables } from "./data_folder_fixture.ts";
import { pathOf, projectRoot } from "../../../../scripts/paths.ts";

const credential = { id: "app-7-prod-e2@s", secret: "c2VjcmV0" };

Deno.test("DataFolder refuses a name that no app can have, before anything is created", async () => {
  await using world = await makeWorld();
  for (const [appName, shown] of [["../evil", "../evil"], ["", ""], ["a\0b", "a\\x00b"]] as const) {
    assert.throws(
      () => new DataFolder({ appsDir: world.appsDir }, { id, appName }),
      (error) => hasCode(error, "bad_request") && error.message === `Cannot use "${shown}" as the name of an app`,
    );
  }
  assert.ok(!await isThere(world.appsDir));
});

Deno.test("DataFolder is below the folder of its stage, in lower case", async () => {
  await using world = await makeWorld();
  assert.equal(world.app.path, `${world.appsDir}/prod/fan_ctl`);
  const dev = new DataFolder(world, { id: { appKey: 7, stage: "DEV" }, appName: "Fan_Ctl" });
  assert.equal(dev.path, `${world.appsDir}/dev/fan_ctl`);
});

Deno.test("DataFolder sets the modes of its folders and files, whatever the umask", async () => {
  await using world = await makeWorld();
  // The umask belongs to the whole process, so this takes another one.
  const script = 'umask 077; exec "$0" run --no-prompt --quiet -P=tools "$1" "$2"';
  const maker = pathOf("folder_maker.ts", import.meta.url);
  const made = await new Deno.Command("sh", {
    args: ["-c", script, Deno.execPath(), maker, world.appsDir],
    cwd: projectRoot,
    stderr: "inherit",
  }).output();
  assert.ok(made.success);
  const files = ["", "/A.txt", "/REMOTE_PORT_FOR_502.txt"].map((name) => `${world.env}${name}`);
  const paths = [world.appsDir, `${world.appsDir}/prod`, world.app.path, ...files];
  assert.deepEqual(await Promise.all(paths.map(modeOf)), ["755", "755", "755", "700", "600", "644"]);
});

Deno.test("create() leaves existing folders as they are, even behind a link", async () => {
  await using world = await makeWorld();
  await Deno.mkdir(`${world.appsDir}/prod`, { recursive: true, mode: 0o700 });
  await Deno.mkdir(`${world.appsDir}/disk`, { mode: 0o710 });
  await Deno.symlink(`${world.appsDir}/disk`, world.app.path);
  await world.app.create();
  assert.equal(await modeOf(`${world.appsDir}/prod`), "700");
  assert.equal(await modeOf(`${world.appsDir}/disk`), "710");
  await world.app.writeEnv(variables({ A: "1" }));
  assert.equal(await Deno.readTextFile(`${world.appsDir}/disk/env/A.txt`), "1");
});

Deno.test("create() fails when there is a file in the place of the folder", async () => {
  await using world = await makeWorld();
  await Deno.mkdir(`${world.appsDir}/prod`, { recursive: true });
  await Deno.writeTextFile(world.app.path, "");
  await assert.rejects(
    world.app.create(),
    (error) => hasCode(error, "io_failed") && error.message === `Cannot create the folder "${world.app.path}"`,
  );
});

Deno.test("writeEnv() writes each value unchanged into a file of its own that only root can read", async () => {
  await using world = await makeWorld();
  const values = { A: "1", EMPTY: "", "a b": " x=\\n ", LONG: "ü".repeat(30_000) };
  await world.app.writeEnv(variables(values));
  assert.deepEqual(await world.files(), {
    "A.txt": "1",
    "EMPTY.txt": "",
    "LONG.txt": "ü".repeat(30_000),
    "a b.txt": " x=\\n ",
  });
  assert.equal(await modeOf(world.app.path), "755");
  assert.equal(await modeOf(world.env), "700");
  assert.equal(await modeOf(`${world.env}/A.txt`), "600");
});

Deno.test("writeEnv() removes the files that the agent wrote before, and none of the app's", async () => {
  await using world = await makeWorld();
  await world.app.writeEnv(variables({ A: "1", B: "2", C: "3" }));
  await Deno.writeTextFile(`${world.env}/OWN.txt`, "the app's");
  await Deno.writeTextFile(`${world.env}/notes`, "the app's");
  await world.app.writeEnv(variables({ A: "9", D: "4" }));
  assert.deepEqual(await world.files(), { "A.txt": "9", "D.txt": "4", "OWN.txt": "the app's" });
  assert.ok(await isThere(`${world.env}/notes`));
  await world.app.writeEnv([]);
  assert.deepEqual(await world.files(), { "OWN.txt": "the app's" });
});

Deno.test("writeEnv() keeps variables that are only unknown at the moment", async () => {
  await using world = await makeWorld();
  const known = { APP_AUTH_ID: "id", APP_AUTH_SECRET: "s", RESWARM_URL: "u", DEVICE_URL: "d", DEVICE_LAN_IP: "i" };
  await world.app.writeEnv(variables(known));
  await world.app.writeEnv([]);
  await world.app.writeEnv([]);
  assert.deepEqual(Object.keys(await world.files()), [
    "APP_AUTH_ID.txt",
    "APP_AUTH_SECRET.txt",
    "DEVICE_URL.txt",
    "RESWARM_URL.txt",
  ]);
});

Deno.test("writeEnv() removes the device's own login that older agents left", async () => {
  await using world = await makeWorld();
  await Deno.mkdir(world.env, { recursive: true });
  await Deno.writeTextFile(`${world.env}/DEVICE_SECRET.txt`, "secret");
  await world.app.writeEnv(variables({ A: "1" }));
  assert.deepEqual(await world.files(), { "A.txt": "1" });
});

Deno.test("writeEnv() leaves an up-to-date file alone, and repairs one with another mode", async () => {
  await using world = await makeWorld();
  await world.app.writeEnv(variables({ A: "1", B: "2" }));
  const before = await Deno.stat(`${world.env}/A.txt`);
  await Deno.chmod(`${world.env}/B.txt`, 0o666);
  await Deno.chmod(world.env, 0o777);
  await world.app.writeEnv(variables({ A: "1", B: "2" }));
  assert.equal((await Deno.stat(`${world.env}/A.txt`)).ino, before.ino);
  assert.equal(await modeOf(`${world.env}/B.txt`), "600");
  assert.equal(await modeOf(world.env), "700");
});

Deno.test("writeEnv() replaces links that an app has planted, and follows none", async () => {
  await using world = await makeWorld();
  const outside = `${world.appsDir}/outside`;
  await Deno.mkdir(world.env, { recursive: true });
  await Deno.writeTextFile(outside, "precious");
  for (const name of ["A.txt", "B.txt", ".variables"]) await Deno.symlink(outside, `${world.env}/${name}`);
  await Deno.symlink(`${world.appsDir}/missing`, `${world.env}/C.txt`);
  await world.app.writeEnv(variables({ A: "1", C: "precious" }));
  await world.app.refreshCredential(credential);
  assert.equal(await Deno.readTextFile(outside), "precious");
  assert.ok(!await isThere(`${world.appsDir}/missing`));
  for (const name of ["A.txt", "C.txt", ".variables"]) {
    assert.ok((await Deno.lstat(`${world.env}/${name}`)).isFile, name);
  }
});

Deno.test("writeEnv() replaces a link in the place of the env folder", async () => {
  await using world = await makeWorld();
  const outside = `${world.appsDir}/outside`;
  await Deno.mkdir(outside, { recursive: true, mode: 0o755 });
  await world.app.create();
  await Deno.symlink(outside, world.env);
  await world.app.refreshCredential(credential);
  await world.app.refreshPorts([rule()]);
  assert.ok((await Deno.lstat(world.env)).isSymlink, "it is not touched when there is nothing to write");
  await world.app.writeEnv(variables({ A: "1" }));
  assert.deepEqual(await Array.fromAsync(Deno.readDir(outside)), []);
  assert.equal(await modeOf(outside), "755");
  assert.ok((await Deno.lstat(world.env)).isDirectory);
});

Deno.test("writeEnv() survives a record that an app has forged", async () => {
  await using world = await makeWorld();
  await world.app.create();
  await Deno.writeTextFile(`${world.app.path}/data.txt`, "mine");
  await world.app.writeEnv(variables({ A: "1" }));
  await Deno.writeTextFile(`${world.env}/.variables`, "../data\n\n/etc/passwd\nB\nA\n\0");
  await world.app.writeEnv(variables({ A: "1" }));
  assert.equal(await Deno.readTextFile(`${world.app.path}/data.txt`), "mine");
  await Deno.remove(`${world.env}/.variables`);
  await Deno.mkdir(`${world.env}/.variables/x`, { recursive: true });
  await assert.rejects(world.app.writeEnv(variables({ A: "2" })), (error) => hasCode(error, "io_failed"));
});

Deno.test("writeEnv() removes a file that a crash has left half written", async () => {
  await using world = await makeWorld();
  await world.app.writeEnv([]);
  const left = `${world.env}/.1-1700000000000-0a1b2c3d.tmp`;
  await Deno.writeTextFile(left, "secret");
  await Deno.writeTextFile(`${world.env}/.mine.tmp`, "the app's");
  await world.app.writeEnv([]);
  assert.deepEqual([await isThere(left), await isThere(`${world.env}/.mine.tmp`)], [false, true]);
});

Deno.test("writeEnv() refuses a name that leads out of the folder, before anything is created", async () => {
  await using world = await makeWorld();
  await assert.rejects(
    world.app.writeEnv(variables({ A: "1", "../../evil": "x" })),
    (error) => hasCode(error, "bad_request") && error.message === 'Cannot use "../../evil" as the name of a variable',
  );
  assert.ok(!await isThere(world.appsDir));
});

Deno.test("writeEnv() names the file that it cannot write", async () => {
  await using world = await makeWorld();
  await Deno.mkdir(`${world.env}/A.txt/x`, { recursive: true });
  await assert.rejects(
    world.app.writeEnv(variables({ A: "1" })),
    (error) => hasCode(error, "io_failed") && error.message === `Cannot write "${world.env}/A.txt"`,
  );
  const names = await Array.fromAsync(Deno.readDir(world.env), ({ name }) => name);
  assert.deepEqual(names.filter((name) => name.endsWith(".tmp")), []);
});

Deno.test("refreshCredential() writes where there are files already, and creates no folder otherwise", async () => {
  await using world = await makeWorld();
  await world.app.refreshCredential(credential);
  assert.ok(!await isThere(world.appsDir));
  await world.app.writeEnv(variables({ APP_AUTH_ID: "old", APP_AUTH_SECRET: "old" }));
  await Deno.writeTextFile(`${world.env}/DEVICE_SECRET.txt`, "secret");
  await world.app.refreshCredential(credential);
  assert.deepEqual(await world.files(), {
    "APP_AUTH_ID.txt": "app-7-prod-e2@s",
    "APP_AUTH_SECRET.txt": "c2VjcmV0",
  });
  assert.equal(await modeOf(`${world.env}/APP_AUTH_SECRET.txt`), "600");
});

Deno.test("refreshCredential() creates the folders of an app that is being set up", async () => {
  await using world = await makeWorld();
  await world.app.refreshCredential(undefined, { isSettingUp: true });
  assert.ok(!await isThere(world.appsDir));
  await world.app.refreshCredential(credential, { isSettingUp: true });
  assert.deepEqual(Object.keys(await world.files()), ["APP_AUTH_ID.txt", "APP_AUTH_SECRET.txt"]);
  assert.deepEqual([await modeOf(world.app.path), await modeOf(world.env)], ["755", "700"]);
});

Deno.test("refreshCredential() without a credential removes only the device's own login", async () => {
  await using world = await makeWorld();
  await world.app.writeEnv(variables({ APP_AUTH_ID: "old", APP_AUTH_SECRET: "old" }));
  await Deno.writeTextFile(`${world.env}/DEVICE_SECRET.txt`, "secret");
  await world.app.refreshCredential(undefined);
  assert.deepEqual(await world.files(), { "APP_AUTH_ID.txt": "old", "APP_AUTH_SECRET.txt": "old" });
});

Deno.test("deleteEnv() deletes the variables and nothing else, any number of times", async () => {
  await using world = await makeWorld();
  await world.app.deleteEnv();
  await world.app.writeEnv(variables({ A: "1" }));
  await Deno.writeTextFile(`${world.app.path}/data`, "mine");
  await world.app.deleteEnv();
  await world.app.deleteEnv();
  assert.deepEqual([await isThere(world.env), await isThere(`${world.app.path}/data`)], [false, true]);
});

Deno.test("deleteEnv() and delete() follow no links", async () => {
  await using world = await makeWorld();
  const outside = `${world.appsDir}/outside`;
  await Deno.mkdir(outside, { recursive: true });
  await Deno.writeTextFile(`${outside}/file`, "precious");
  await world.app.create();
  await Deno.symlink(outside, world.env);
  await world.app.deleteEnv();
  await world.app.writeEnv([]);
  await Deno.symlink(outside, `${world.env}/link`);
  await world.app.deleteEnv();
  await Deno.symlink(outside, `${world.app.path}/link`);
  await world.app.delete();
  assert.equal(await Deno.readTextFile(`${outside}/file`), "precious");
  assert.ok(!await isThere(world.app.path));
});

Deno.test("delete() deletes all data of the app and nothing else, any number of times", async () => {
  await using world = await makeWorld();
  const other = new DataFolder(world, { id, appName: "Fan_Ctl2" });
  await other.create();
  await world.app.writeEnv(variables({ A: "1" }));
  await world.app.delete();
  await world.app.delete();
  assert.deepEqual([await isThere(world.app.path), await isThere(other.path)], [false, true]);
});
