/** Tests of the config file: what is refused, what is written, and what Studio changes. */

import assert from "node:assert/strict";
import { type ErrorCode, hasCode } from "../../lib/base/errors.ts";
import type { Log } from "../../lib/base/log.ts";
import { ConfigFile } from "../../lib/config.ts";
import { mustRun } from "../../scripts/programs.ts";

const content = {
  name: "pump",
  secret: "hunter2-hunter2",
  swarm_key: 12,
  device_key: 345,
  serial_number: "serial",
  device_endpoint_url: "ws://router/ws",
  docker_registry_url: "registry.ironflock.com/",
  docker_main_repository: "apps/",
};

Deno.test("ConfigFile.open() brings the file into its normal form once, and keeps its mode", async () => {
  await using world = await makeWorld(JSON.stringify(content));
  await Deno.chmod(world.path, 0o640);
  const file = await ConfigFile.open(world.path, { log: world.log });
  assert.equal(file.current.swarmKey, 12);
  const { ino, mode } = await Deno.stat(world.path);
  assert.equal((mode ?? 0) & 0o777, 0o640);
  const text = await Deno.readTextFile(world.path);
  assert.ok(text.startsWith('{\n "name": "pump",\n "secret"') && text.endsWith("\n}"));
  await ConfigFile.open(world.path, { log: world.log });
  assert.equal((await Deno.stat(world.path)).ino, ino, "the second start must not write");
  assert.deepEqual(world.warnings, []);
});

Deno.test("#9: ConfigFile.open() takes the right to read it from other users, with a warning, also when it is mounted", async () => {
  for (const isMounted of [false, true]) {
    await using world = await makeWorld(JSON.stringify(content));
    await Deno.chmod(world.path, 0o644);
    await using stack = new AsyncDisposableStack();
    let path = world.path;
    if (isMounted) {
      path = `${world.folder}/mounted.flock`;
      await Deno.writeTextFile(path, "");
      await mustRun("mount", ["--bind", world.path, path]);
      stack.defer(async () => void await mustRun("umount", [path]));
    }
    const file = await ConfigFile.open(path, { log: world.log });
    assert.equal(file.current.secret, content.secret);
    assert.equal(((await Deno.stat(world.path)).mode ?? 0) & 0o7777, 0o600);
    const text = "Other users could read or change the config file; its mode is 0600 from now on";
    assert.deepEqual(world.warnings, [text]);
    await ConfigFile.open(path, { log: world.log });
    assert.equal(world.warnings.length, 1);
  }
});

Deno.test("#7: ConfigFile.open() waits for no pipe, neither in its place nor among what interrupted writes have left", async () => {
  await using world = await makeWorld("");
  await mustRun("mkfifo", [`${world.folder}/.device.flock.1-1700000000000-0a1b2c3d.tmp`]);
  await assert.rejects(ConfigFile.open(world.path, { log: world.log }), (error) => hasCode(error, "config_broken"));
  await Deno.remove(world.path);
  await mustRun("mkfifo", [world.path]);
  await assert.rejects(ConfigFile.open(world.path, { log: world.log }), (error) => hasCode(error, "config_missing"));
});

Deno.test("ConfigFile.open() warns of missing fields and wrong types by name, without values", async () => {
  await using world = await makeWorld(JSON.stringify({ ...content, secret: ["hunter2"], serial_number: "" }));
  const file = await ConfigFile.open(world.path, { log: world.log });
  assert.equal(file.current.secret, "");
  assert.deepEqual(world.warnings, [
    "Ignoring a config field: secret must be text, got a list",
    "The config file lacks serial_number",
  ]);
});

const refused: [what: string, bytes: string | Uint8Array, code: ErrorCode, reason: RegExp][] = [
  ["an empty file", "", "config_broken", /it is empty/],
  ["a truncated file", JSON.stringify(content).slice(0, -5), "config_broken", /it is not valid JSON \(line 1/],
  ["a list", "[]", "config_broken", /it is not a JSON object/],
  ["zeros after a power loss", new Uint8Array(512), "config_broken", /it is not valid JSON/],
  ["a web page", "<html>hunter2-hunter2</html>", "config_broken", /it is not valid JSON \(line 1, column 1\)/],
  ["UTF-16", new Uint8Array([0xff, 0xfe, 0x7b, 0, 0x7d, 0]), "config_broken", /it is not valid JSON/],
  ["a file of 5 MB", `{"x":"${"x".repeat(5_000_000)}"}`, "config_broken", /more than 4194304 bytes/],
];

for (const [what, bytes, code, reason] of refused) {
  Deno.test(`ConfigFile.open() refuses ${what} and leaves it untouched`, async () => {
    await using world = await makeWorld(bytes);
    const before = await Deno.stat(world.path);
    await assert.rejects(ConfigFile.open(world.path, { log: world.log }), (error) => {
      return hasCode(error, code) && reason.test(error.message) && error.message.includes(world.path) &&
        !error.message.includes("hunter2") && error.cause === undefined;
    });
    const after = await Deno.stat(world.path);
    assert.deepEqual([after.ino, after.size, after.mtime], [before.ino, before.size, before.mtime]);
    assert.deepEqual((await Array.fromAsync(Deno.readDir(world.folder))).length, 1);
  });
}

Deno.test("ConfigFile.open() reports that a file is missing, and creates none", async () => {
  await using world = await makeWorld("{}");
  for (const path of [`${world.folder}/none.flock`, world.folder, `${world.path}/x`]) {
    await assert.rejects(ConfigFile.open(path, { log: world.log }), (error) => {
      return hasCode(error, "config_missing") && error.message.includes(`"${path}"`);
    });
  }
  assert.equal((await Array.fromAsync(Deno.readDir(world.folder))).length, 1);
});

Deno.test("ConfigFile.open() reads a file with a byte order mark and removes the mark", async () => {
  await using world = await makeWorld(`\ufeff${JSON.stringify(content)}`);
  const file = await ConfigFile.open(world.path, { log: world.log });
  assert.equal(file.current.name, "pump");
  assert.equal((await Deno.readTextFile(world.path))[0], "{");
});

Deno.test("ConfigFile.open() warns of bytes that are not UTF-8", async () => {
  const bytes = new TextEncoder().encode(JSON.stringify({ ...content, name: "B?ro" }));
  bytes[bytes.indexOf(0x3f)] = 0xfc;
  await using world = await makeWorld(bytes);
  const file = await ConfigFile.open(world.path, { log: world.log });
  assert.equal(file.current.name, "B\ufffdro");
  assert.deepEqual(world.warnings, ["The config file has bytes that are not UTF-8"]);
});

Deno.test("ConfigFile.open() writes through a symbolic link", async () => {
  await using world = await makeWorld(JSON.stringify(content));
  await Deno.symlink("device.flock", `${world.folder}/link.flock`);
  await ConfigFile.open(`${world.folder}/link.flock`, { log: world.log });
  assert.ok((await Deno.lstat(`${world.folder}/link.flock`)).isSymlink);
  assert.ok((await Deno.readTextFile(world.path)).startsWith("{\n "));
});

Deno.test("ConfigFile.open() restores a file from what was being written when it was broken", async () => {
  await using world = await makeWorld(JSON.stringify(content).slice(0, 90));
  const left = (pid: number) => `${world.folder}/.device.flock.${pid}-1700000000000-0a1b2c3d.tmp`;
  await Deno.writeTextFile(left(1), JSON.stringify({ ...content, name: "whole" }));
  await Deno.writeTextFile(left(2), `{"name": "hal`);
  const file = await ConfigFile.open(world.path, { log: world.log });
  assert.equal(file.current.name, "whole");
  assert.deepEqual(world.warnings, ["Writing the config file was interrupted; restoring it"]);
  assert.ok((await Deno.readTextFile(world.path)).startsWith('{\n "name": "whole"'));
  assert.deepEqual((await Array.fromAsync(Deno.readDir(world.folder))).map(({ name }) => name), ["device.flock"]);
});

Deno.test("refresh() stores what Studio knows, saves it, and reports a change of the project", async () => {
  await using world = await makeWorld(JSON.stringify({ ...content, swarm_name: "plant" }));
  const file = await ConfigFile.open(world.path, { log: world.log });
  assert.deepEqual(await file.refresh({ name: "pump 8", swarmOwnerName: "joe", swarmKey: 12 }), {
    swarmKeyChanged: false,
  });
  assert.deepEqual(await file.refresh({ swarmKey: 13 }), { swarmKeyChanged: true });
  const { name, swarmName, swarmOwnerName, swarmKey } = file.current;
  const expected = { name: "pump 8", swarmName: "plant", swarmOwnerName: "joe", swarmKey: 13 };
  assert.deepEqual({ name, swarmName, swarmOwnerName, swarmKey }, expected);
  const again = await ConfigFile.open(world.path, { log: world.log });
  assert.deepEqual(again.current, file.current);
});

Deno.test("refresh() does not write when nothing has changed, nor anything but the known fields", async () => {
  await using world = await makeWorld(JSON.stringify(content));
  const file = await ConfigFile.open(world.path, { log: world.log });
  const before = await Deno.stat(world.path);
  const metadata = { name: "pump", swarmKey: 12, reswarmBaseURL: "https://studio" };
  await file.refresh(metadata);
  assert.equal((await Deno.stat(world.path)).ino, before.ino);
  await file.refresh({ ...metadata, swarmKey: 14 });
  assert.ok(!(await Deno.readTextFile(world.path)).includes("studio"));
});

for (const swarmKey of [-1, 1.5, Number.NaN, 2 ** 53]) {
  Deno.test(`refresh() refuses a swarm_key of ${swarmKey} and changes nothing`, async () => {
    await using world = await makeWorld(JSON.stringify(content));
    const file = await ConfigFile.open(world.path, { log: world.log });
    const [text, config] = [await Deno.readTextFile(world.path), file.current];
    await assert.rejects(file.refresh({ name: "other", swarmKey }), (error) => hasCode(error, "bad_request"));
    assert.equal(await Deno.readTextFile(world.path), text);
    assert.equal(file.current, config);
  });
}

Deno.test("refresh() keeps the last of several values that come at once", async () => {
  await using world = await makeWorld(JSON.stringify(content));
  const file = await ConfigFile.open(world.path, { log: world.log });
  await Promise.all([1, 2, 3, 4].map((swarmKey) => file.refresh({ name: `n${swarmKey}`, swarmKey })));
  const again = await ConfigFile.open(world.path, { log: world.log });
  assert.deepEqual([again.current.name, again.current.swarmKey], ["n4", 4]);
});

Deno.test("refresh() keeps values in memory when the file cannot be written, and saves them when it can be again", async () => {
  await using world = await makeWorld(JSON.stringify(content));
  const file = await ConfigFile.open(world.path, { log: world.log });
  await Deno.rename(world.path, `${world.folder}/away`);
  await Deno.mkdir(world.path);
  assert.deepEqual(await file.refresh({ swarmKey: 13 }), { swarmKeyChanged: true });
  assert.equal(file.current.swarmKey, 13);
  assert.deepEqual(world.warnings, ["Cannot save the config file; going on with its values in memory"]);
  await Deno.remove(world.path);
  await Deno.rename(`${world.folder}/away`, world.path);
  await file.refresh({ swarmKey: 13 });
  assert.match(await Deno.readTextFile(world.path), /"swarm_key": 13,/);
});

interface World extends AsyncDisposable {
  folder: string;
  path: string;
  log: Log;
  warnings: string[];
}

async function makeWorld(bytes: string | Uint8Array): Promise<World> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/device.flock`;
  await Deno.writeFile(path, typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes, { mode: 0o600 });
  const warnings: string[] = [];
  const log: Log = {
    trace() {},
    debug() {},
    info() {},
    warn: (message) => warnings.push(message),
    error: (message) => warnings.push(message),
    fatal: (message) => warnings.push(message),
  };
  return { folder, path, log, warnings, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

Deno.test("change 4: adoptUpdateUrl() counts at once and lasts; what Studio does not name stays", async () => {
  await using world = await makeWorld(JSON.stringify({ ...content, update_url: "https://old.example.com" }));
  const file = await ConfigFile.open(world.path, { log: world.log });
  const adopting = file.adoptUpdateUrl("https://new.example.com/reagent");
  assert.equal(file.current.updateUrl, "https://new.example.com/reagent");
  await adopting;
  await file.refresh({ swarmKey: 12 });
  const { ino } = await Deno.stat(world.path);
  await file.adoptUpdateUrl("https://new.example.com/reagent");
  assert.equal((await Deno.stat(world.path)).ino, ino, "the same base must not be written again");
  const again = await ConfigFile.open(world.path, { log: world.log });
  assert.deepEqual(again.current, file.current);
  assert.equal(again.current.updateUrl, "https://new.example.com/reagent");
});

Deno.test("change 4: adoptUpdateUrl() changes nothing on an appliance, which others get their agents from", async () => {
  await using world = await makeWorld(JSON.stringify({ ...content, board: { model: "appliance" } }));
  const file = await ConfigFile.open(world.path, { log: world.log });
  await file.adoptUpdateUrl("https://new.example.com");
  assert.equal(file.current.updateUrl, "");
  assert.equal((await ConfigFile.open(world.path, { log: world.log })).current.updateUrl, "");
});

Deno.test("change 4: a base that cannot be stored counts in memory, with a warning", async () => {
  await using world = await makeWorld(JSON.stringify(content));
  const file = await ConfigFile.open(world.path, { log: world.log });
  await Deno.rename(world.path, `${world.folder}/away`);
  await Deno.mkdir(world.path);
  await file.adoptUpdateUrl("https://new.example.com");
  assert.equal(file.current.updateUrl, "https://new.example.com");
  assert.deepEqual(world.warnings, ["Cannot save the config file; going on with its values in memory"]);
});
