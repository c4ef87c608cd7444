import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { silentLog } from "../../../lib/base/log.ts";
import { readApps, writeAppState } from "../../../lib/store/app_rows.ts";
import { completeRebuild, openWithRecovery } from "../../../lib/store/recovery.ts";
import { Folder } from "./samples.ts";

const now = new Date("2031-03-05T07:00:00.123Z");
const junk = "this is not a database ".repeat(300);
const options = { log: silentLog, now };

/** A database with one app and some pages. */
function fill(folder: Folder): void {
  using database = folder.open();
  const id = { appKey: 7, stage: "PROD" } as const;
  const app = { id, appName: "shop", state: "RUNNING", version: "1", releaseKey: 1, target: "RUNNING" } as const;
  writeAppState(database, app, { now });
  database.transaction(() => {
    for (let key = 1; key <= 500; key += 1) {
      database.run(
        "INSERT INTO LogHistory (app_name, app_key, stage, log_type, log) VALUES (?, ?, 'PROD', 'APP', ?)",
        ...[`app${key}`, key, "x".repeat(100)],
      );
    }
  });
}

function modeOf(path: string): number {
  return (Deno.statSync(path).mode ?? 0) & 0o777;
}

function namesIn(folder: Folder): string[] {
  return [...Deno.readDirSync(folder.path)].map(({ name }) => name).sort();
}

const damages: { name: string; damage(path: string): void }[] = [
  { name: "no database", damage: (path) => Deno.writeTextFileSync(path, junk) },
  {
    name: "full of holes",
    damage: (path) => {
      const bytes = Deno.readFileSync(path);
      Deno.writeFileSync(path, bytes.fill(0xa5, 8_192, bytes.length - 4_096));
    },
  },
  { name: "cut in half", damage: (path) => Deno.truncateSync(path, Math.floor(Deno.statSync(path).size / 2)) },
  {
    name: "without its schema",
    damage: (path) => Deno.writeFileSync(path, Deno.readFileSync(path).fill(0, 100, 4_096)),
  },
];

for (const { name, damage } of damages) {
  Deno.test(`openWithRecovery() sets a file aside that is ${name}, unchanged, and opens an empty database`, () => {
    using folder = new Folder();
    fill(folder);
    damage(folder.file());
    Deno.chmodSync(folder.file(), 0o644);
    const damaged = Deno.readFileSync(folder.file());
    const { database, damagedPath } = openWithRecovery(folder.file(), options);
    using _open = database;
    assert.equal(damagedPath, `${folder.file()}.damaged-2031-03-05T07-00-00.123`);
    assert.ok(Deno.readFileSync(damagedPath).every((byte, index) => byte === damaged[index]));
    assert.deepEqual(readApps(database), []);
    assert.deepEqual([modeOf(folder.file()), modeOf(damagedPath)], [0o600, 0o600]);
  });
}

Deno.test("openWithRecovery() leaves no side file of the damaged database next to the empty one", () => {
  using folder = new Folder();
  for (const suffix of ["", "-wal", "-shm", "-journal"]) {
    Deno.writeTextFileSync(folder.file(), junk);
    if (suffix !== "") Deno.writeTextFileSync(`${folder.file()}${suffix}`, "x".repeat(5_000));
    const { database, damagedPath } = openWithRecovery(folder.file(), options);
    database[Symbol.dispose]();
    const left = namesIn(folder).filter((name) => !name.includes("damaged"));
    assert.deepEqual(left, ["reagent.db"], suffix);
    assert.equal(damagedPath && Deno.readTextFileSync(damagedPath), junk, suffix);
  }
  // SQLite itself removes the others.
  assert.equal(namesIn(folder).filter((name) => name.endsWith("-shm")).length, 1);
});

Deno.test("openWithRecovery() keeps a file that is not damaged, and creates a missing one", () => {
  using folder = new Folder();
  const made = openWithRecovery(folder.file(), options);
  made.database[Symbol.dispose]();
  assert.equal(made.damagedPath, undefined);
  fill(folder);
  const { database, damagedPath } = openWithRecovery(folder.file(), options);
  using _open = database;
  assert.equal(damagedPath, undefined);
  assert.equal(readApps(database).length, 1);
  assert.deepEqual(namesIn(folder).filter((name) => name.includes("damaged")), []);
});

Deno.test("openWithRecovery() does not replace a database that another process has locked", () => {
  using folder = new Folder();
  fill(folder);
  const holder = new DatabaseSync(folder.file());
  holder.exec("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE");
  try {
    assert.throws(() => openWithRecovery(folder.file(), options), { code: "store_failed", message: /locked/ });
  } finally {
    holder.close();
  }
  assert.deepEqual(namesIn(folder).filter((name) => name.includes("damaged")), []);
  using database = folder.open();
  assert.equal(readApps(database).length, 1);
});

Deno.test("openWithRecovery() does not replace what it cannot open, whatever words are in its path", () => {
  using folder = new Folder();
  for (const name of ["reagent.db", "corrupt.db", "is damaged.db", "disk image.db"]) {
    const path = folder.file(name);
    Deno.mkdirSync(path);
    assert.throws(() => openWithRecovery(path, options), { code: "store_failed" }, name);
    assert.throws(() => openWithRecovery(`${path}/none/reagent.db`, options), { code: "store_failed" }, name);
    assert.ok(Deno.statSync(path).isDirectory, name);
  }
  assert.equal(namesIn(folder).length, 4);
});

Deno.test("openWithRecovery() keeps the last two files that it has set aside, and all files of others", () => {
  using folder = new Folder();
  Deno.writeTextFileSync(folder.file("reagent.db-notes"), "of somebody else");
  for (const day of ["01", "02", "03", "04"]) {
    Deno.writeTextFileSync(folder.file(), junk);
    Deno.writeTextFileSync(`${folder.file()}-shm`, day);
    const at = new Date(`2031-03-${day}T07:00:00Z`);
    openWithRecovery(folder.file(), { log: silentLog, now: at }).database[Symbol.dispose]();
  }
  const kept = ["03", "04"].map((day) => `reagent.db.damaged-2031-03-${day}T07-00-00.000`);
  assert.deepEqual(namesIn(folder), [
    "reagent.db",
    "reagent.db-notes",
    ...kept.flatMap((name) => [name, `${name}-shm`]),
  ]);
});

Deno.test("openWithRecovery() reports a lost database until the rebuild is complete, even when the power failed before the new one was created", () => {
  using folder = new Folder();
  Deno.writeTextFileSync(folder.file(), junk);
  const opened = () => {
    const { database, isRebuilt } = openWithRecovery(folder.file(), options);
    using _open = database;
    return isRebuilt;
  };
  assert.deepEqual([opened(), opened()], [true, true]);
  // As after a power loss right behind the rename.
  for (const name of namesIn(folder).filter((text) => !text.includes("damaged"))) {
    Deno.removeSync(`${folder.path}/${name}`);
  }
  assert.equal(opened(), true);
  const { database } = openWithRecovery(folder.file(), options);
  completeRebuild(database);
  database[Symbol.dispose]();
  assert.deepEqual([opened(), opened()], [false, false]);
});

Deno.test("openWithRecovery() reports no lost database for a first start, nor for one that is not damaged", () => {
  using folder = new Folder();
  for (const name of ["first", "second"]) {
    const { database, isRebuilt } = openWithRecovery(folder.file(), options);
    database[Symbol.dispose]();
    assert.equal(isRebuilt, false, name);
  }
});
