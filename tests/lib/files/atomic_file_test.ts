import assert from "node:assert/strict";
import { hasCode } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { writeFileDurably } from "../../../lib/files/atomic_file.ts";
import { mustRun } from "../../../scripts/programs.ts";
import { pathOf, projectRoot } from "../../../scripts/paths.ts";

const log = silentLog;

Deno.test("writeFileDurably() creates a file with mode 0600, or with the given one, whatever the umask is", async () => {
  await using folder = await makeFolder();
  await writeFileDurably(`${folder.path}/plain`, "text", { log });
  await writeFileDurably(`${folder.path}/open`, new Uint8Array([1, 2, 3]), { log, mode: 0o666 });
  assert.equal(await Deno.readTextFile(`${folder.path}/plain`), "text");
  assert.deepEqual(await Deno.readFile(`${folder.path}/open`), new Uint8Array([1, 2, 3]));
  assert.equal(await modeOf(`${folder.path}/plain`), 0o600);
  assert.equal(await modeOf(`${folder.path}/open`), 0o666);
  assert.deepEqual(await folder.names(), ["open", "plain"]);
});

Deno.test("writeFileDurably() replaces a file fully and keeps its mode", async () => {
  await using folder = await makeFolder();
  const path = `${folder.path}/file`;
  await Deno.writeTextFile(path, "a long old content");
  await Deno.chmod(path, 0o640);
  await writeFileDurably(path, "new", { log, mode: 0o600 });
  assert.equal(await Deno.readTextFile(path), "new");
  assert.equal(await modeOf(path), 0o640);
});

Deno.test("writeFileDurably() writes an empty file", async () => {
  await using folder = await makeFolder();
  await writeFileDurably(`${folder.path}/file`, "", { log });
  assert.equal((await Deno.stat(`${folder.path}/file`)).size, 0);
});

Deno.test("writeFileDurably() keeps the owner of a file", { ignore: Deno.uid() !== 0 }, async () => {
  await using folder = await makeFolder();
  const path = `${folder.path}/file`;
  await Deno.writeTextFile(path, "old");
  await Deno.chown(path, 12_345, 54_321);
  await writeFileDurably(path, "new", { log });
  const { uid, gid } = await Deno.stat(path);
  assert.deepEqual({ uid, gid }, { uid: 12_345, gid: 54_321 });
});

Deno.test("writeFileDurably() writes through symbolic links and leaves them as they are", async () => {
  await using folder = await makeFolder();
  await Deno.mkdir(`${folder.path}/real`);
  await Deno.writeTextFile(`${folder.path}/real/file`, "old");
  await Deno.symlink("real/file", `${folder.path}/one`);
  await Deno.symlink(`${folder.path}/one`, `${folder.path}/two`);
  await writeFileDurably(`${folder.path}/two`, "new", { log });
  assert.equal(await Deno.readTextFile(`${folder.path}/real/file`), "new");
  assert.ok((await Deno.lstat(`${folder.path}/one`)).isSymlink && (await Deno.lstat(`${folder.path}/two`)).isSymlink);
});

Deno.test("writeFileDurably() creates the file that a link points at", async () => {
  await using folder = await makeFolder();
  await Deno.mkdir(`${folder.path}/real`);
  await Deno.symlink("real/file", `${folder.path}/one`);
  await writeFileDurably(`${folder.path}/one`, "new", { log });
  assert.equal(await Deno.readTextFile(`${folder.path}/real/file`), "new");
});

Deno.test("writeFileDurably() does not follow links in a circle forever", async () => {
  await using folder = await makeFolder();
  await Deno.symlink("b", `${folder.path}/a`);
  await Deno.symlink("a", `${folder.path}/b`);
  await assert.rejects(
    writeFileDurably(`${folder.path}/a`, "new", { log }),
    (error) => hasCode(error, "io_failed") && error.message.startsWith(`Cannot write "${folder.path}/`),
  );
});

Deno.test("writeFileDurably() removes what earlier processes left of this file, and nothing else", async () => {
  await using folder = await makeFolder();
  const left = ".file.1-1700000000000-0a1b2c3d.tmp";
  const others = [".file.mine.tmp", ".file2.1-1700000000000-0a1b2c3d.tmp", "file.tmp"];
  for (const name of [left, ...others]) await Deno.writeTextFile(`${folder.path}/${name}`, "left");
  await writeFileDurably(`${folder.path}/file`, "new", { log });
  assert.deepEqual(await folder.names(), ["file", ...others].sort());
});

Deno.test("writeFileDurably() lets several writes of one file at once all succeed", async () => {
  await using folder = await makeFolder();
  const path = `${folder.path}/file`;
  const texts = Array.from({ length: 8 }, (_, index) => `content ${index}`);
  await Promise.all(texts.map((text) => writeFileDurably(path, text, { log })));
  assert.ok(texts.includes(await Deno.readTextFile(path)));
  assert.deepEqual(await folder.names(), ["file"]);
});

Deno.test("writeFileDurably() handles the longest names", async () => {
  await using folder = await makeFolder();
  const path = `${folder.path}/${"n".repeat(255)}`;
  await writeFileDurably(path, "new", { log });
  await writeFileDurably(path, "newer", { log });
  assert.equal(await Deno.readTextFile(path), "newer");
});

const impossible: [what: string, name: string][] = [
  ["a folder", "folder"],
  ["a file below a file", "file/x"],
  ["a file in a missing folder", "missing/x"],
];

for (const [what, name] of impossible) {
  Deno.test(`writeFileDurably() refuses ${what} with io_failed`, async () => {
    await using folder = await makeFolder();
    await Deno.mkdir(`${folder.path}/folder`);
    await Deno.writeTextFile(`${folder.path}/file`, "old");
    await assert.rejects(
      writeFileDurably(`${folder.path}/${name}`, "new", { log }),
      (error) => hasCode(error, "io_failed") && error.message.includes(`Cannot write "${folder.path}/${name}"`),
    );
    assert.deepEqual(await folder.names(), ["file", "folder"]);
    assert.equal(await Deno.readTextFile(`${folder.path}/file`), "old");
  });
}

Deno.test("writeFileDurably() leaves the old or the new content when the process is killed at any moment", async () => {
  await using folder = await makeFolder();
  const path = `${folder.path}/file`;
  const contents = ["a".repeat(10), "b".repeat(5_000), "c".repeat(200_000)];
  await Deno.writeTextFile(path, contents[0] ?? "");
  const writer = pathOf("file_writer.ts", import.meta.url);
  for (let round = 0; round < 12; round++) {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--quiet", "-P=tools", writer, path],
      cwd: projectRoot,
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = child.stdout.getReader();
    // The writer reports when it has begun; each round kills it at another moment.
    await reader.read();
    const until = performance.now() + round * 1.7;
    while (performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 0));
    child.kill("SIGKILL");
    await reader.cancel();
    await child.status;
    assert.ok(contents.includes(await Deno.readTextFile(path)), `mixed content in round ${round}`);
  }
  await writeFileDurably(path, "end", { log });
  assert.deepEqual(await folder.names(), ["file"]);
});

interface Folder extends AsyncDisposable {
  path: string;
  names(): Promise<string[]>;
}

async function makeFolder(): Promise<Folder> {
  const path = await Deno.makeTempDir();
  return {
    path,
    names: async () => (await Array.fromAsync(Deno.readDir(path))).map((entry) => entry.name).sort(),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

async function modeOf(path: string): Promise<number> {
  return ((await Deno.stat(path)).mode ?? 0) & 0o7777;
}

Deno.test("#7: writeFileDurably() does not follow a link that another user has made", {
  ignore: Deno.uid() !== 0,
}, async () => {
  await using folder = await makeFolder();
  await Deno.writeTextFile(`${folder.path}/precious`, "precious");
  await Deno.symlink("precious", `${folder.path}/link`);
  await mustRun("chown", ["-h", "12345:12345", `${folder.path}/link`]);
  await assert.rejects(
    writeFileDurably(`${folder.path}/link`, "new", { log }),
    (error) => hasCode(error, "io_failed") && error.message.endsWith("it is a link that another user has made"),
  );
  assert.equal(await Deno.readTextFile(`${folder.path}/precious`), "precious");
});

Deno.test("#7: writeFileDurably() gives nothing away when somebody swaps its temporary file for a link", {
  ignore: Deno.uid() !== 0,
}, async () => {
  await using folder = await makeFolder();
  const precious = `${folder.path}/precious`;
  await Deno.mkdir(`${folder.path}/own`);
  await Deno.writeTextFile(precious, "precious", { mode: 0o600 });
  await Deno.writeTextFile(`${folder.path}/own/file`, "old");
  await mustRun("chown", ["-R", "12345:12345", `${folder.path}/own`]);
  const program = `
    chdir $ARGV[0]; $SIG{TERM} = sub { exit 0 };
    while (1) { for (glob ".file.*.tmp") { rename $_, "taken" and symlink $ARGV[1], $_ } }`;
  const child = new Deno.Command("perl", { args: ["-e", program, `${folder.path}/own`, precious] }).spawn();
  try {
    for (let count = 0; count < 50; count += 1) {
      await Deno.remove(`${folder.path}/own/file`).catch(() => {});
      await Deno.writeTextFile(`${folder.path}/own/file`, "old");
      await Deno.chown(`${folder.path}/own/file`, 12345, 12345);
      await writeFileDurably(`${folder.path}/own/file`, `${count}`, { log }).catch(() => {});
    }
  } finally {
    child.kill("SIGTERM");
    await child.status;
  }
  const { mode, uid } = await Deno.stat(precious);
  assert.deepEqual([await Deno.readTextFile(precious), (mode ?? 0) & 0o7777, uid], ["precious", 0o600, 0]);
});
