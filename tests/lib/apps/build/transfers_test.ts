import assert from "node:assert/strict";
import { silentLog } from "../../../../lib/base/log.ts";
import {
  progressEveryMs,
  transferLimit,
  type TransferPart,
  Transfers,
  type TransfersDeps,
  transferStallMs,
} from "../../../../lib/apps/build/transfers.ts";
import { idText } from "../../../../lib/model/app.ts";
import { FakeClock } from "../../../fakes/fake_clock.ts";

const channel = "dev_71_fan_ctl";

/** A build folder of its own, and what was said about its uploads. */
class Uploading implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "uploads-" });
  readonly clock = new FakeClock();
  readonly said: string[] = [];
  readonly transfers: Transfers;

  constructor(change: Partial<TransfersDeps> = {}) {
    this.transfers = new Transfers({
      buildDir: this.folder,
      appLogs: {
        say: (_, text) => void this.said.push(text),
        clearHistory: (id) => void this.said.push(`clear ${idText(id)}`),
        showProgress: (_, { id, status, progress }) => void this.said.push(`${id} ${status} ${progress}`),
        forget: (_, name) => void this.said.push(`forget ${name}`),
      },
      checkSpace: () => Promise.resolve({ kind: "fits" }),
      isKnown: () => true,
      collectGarbage: () => {},
      onFailed: (id) => void this.said.push(`failed ${idText(id)}`),
      clock: this.clock,
      log: silentLog,
      ...change,
    });
  }

  write(chunk: string, change: Partial<TransferPart> = {}): Promise<void> {
    const part = { chunk, fileName: "Fan_Ctl.tgz", containerName: channel, totalBytes: 6, id: "a", ...change };
    return this.transfers.write(part);
  }

  async refuses(chunk: string, message: string | RegExp, change: Partial<TransferPart> = {}): Promise<void> {
    await assert.rejects(this.write(chunk, change), { message });
  }

  content(name = "Fan_Ctl.tgz"): string {
    return Deno.readTextFileSync(`${this.folder}/${name}`);
  }

  get names(): string[] {
    return [...Deno.readDirSync(this.folder)].map(({ name }) => name.replace(/^\.upload-.*/, "temporary")).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.transfers[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

const noTransfer = "We received a chunk without an active transfer";

Deno.test("an upload ends as a file of its name, and people see how far it is", async () => {
  await using up = new Uploading();
  await up.write("BEGIN");
  assert.deepEqual(up.names, ["temporary"]);
  await up.write("616263");
  await up.write("6465");
  await up.write("66");
  await up.write("END");
  assert.equal(up.content(), "abcdef");
  assert.deepEqual(up.names, ["Fan_Ctl.tgz"]);
  assert.equal(Deno.statSync(`${up.folder}/Fan_Ctl.tgz`).mode! & 0o777, 0o644);
  assert.deepEqual(up.said, [
    "clear DEV:71",
    "Received first package on device!",
    "Fan_Ctl.tgz Transfer Progress: 50.000%",
    "Fan_Ctl.tgz Transfer Progress: 100.000%",
    "File transfer has finished, starting build...",
  ]);
  assert.equal(up.clock.sleeping, 0);
});

Deno.test("progress is shown first, then now and then, and last", async () => {
  await using up = new Uploading();
  await up.write("BEGIN", { totalBytes: 8 });
  for (const chunk of ["61", "62", "63"]) await up.write(chunk, { totalBytes: 8 });
  await up.clock.advance(progressEveryMs);
  await up.write("64", { totalBytes: 8 });
  for (const chunk of ["65", "66", "67", "68"]) await up.write(chunk, { totalBytes: 8 });
  assert.deepEqual(up.said.slice(2).map((line) => line.split(": ")[1]), ["12.500%", "50.000%", "100.000%"]);
});

Deno.test("M58: late parts of a superseded upload are harmless, and its bytes are gone", async () => {
  await using up = new Uploading();
  await up.write("BEGIN");
  await up.write("7a7a7a");
  await up.write("BEGIN", { id: "b", totalBytes: 2 });
  await up.write("7a7a7a");
  await up.write("END");
  await up.write("zz");
  await up.write("6869", { id: "b" });
  assert.ok(up.transfers.isOpen(channel));
  await up.write("END", { id: "b" });
  assert.equal(up.content(), "hi");
  assert.deepEqual(up.names, ["Fan_Ctl.tgz"]);
  assert.equal(up.said.filter((line) => line.startsWith("File transfer")).length, 1);
  assert.ok(!up.said.includes("failed DEV:71"));
});

Deno.test("a shorter upload replaces a longer one, and an upload that is aborted replaces nothing", async () => {
  await using up = new Uploading();
  for (const part of ["BEGIN", "616263646566", "END"]) await up.write(part);
  await up.write("BEGIN", { totalBytes: 1 });
  await up.write("7a");
  assert.equal(up.content(), "abcdef");
  await up.write("END");
  assert.equal(up.content(), "z");
  await up.write("BEGIN");
  await up.write("61");
  await up.refuses("END", 'Cannot store an upload as "Fan_Ctl.tgz": it ended after 1 of 6 bytes');
  assert.equal(up.content(), "z");
  assert.deepEqual(up.names, ["Fan_Ctl.tgz"]);
});

Deno.test("what goes wrong ends the upload, is answered, and is told of the app", async (t) => {
  const rows: [name: string, chunk: string, message: string | RegExp][] = [
    ["odd digits", "616", "Cannot decode a chunk of an upload: it has an odd number of digits"],
    ["no digits", "6z", "Cannot decode a chunk of an upload: it has a character that is no hexadecimal digit"],
    ["more than announced", "61".repeat(7), /7 bytes have arrived, and 6 were announced$/],
    ["END too early", "END", /it ended after 0 of 6 bytes$/],
  ];
  for (const [name, chunk, message] of rows) {
    await t.step(name, async () => {
      await using up = new Uploading();
      await up.write("BEGIN");
      await up.refuses(chunk, message);
      assert.deepEqual(up.said.slice(2), ["failed DEV:71"]);
      assert.deepEqual(up.names, []);
      await up.refuses("61", noTransfer);
      await up.refuses("END", noTransfer);
    });
  }
});

Deno.test("a canceled upload answers `canceled` to its late parts, and can be repeated", async () => {
  await using up = new Uploading();
  await up.write("BEGIN");
  await up.write("61");
  await up.transfers.cancel("DEV_71_Fan_Ctl");
  assert.deepEqual(up.names, []);
  await up.refuses("62", "canceled");
  await up.refuses("62", "canceled");
  await up.refuses("62", noTransfer, { id: "other" });
  for (const part of ["BEGIN", "616263646566", "END"]) await up.write(part);
  assert.equal(up.content(), "abcdef");
  await up.transfers.cancel(channel);
});

Deno.test("an upload in which nothing arrives for 5 minutes is dropped", async () => {
  await using up = new Uploading();
  await up.write("BEGIN");
  await up.clock.advance(transferStallMs - 1);
  await up.write("61");
  await up.clock.advance(transferStallMs - 1);
  assert.ok(up.transfers.isOpen(channel));
  await up.clock.advance(1);
  await until(() => up.said.includes("failed DEV:71"));
  assert.deepEqual(up.names, []);
  await up.refuses("62", noTransfer);
});

Deno.test("a name that leads elsewhere is refused, and nothing is touched", async (t) => {
  const names = ["", ".", "..", "../x", "a/b", "/etc/passwd", "a\\b", "a\0b", "a\nb", ".hidden", "x".repeat(300)];
  for (const fileName of [...names, "ü".repeat(128), "link.tgz", "dangling.tgz", "folder", "pipe.tgz"]) {
    await t.step(JSON.stringify(fileName), async () => {
      await using up = new Uploading();
      Deno.writeTextFileSync(`${up.folder}/target`, "kept");
      Deno.symlinkSync(`${up.folder}/target`, `${up.folder}/link.tgz`);
      Deno.symlinkSync(`${up.folder}/nowhere`, `${up.folder}/dangling.tgz`);
      Deno.mkdirSync(`${up.folder}/folder`);
      await new Deno.Command("mkfifo", { args: [`${up.folder}/pipe.tgz`] }).output();
      const before = up.names;
      await up.refuses("BEGIN", /^Cannot store an upload as "/, { fileName });
      assert.deepEqual(up.said, ["failed DEV:71"]);
      assert.deepEqual(up.names, before);
      assert.equal(up.content("target"), "kept");
    });
  }
});

Deno.test("a link that is put in the place of an upload while it arrives is neither followed nor replaced", async () => {
  await using up = new Uploading();
  await up.write("BEGIN");
  await up.write("616263646566");
  Deno.writeTextFileSync(`${up.folder}/target`, "kept");
  Deno.symlinkSync(`${up.folder}/target`, `${up.folder}/Fan_Ctl.tgz`);
  await up.refuses("END", 'Cannot store an upload as "Fan_Ctl.tgz": a link has this name already');
  assert.deepEqual(up.names, ["Fan_Ctl.tgz", "target"]);
  assert.equal(up.content("target"), "kept");
});

Deno.test("the announced total is checked before the first byte, with what other uploads have announced", async () => {
  const asked: number[] = [];
  const space = { kind: "noSpace", neededBytes: 10, freeBytes: 5 } as const;
  await using up = new Uploading({
    checkSpace: ({ neededBytes }) => {
      asked.push(neededBytes);
      return Promise.resolve(neededBytes > 8 ? space : { kind: "fits" });
    },
  });
  await up.write("BEGIN");
  await up.write("61");
  const other = { containerName: "dev_72_x", fileName: "x.tgz" };
  await up.refuses("BEGIN", /^Cannot store an upload as "x.tgz": there is not enough room on the disk/, other);
  assert.deepEqual(asked, [6, 11]);
  assert.deepEqual(up.names, ["temporary"]);
});

Deno.test("containers are told apart, and other channels and names are refused", async () => {
  await using up = new Uploading();
  const other = { containerName: "/dev_72_x", fileName: "x.tgz", id: "b" };
  await up.write("BEGIN");
  await up.write("BEGIN", other);
  await up.write("616263646566");
  await up.write("787878787878", other);
  await up.write("END", other);
  await up.write("END");
  assert.deepEqual([up.content(), up.content("x.tgz")], ["abcdef", "xxxxxx"]);
  for (const containerName of ["", "prod_71_x", "pub_71_x", "dev_x_y", "dev_71_", "dev_71_../x"]) {
    await up.refuses("BEGIN", "invalid container name", { containerName });
  }
});

Deno.test("chunks that arrive at once are written in their order", async () => {
  await using up = new Uploading();
  const bytes = Array.from({ length: 200 }, (_, index) => index.toString(16).padStart(2, "0"));
  const parts = ["BEGIN", ...bytes, "END"].map((part) => up.write(part, { totalBytes: 200 }));
  await Promise.all(parts);
  assert.equal(Deno.readFileSync(`${up.folder}/Fan_Ctl.tgz`).toHex(), bytes.join(""));
});

Deno.test("at most 16 uploads are under way, and the logs of apps that never were are few", async () => {
  await using up = new Uploading({ isKnown: () => false });
  const app = (index: number) => ({ containerName: `dev_${index}_x`, fileName: `${index}.tgz` });
  for (let index = 1; index <= transferLimit; index += 1) await up.write("BEGIN", app(index));
  await up.refuses("BEGIN", "too many uploads at once", app(99));
  await up.write("BEGIN", app(1));
  for (let index = 100; index < 160; index += 1) {
    await up.transfers.cancel(index === 100 ? "dev_1_x" : `dev_${index - 1}_x`);
    await up.write("BEGIN", app(index));
  }
  assert.equal(up.said.filter((line) => line.startsWith("forget ")).length, transferLimit + 60 - 50);
});

Deno.test("what earlier agents left of uploads is removed, and the end of the agent leaves nothing", async () => {
  const up = new Uploading();
  try {
    Deno.writeTextFileSync(`${up.folder}/.upload-1-2-0123abcd.tmp`, "old");
    Deno.writeTextFileSync(`${up.folder}/.upload-kept`, "no temporary name");
    await up.write("BEGIN");
    assert.deepEqual(up.names, ["temporary", "temporary"]);
    await up.transfers[Symbol.asyncDispose]();
    assert.deepEqual([...Deno.readDirSync(up.folder)].map(({ name }) => name), [".upload-kept"]);
    await up.refuses("BEGIN", /canceled/);
  } finally {
    await up[Symbol.asyncDispose]();
  }
});

async function until(check: () => boolean): Promise<void> {
  for (let count = 0; count < 200 && !check(); count += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(check());
}
