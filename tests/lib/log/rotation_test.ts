import assert from "node:assert/strict";
import { backupPath, deleteOldBackups, listBackups, nextBackupPath } from "../../../lib/log/rotation.ts";

const date = new Date("2026-08-04T01:02:03.456Z");

const names: [string, string][] = [
  ["/var/log/reagent.log", "/var/log/reagent-2026-08-04T01-02-03.456.log"],
  ["reagent.log", "reagent-2026-08-04T01-02-03.456.log"],
  ["/a.b/reagent", "/a.b/reagent-2026-08-04T01-02-03.456"],
  ["/a/re.agent.txt", "/a/re.agent-2026-08-04T01-02-03.456.txt"],
  ["/a/.log", "/a/-2026-08-04T01-02-03.456.log"],
];

for (const [path, backup] of names) {
  Deno.test(`backupPath() of ${path} is ${backup}`, () => assert.equal(backupPath(path, date), backup));
}

async function makeFolder(names: string[]): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir();
  for (const name of names) await Deno.writeTextFile(`${path}/${name}`, name);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

Deno.test("listBackups() returns the backups of this log only, oldest first", async () => {
  await using folder = await makeFolder([
    "reagent.log",
    "reagent-2026-08-04T01-02-03.456.log",
    "reagent-2025-12-31T23-59-59.999.log",
    "reagent-2026-08-04T01-02-03.456.log.gz",
    "reagent-2026-08-04T01-02-03.456",
    "reagent-2026-99-04T01-02-03.456.log",
    "reagent-of-somebody.log",
    "frpc-2026-08-04T01-02-03.456.log",
  ]);
  assert.deepEqual(listBackups(`${folder.path}/reagent.log`), [
    { path: `${folder.path}/reagent-2025-12-31T23-59-59.999.log`, timeMs: Date.parse("2025-12-31T23:59:59.999Z") },
    { path: `${folder.path}/reagent-2026-08-04T01-02-03.456.log`, timeMs: date.getTime() },
  ]);
});

Deno.test("nextBackupPath() uses the time of the clock, or one after the newest backup when that is later", () => {
  const path = "/a/reagent.log";
  const backups = [{ path: "", timeMs: date.getTime() - 5_000 }, { path: "", timeMs: date.getTime() }];
  const next = (iso: string) => nextBackupPath(path, { backups, date: new Date(iso) });
  assert.equal(next("2026-08-05T00:00:00.000Z"), "/a/reagent-2026-08-05T00-00-00.000.log");
  assert.equal(next("2026-08-04T01:02:03.456Z"), "/a/reagent-2026-08-04T01-02-03.457.log");
  assert.equal(next("1970-01-01T00:00:00.000Z"), "/a/reagent-2026-08-04T01-02-03.457.log");
  assert.equal(nextBackupPath(path, { backups: [], date }), "/a/reagent-2026-08-04T01-02-03.456.log");
});

Deno.test("deleteOldBackups() keeps the newest two and all other files", async () => {
  const stamps = [
    "2026-01-01T00-00-00.000",
    "2026-01-03T00-00-00.000",
    "2026-01-02T00-00-00.000",
    "2025-01-01T00-00-00.000",
  ];
  await using folder = await makeFolder([
    ...stamps.map((stamp) => `reagent-${stamp}.log`),
    "reagent.log",
    "reagent-x.log",
  ]);
  deleteOldBackups(`${folder.path}/reagent.log`);
  deleteOldBackups(`${folder.path}/reagent.log`);
  const left = (await Array.fromAsync(Deno.readDir(folder.path))).map((entry) => entry.name).sort();
  assert.deepEqual(left, [
    "reagent-2026-01-02T00-00-00.000.log",
    "reagent-2026-01-03T00-00-00.000.log",
    "reagent-x.log",
    "reagent.log",
  ]);
});

Deno.test("deleteOldBackups() ignores a missing folder", () => {
  deleteOldBackups("/nowhere/at/all/reagent.log");
});
