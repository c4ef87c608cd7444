import assert from "node:assert/strict";
import { LogFile, pathCheckEveryMs, reopenPauseMs } from "../../../lib/log/log_file.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** A folder with a log in it. */
class Place implements AsyncDisposable {
  readonly clock = new FakeClock({ wall: new Date("2026-08-04T01:02:03.456Z") });
  readonly problems: string[] = [];
  readonly folder = Deno.makeTempDirSync();
  readonly path = `${this.folder}/reagent.log`;

  open(options: { limitBytes?: number; path?: string } = {}): LogFile {
    const { clock, problems } = this;
    return new LogFile({
      path: this.path,
      clock,
      onProblem: (text) => problems.push(text.replaceAll(this.folder, "~")),
      lostLine: (count) => `lost ${count}\n`,
      ...options,
    });
  }

  text(name = "reagent.log"): string {
    return Deno.readTextFileSync(`${this.folder}/${name}`);
  }

  names(): string[] {
    return Array.from(Deno.readDirSync(this.folder), (entry) => entry.name).sort();
  }

  mode(name = "reagent.log"): number {
    return (Deno.statSync(`${this.folder}/${name}`).mode ?? 0) & 0o7777;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("LogFile creates a file with mode 0600 at once, and folders with mode 0755 above it", async () => {
  await using place = new Place();
  using _file = place.open({ path: `${place.folder}/a/b/reagent.log` });
  assert.equal(place.mode("a/b/reagent.log"), 0o600);
  assert.equal(place.mode("a"), 0o755);
  assert.equal(place.mode("a/b"), 0o755);
});

Deno.test("write() appends the line before it returns", async () => {
  await using place = new Place();
  Deno.writeTextFileSync(place.path, "old\n", { mode: 0o644 });
  using file = place.open();
  file.write("one\n");
  assert.equal(place.text(), "old\none\n");
  file.write("zwölf\n");
  assert.equal(place.text(), "old\none\nzwölf\n");
  assert.equal(place.mode(), 0o644);
  assert.deepEqual(place.problems, []);
});

Deno.test("LogFile ends the half line that power loss has left", async () => {
  await using place = new Place();
  Deno.writeTextFileSync(place.path, "whole\nhal");
  using file = place.open();
  file.write("one\n");
  assert.equal(place.text(), "whole\nhal\none\n");
});

Deno.test("LogFile rotates before a line that would make the file too large, not at the limit", async () => {
  await using place = new Place();
  using file = place.open({ limitBytes: 10 });
  file.write("12345\n");
  file.write("789\n");
  assert.deepEqual(place.names(), ["reagent.log"]);
  file.write("x\n");
  assert.deepEqual(place.names(), ["reagent-2026-08-04T01-02-03.456.log", "reagent.log"]);
  assert.equal(place.text("reagent-2026-08-04T01-02-03.456.log"), "12345\n789\n");
  assert.equal(place.text(), "x\n");
});

Deno.test("LogFile counts bytes, not characters", async () => {
  await using place = new Place();
  using file = place.open({ limitBytes: 10 });
  file.write("ééé\n");
  file.write("é\n");
  assert.equal(place.names().length, 1 + 0);
  file.write("\n");
  assert.equal(place.names().length, 2);
});

for (const [sizeBytes, isRotated] of [[9, false], [10, true], [11, true]] as const) {
  Deno.test(`LogFile ${isRotated ? "rotates" : "continues"} a file of ${sizeBytes} of 10 bytes at the start`, async () => {
    await using place = new Place();
    Deno.writeTextFileSync(place.path, `${"x".repeat(sizeBytes - 1)}\n`);
    using _file = place.open({ limitBytes: 10 });
    assert.equal(place.names().length, isRotated ? 2 : 1);
    assert.equal(place.text().length, isRotated ? 0 : sizeBytes);
  });
}

Deno.test("LogFile writes a line above the limit to a file of its own", async () => {
  await using place = new Place();
  using file = place.open({ limitBytes: 10 });
  file.write(`${"x".repeat(50)}\n`);
  assert.deepEqual(place.names(), ["reagent.log"]);
  file.write("y\n");
  assert.equal(place.text(), "y\n");
  assert.equal(place.names().length, 2);
});

Deno.test(
  "LogFile keeps mode and owner when it rotates",
  { ignore: Deno.uid() !== 0 },
  async () => {
    await using place = new Place();
    Deno.writeTextFileSync(place.path, "");
    Deno.chmodSync(place.path, 0o646);
    Deno.chownSync(place.path, 12_345, 54_321);
    using file = place.open({ limitBytes: 10 });
    file.write("123456\n");
    file.write("789012\n");
    assert.equal(place.names().length, 2);
    const { uid, gid } = Deno.statSync(place.path);
    assert.deepEqual({ mode: place.mode(), uid, gid }, { mode: 0o646, uid: 12_345, gid: 54_321 });
  },
);

Deno.test("LogFile keeps the newest two backups in the order of their lines, although the clock stops or goes back", async () => {
  await using place = new Place();
  using file = place.open({ limitBytes: 5 });
  for (let index = 0; index < 6; index += 1) {
    file.write(`l ${index}\n`);
    if (index === 3) place.clock.jumpWall(-1_000_000_000);
  }
  const names = place.names();
  assert.deepEqual(names, [
    "reagent-2026-08-04T01-02-03.459.log",
    "reagent-2026-08-04T01-02-03.460.log",
    "reagent.log",
  ]);
  assert.deepEqual(names.map((name) => place.text(name)), ["l 3\n", "l 4\n", "l 5\n"]);
});

Deno.test("LogFile deletes old backups when it opens", async () => {
  await using place = new Place();
  for (const day of [1, 2, 3, 4]) {
    Deno.writeTextFileSync(`${place.folder}/reagent-2026-01-0${day}T00-00-00.000.log`, "");
  }
  using _file = place.open();
  assert.deepEqual(place.names(), [
    "reagent-2026-01-03T00-00-00.000.log",
    "reagent-2026-01-04T00-00-00.000.log",
    "reagent.log",
  ]);
});

for (const what of ["moved", "deleted", "replaced"]) {
  Deno.test(`LogFile creates the file again after it was ${what}, and loses no other line`, async () => {
    await using place = new Place();
    using file = place.open();
    file.write("one\n");
    if (what === "deleted") Deno.removeSync(place.path);
    else Deno.renameSync(place.path, `${place.folder}/moved`);
    if (what === "replaced") Deno.writeTextFileSync(place.path, "other\n");
    file.write("two\n");
    await place.clock.advance(pathCheckEveryMs);
    file.write("three\n");
    assert.equal(place.text(), what === "replaced" ? "other\nthree\n" : "three\n");
    if (what !== "deleted") assert.equal(place.text("moved"), "one\ntwo\n");
    assert.deepEqual(place.problems, []);
    assert.equal(file.lost, 0);
  });
}

Deno.test("LogFile creates the folder again after it was deleted", async () => {
  await using place = new Place();
  using file = place.open({ path: `${place.folder}/a/reagent.log` });
  Deno.removeSync(`${place.folder}/a`, { recursive: true });
  await place.clock.advance(pathCheckEveryMs);
  file.write("one\n");
  assert.equal(place.text("a/reagent.log"), "one\n");
});

Deno.test("LogFile counts from zero after the file was emptied", async () => {
  await using place = new Place();
  using file = place.open({ limitBytes: 10 });
  file.write("12345678\n");
  Deno.truncateSync(place.path);
  await place.clock.advance(pathCheckEveryMs);
  file.write("12345678\n");
  assert.deepEqual(place.names(), ["reagent.log"]);
  assert.equal(place.text(), "12345678\n");
});

Deno.test("LogFile reports once that it cannot be opened, and later how many lines were lost", async () => {
  await using place = new Place();
  Deno.writeTextFileSync(`${place.folder}/block`, "");
  using file = place.open({ path: `${place.folder}/block/reagent.log` });
  for (let index = 0; index < 3; index += 1) file.write("lost\n");
  await place.clock.advance(reopenPauseMs);
  file.write("lost too\n");
  assert.equal(file.lost, 4);
  assert.equal(place.problems.length, 1);
  assert.match(place.problems[0] ?? "", /^Cannot write the log file "~\/block\/reagent.log", its lines are lost: \S/);
  Deno.removeSync(`${place.folder}/block`);
  file.write("too early\n");
  await place.clock.advance(reopenPauseMs);
  file.write("one\n");
  file.write("two\n");
  assert.equal(place.text("block/reagent.log"), "lost 5\none\ntwo\n");
  assert.equal(file.lost, 0);
});

Deno.test("LogFile reports a lasting problem again after an hour", async () => {
  await using place = new Place();
  using file = place.open({ path: place.folder });
  assert.deepEqual(place.problems, ['Cannot write the log file "~", its lines are lost: it is not a file']);
  await place.clock.advance(3_600_000);
  file.write("lost\n");
  assert.equal(place.problems.length, 2);
});

Deno.test("LogFile does not wait for the reader of a named pipe", async () => {
  await using place = new Place();
  const { success } = await new Deno.Command("mkfifo", { args: [place.path] }).output();
  assert.ok(success);
  using file = place.open();
  file.write("lost\n");
  assert.equal(file.lost, 1);
});

Deno.test("LogFile writes to a device and never rotates it", async () => {
  await using place = new Place();
  Deno.symlinkSync("/dev/null", place.path);
  using file = place.open({ limitBytes: 1 });
  for (let index = 0; index < 3; index += 1) file.write("gone\n");
  assert.deepEqual(place.names(), ["reagent.log"]);
  assert.deepEqual(place.problems, []);
});

Deno.test("LogFile drops lines after it was disposed", async () => {
  await using place = new Place();
  const file = place.open();
  file.write("one\n");
  file[Symbol.dispose]();
  file.write("two\n");
  file[Symbol.dispose]();
  assert.equal(place.text(), "one\n");
});
