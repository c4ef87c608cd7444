import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { hasCode } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { Database } from "../../../lib/store/database.ts";
import { createReferenceTables } from "./reference_database.ts";
import { Folder } from "./samples.ts";

Deno.test("open() creates a file that only its owner can read, with write-ahead log and full synchronization", () => {
  using folder = new Folder();
  using database = folder.open();
  assert.equal((Deno.statSync(folder.file()).mode ?? 0) & 0o777, 0o600);
  assert.equal((Deno.statSync(`${folder.file()}-wal`).mode ?? 0) & 0o777, 0o600);
  assert.equal(database.first("PRAGMA journal_mode")?.journal_mode, "wal");
  assert.equal(database.first("PRAGMA synchronous")?.synchronous, 2);
});

Deno.test("relaxedTransaction() leaves full synchronization to all others, also when it fails", () => {
  using folder = new Folder();
  using database = folder.open();
  const level = () => database.first("PRAGMA synchronous")?.synchronous;
  const seen = database.relaxedTransaction(() => {
    database.run("PRAGMA user_version = 7");
    return level();
  });
  assert.deepEqual([seen, level(), database.first("PRAGMA user_version")?.user_version], [1, 2, 7]);
  const fail = () => {
    database.run("PRAGMA user_version = 8");
    throw new Error("no");
  };
  assert.throws(() => database.relaxedTransaction(fail), /no/);
  assert.deepEqual([level(), database.first("PRAGMA user_version")?.user_version], [2, 7]);
  // Within a transaction that must be on the disk it is part of that.
  assert.equal(database.transaction(() => database.relaxedTransaction(level)), 2);
});

Deno.test("open() removes the read permission of others from an existing file", () => {
  using folder = new Folder();
  createReferenceTables(folder.file(), "young").close();
  Deno.chmodSync(folder.file(), 0o644);
  folder.open()[Symbol.dispose]();
  assert.equal((Deno.statSync(folder.file()).mode ?? 0) & 0o777, 0o600);
});

Deno.test("open() reports that a file is not a database, and leaves it as it is", () => {
  using folder = new Folder();
  const junk = "this is not a database ".repeat(300);
  Deno.writeTextFileSync(folder.file(), junk);
  assert.throws(() => folder.open(), (error) => {
    assert.ok(hasCode(error, "store_failed"));
    assert.equal(error.message, `Cannot open database "${folder.file()}": file is not a database`);
    return true;
  });
  assert.equal(Deno.readTextFileSync(folder.file()), junk);
});

Deno.test("open() finds damaged pages behind a good header", () => {
  using folder = new Folder();
  {
    using database = folder.open();
    for (let key = 1; key <= 2000; key++) {
      database.run(
        "INSERT INTO LogHistory (app_name, app_key, stage, log_type, log) VALUES (?, ?, 'PROD', 'APP', ?)",
        ...[`app${key}`, key, "x".repeat(100)],
      );
    }
  }
  const bytes = Deno.readFileSync(folder.file());
  bytes.fill(0xa5, 8192, bytes.length - 4096);
  Deno.writeFileSync(folder.file(), bytes);
  assert.throws(() => folder.open(), (error) => hasCode(error, "store_failed"));
});

Deno.test("open() reports a missing folder", () => {
  using folder = new Folder();
  assert.throws(
    () => Database.open(`${folder.path}/no/reagent.db`, { log: silentLog }),
    (error) => hasCode(error, "store_failed"),
  );
});

Deno.test("open() runs every migration once", () => {
  using folder = new Folder();
  folder.open()[Symbol.dispose]();
  using database = folder.open();
  assert.deepEqual(database.all("SELECT number FROM ReagentMigrations").map((row) => row.number), [
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
  ]);
  assert.equal(database.first("SELECT count(*) AS count FROM DeviceStates")?.count, 1);
});

Deno.test("open() creates in an empty file the reference agent's tables, column for column", () => {
  using folder = new Folder();
  folder.open()[Symbol.dispose]();
  using young = createReferenceTables(folder.file("reference.db"), "young");
  using ours = new DatabaseSync(folder.file());
  const tables = young.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all().map((row) =>
    String(row.name)
  );
  assert.equal(tables.length, 7);
  for (const table of tables) {
    const added = ["instance_key", "app_cred_epoch", "docker_credentials"];
    assert.deepEqual(
      columnsOf(ours, table).filter((text) => !added.includes(text.split(" ")[0] ?? "")),
      columnsOf(young, table),
    );
  }
  assert.deepEqual(indexesOf(ours), indexesOf(young));
});

Deno.test("the state columns accept exactly the states of the reference agent", () => {
  using folder = new Folder();
  using database = folder.open();
  const insert =
    "INSERT INTO AppStates (app_name, app_key, version, release_key, stage, state, timestamp) VALUES (?, 1, '', 0, ?, ?, '')";
  for (const state of ["INHERIT", "TRANSFERED", "RUNNING"]) database.run(insert, state, "DEV", state);
  for (const state of ["STOPPED", "", "running"]) assert.throws(() => database.run(insert, `x${state}`, "DEV", state));
  assert.throws(() => database.run(insert, "y", "BETA", "RUNNING"));
});

Deno.test("transaction() keeps nothing of work that throws, and the next one works", () => {
  using folder = new Folder();
  using database = folder.open();
  const put = (number: number) => database.run("INSERT INTO ReagentMigrations VALUES (?, 'x', 'x')", number);
  assert.throws(() =>
    database.transaction(() => {
      put(100);
      database.transaction(() => put(101));
      throw new Error("no");
    }), /^Error: no$/);
  database.transaction(() => put(102));
  assert.deepEqual(database.all("SELECT number FROM ReagentMigrations WHERE number > 99").map((row) => row.number), [
    102,
  ]);
});

Deno.test("an error of SQLite names the file and has the code store_failed", () => {
  using folder = new Folder();
  using database = folder.open();
  assert.throws(() => database.all("SELECT * FROM Nowhere"), (error) => {
    assert.ok(hasCode(error, "store_failed"));
    assert.equal(error.message, `Cannot read database "${folder.file()}": no such table: Nowhere`);
    return true;
  });
});

Deno.test("a full file system fails the write and leaves the database usable", () => {
  using folder = new Folder();
  using database = folder.open();
  database.run("PRAGMA max_page_count = 40");
  const put = () =>
    database.run(
      "INSERT INTO LogHistory (app_name, app_key, stage, log_type, log) VALUES ('a', 1, 'DEV', 'APP', ?)",
      "x".repeat(1e6),
    );
  assert.throws(() => database.transaction(put), (error) => hasCode(error, "store_failed"));
  assert.equal(database.transaction(() => database.run("UPDATE DeviceStates SET timestamp = '1'")), 1);
});

function columnsOf(sql: DatabaseSync, table: string): string[] {
  return sql.prepare(`PRAGMA table_info(${table})`).all()
    .map((row) => `${row.name} ${row.type} ${row.notnull} ${row.dflt_value} ${row.pk}`).sort();
}

function indexesOf(sql: DatabaseSync): string[] {
  return sql.prepare(
    "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name",
  ).all()
    .map((row) => `${row.name} ${row.tbl_name} ${String(row.sql).replace("IF NOT EXISTS ", "")}`);
}
