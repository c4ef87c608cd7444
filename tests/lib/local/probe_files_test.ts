import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { flagDefaults } from "../../../lib/flags/defaults.ts";
import type { ProbeSite } from "../../../lib/local/doctor/probe_site.ts";
import { probeConfig, probeDatabase, probeDisks, probePermissions } from "../../../lib/local/doctor/probe_files.ts";

/** A folder, and a site whose files all lie in it. */
interface Place extends AsyncDisposable {
  folder: string;
  site: ProbeSite;
}

async function makePlace(): Promise<Place> {
  const folder = await Deno.makeTempDir();
  const flags = {
    ...flagDefaults({ os: "linux", homeDir: folder }),
    agentDir: folder,
    appsDir: `${folder}/apps`,
    config: `${folder}/device.flock`,
    dbFileName: `${folder}/reagent.db`,
    logFile: `${folder}/reagent.log`,
  };
  return {
    folder,
    site: { flags, config: undefined, agent: undefined, engineEnvironment: {}, environment: {} },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("probeConfig() reads the .flock file, and says what is wrong with it", async () => {
  await using place = await makePlace();
  const { flags } = place.site;
  const path = flags.config;
  const probe = async () => (await probeConfig(flags, undefined)).probe;
  assert.deepEqual(await probe(), { kind: "missing", path });
  assert.deepEqual((await probeConfig({ ...flags, config: "" }, undefined)).probe, { kind: "unnamed" });
  const noFile = await probeConfig({ ...flags, config: place.folder }, undefined);
  assert.deepEqual(noFile.probe, {
    kind: "broken",
    path: place.folder,
    reason: "it is no file of a sensible size",
  });
  await Deno.writeTextFile(path, "{");
  assert.equal((await probe()).kind, "broken");
  await Deno.writeTextFile(path, '\ufeff{"serial_number":"x-1","device_key":"seven"}');
  const read = await probeConfig(flags, undefined);
  assert.equal(read.values?.serialNumber, "x-1");
  assert.ok(read.probe.kind === "read" && read.probe.missing.includes("secret"), JSON.stringify(read.probe));
  assert.match(read.probe.wrongTypes.join(), /^device_key must be a whole number .* got text$/);
});

Deno.test("probeDatabase() looks at every page and changes nothing", async () => {
  await using place = await makePlace();
  const path = place.site.flags.dbFileName;
  assert.deepEqual(await probeDatabase(path), { kind: "absent", path });
  {
    using database = new DatabaseSync(path);
    database.exec("CREATE TABLE t (a TEXT); CREATE INDEX i ON t (a)");
    const insert = database.prepare("INSERT INTO t VALUES (?)");
    for (let count = 0; count < 2_000; count += 1) insert.run(`a row of some length ${count}`);
  }
  assert.deepEqual(await probeDatabase(path), { kind: "sound" });
  const bytes = await Deno.readFile(path);
  const damaged = bytes.slice();
  damaged.fill(0xff, bytes.length / 2, bytes.length / 2 + 8_192);
  await Deno.writeFile(path, damaged);
  const found = await probeDatabase(path);
  assert.equal(found.kind, "damaged");
  assert.deepEqual(await Deno.readFile(path), damaged);
  await Deno.writeTextFile(path, "no database at all");
  assert.equal((await probeDatabase(path)).kind, "damaged");
  await Deno.truncate(path, 600 * 1024 * 1024);
  assert.deepEqual(await probeDatabase(path), { kind: "unchecked", why: `"${path}" is too big to be checked` });
  assert.equal((await probeDatabase(`${path}/below`)).kind, "unchecked");
});

Deno.test("probeDisks() names each file system once, and says which has the images", async () => {
  await using place = await makePlace();
  const [disk, ...more] = await probeDisks(place.site, place.folder);
  assert.deepEqual([disk?.path, disk?.isEngine, more.length], [place.folder, true, 0]);
  assert.ok(disk !== undefined && disk.totalBytes > disk.freeBytes && disk.freeBytes > 0);
  assert.deepEqual((await probeDisks(place.site, undefined)).map(({ isEngine }) => isEngine), [false]);
  const nowhere = { ...place.site.flags, agentDir: `${place.folder}/none`, appsDir: `${place.folder}/none` };
  assert.deepEqual(await probeDisks({ ...place.site, flags: nowhere }, undefined), []);
});

const rights: readonly [
  file: "folder" | "config" | "dbFileName" | "logFile",
  mode: number,
  problem: string | undefined,
][] = [
  ["folder", 0o755, undefined],
  ["folder", 0o775, "can be changed by others"],
  ["config", 0o600, undefined],
  ["config", 0o640, undefined],
  ["config", 0o644, "can be read by others"],
  ["config", 0o602, "can be changed by others"],
  ["dbFileName", 0o640, "can be read by others"],
  ["dbFileName", 0o620, "can be changed by others"],
  ["logFile", 0o600, undefined],
  ["logFile", 0o604, "can be read by others"],
];

for (const [file, mode, problem] of rights) {
  Deno.test(`probePermissions() of ${file} with mode ${mode.toString(8)}: ${problem ?? "fine"}`, async () => {
    await using place = await makePlace();
    const path = file === "folder" ? place.folder : place.site.flags[file];
    await Deno.chmod(place.folder, 0o755);
    if (file !== "folder") await Deno.writeTextFile(path, "");
    await Deno.chmod(path, mode);
    const found = await probePermissions(place.site);
    const loose = problem === undefined ? [] : [{ path, problem }];
    assert.deepEqual(found, { kind: "looked", isRoot: Deno.uid() === 0, loose });
  });
}
