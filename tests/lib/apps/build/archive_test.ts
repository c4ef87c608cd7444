import assert from "node:assert/strict";
import { checkArchive, extractArchive } from "../../../../lib/apps/build/archive.ts";
import { AgentError } from "../../../../lib/base/errors.ts";
import { gzipOf, type TarEntry, tarOf, tgzOf } from "../../../fakes/tar_archive.ts";
import { never } from "../../../fakes/fake_handler_device.ts";

/** A build folder with one upload. */
class Uploaded implements Disposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "archive-" });
  readonly path = `${this.folder}/App.tgz`;

  constructor(bytes?: Uint8Array) {
    if (bytes !== undefined) Deno.writeFileSync(this.path, bytes);
  }

  check({ freeBytes, signal = never }: { freeBytes?: number; signal?: AbortSignal } = {}) {
    return checkArchive(this.path, { freeBytes, signal });
  }

  extract(signal = never): Promise<void> {
    return extractArchive(this.path, `${this.folder}/App`, signal);
  }

  get names(): string[] {
    return namesIn(this.folder).sort();
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    return isDirectory ? [`${name}/`, ...namesIn(`${folder}/${name}`).map((inner) => `${name}/${inner}`)] : [name];
  });
}

const plain: TarEntry[] = [
  { name: "./", type: "5" },
  { name: "./Dockerfile", content: "FROM scratch\n" },
  { name: "src/", type: "5" },
  { name: "src/Dockerfile.amd64", content: "inner" },
  { name: "deep/er/file", content: "x".repeat(1000) },
  { name: "short", pax: { path: `long/${"n".repeat(200)}` }, content: "by extended header" },
];

Deno.test("checkArchive() returns the files of the root folder, however the archive is packed", async () => {
  for (const bytes of [tarOf(plain), await tgzOf(plain)]) {
    using up = new Uploaded(bytes);
    const { rootFiles, unpackedBytes } = await up.check();
    assert.deepEqual([...rootFiles], [["Dockerfile", 13]]);
    assert.equal(unpackedBytes, 13 + 5 + 1000 + 18);
    assert.deepEqual(up.names, ["App.tgz"]);
  }
});

const hostile: [name: string, entries: TarEntry[], reason: RegExp][] = [
  ["a symbolic link", [{ name: "a", type: "2", linkName: "/etc" }], /entry "a" is a link$/],
  ["a hard link", [{ name: "a", type: "1", linkName: "b" }], /entry "a" is a link$/],
  ["a character device", [{ name: "dev/null", type: "3" }], /entry "dev\/null" is a device$/],
  ["a block device", [{ name: "sda", type: "4" }], /entry "sda" is a device$/],
  ["a pipe", [{ name: "p", type: "6" }], /entry "p" is a pipe$/],
  ["an old sparse file", [{ name: "s", type: "S" }], /entry "s" is of a kind/],
  ["a sparse file", [{ name: "s", pax: { "GNU.sparse.major": "1" } }], /entry "s" is a sparse file$/],
  ["an absolute path", [{ name: "/etc/passwd" }], /entry "\/etc\/passwd" has an absolute path$/],
  ["an absolute folder", [{ name: "/etc/", type: "5" }], /entry "\/etc\/" has an absolute path$/],
  ["..", [{ name: "a/../../b" }], /entry "a\/..\/..\/b" has ".." in its path$/],
  [".. at the end", [{ name: "a/..", type: "5" }], /has ".." in its path$/],
  [".. in an extended header", [{ name: "a", pax: { path: "../b" } }], /entry "..\/b" has ".." in its path$/],
  ["a zero byte", [{ name: "a", pax: { path: "a\0b" } }], /entry "a\\u0000b" has a zero byte in its name$/],
  ["a long name", [{ name: "a", pax: { path: "n".repeat(300) } }], /has a name that is too long$/],
  ["a long path", [{ name: "a", pax: { path: "n/".repeat(2000) } }], /has a name that is too long$/],
  ["no name", [{ name: "." }], /entry "." has no name$/],
  ["a bomb", [{ name: "ok" }, { name: "big", content: new Uint8Array(1_000_000) }], /with entry "big" it unpacks to/],
  ["a hidden bomb", [{ name: "a", content: "x" }, { name: "b", sizeBytes: 2 ** 32 }], /with entry "b" it unpacks to/],
];

Deno.test("what no app may have in its archive is refused before anything is written, with its name", async (t) => {
  for (const [name, entries, reason] of hostile) {
    await t.step(name, async () => {
      using up = new Uploaded(await tgzOf([{ name: "Dockerfile", content: "FROM scratch" }, ...entries]));
      await assert.rejects(up.check(), { code: "archive_refused", message: reason });
      await assert.rejects(up.extract(), { code: "archive_refused", message: reason });
      assert.deepEqual(up.names, ["App.tgz"]);
    });
  }
});

Deno.test("an archive that needs more than the free disk is refused, with the entry that is too much", async () => {
  using up = new Uploaded(tarOf([{ name: "a", content: "12345" }, { name: "b", content: "12345" }]));
  await up.check({ freeBytes: 10 });
  await assert.rejects(up.check({ freeBytes: 9 }), {
    code: "archive_refused",
    message: 'Cannot use the upload "App.tgz": with entry "b" it needs more than the 9 bytes that are free on the disk',
  });
});

Deno.test("a damaged, truncated or foreign archive is refused at every byte", async (t) => {
  const whole = await tgzOf(plain);
  await t.step("truncated anywhere", async () => {
    for (let length = 0; length < whole.length; length += 1) {
      using up = new Uploaded(whole.subarray(0, length));
      await assert.rejects(up.check(), { code: "archive_refused" }, `${length} bytes`);
    }
  });
  await t.step("a plain archive that ends in an entry", async () => {
    for (const length of [1, 511, 600, 1024 + 5]) {
      using up = new Uploaded(tarOf(plain.slice(1)).subarray(0, length));
      await assert.rejects(up.check(), { code: "archive_refused", message: /truncated or damaged/ }, `${length}`);
    }
  });
  await t.step("one byte flipped: refused, or as before", async () => {
    for (let at = 10; at < whole.length; at += 7) {
      const bytes = whole.slice();
      bytes[at] = (bytes[at] ?? 0) ^ 0x55;
      using up = new Uploaded(bytes);
      await up.check().catch((error) => assert.ok(error instanceof AgentError && error.code === "archive_refused"));
    }
  });
  for (const [start, name] of [["BZh9", "bzip2"], ["PK\x03\x04", "zip"]] as const) {
    await t.step(name, async () => {
      using up = new Uploaded(new TextEncoder().encode(`${start}${"x".repeat(600)}`));
      await assert.rejects(up.check(), {
        message: new RegExp(`it is packed with ${name}, and only gzip and plain tar`),
      });
    });
  }
  await t.step("an endless row of zeros", async () => {
    using up = new Uploaded(await gzipOf(new Uint8Array(40 * 1024 * 1024)));
    await assert.rejects(up.check(), { message: /it unpacks to more than 100 times its size$/ });
  });
  await t.step("no archive at all", async () => {
    using up = new Uploaded();
    await assert.rejects(up.check(), {
      code: "archive_missing",
      message: 'There is no upload "App.tgz"; upload the app again',
    });
    Deno.symlinkSync("/etc/passwd", up.path);
    await assert.rejects(up.check(), { code: "archive_missing" });
  });
});

Deno.test("any bytes are refused or read, and nothing hangs", async () => {
  for (let round = 0; round < 200; round += 1) {
    const bytes = crypto.getRandomValues(new Uint8Array(1 + round * 13));
    const entries = tarOf(plain);
    if (round % 2 === 0) entries.set(bytes.subarray(0, 100), (round * 64) % 1500);
    using up = new Uploaded(round % 2 === 0 ? entries : bytes);
    await up.check().catch((error) => assert.ok(error instanceof AgentError && error.code === "archive_refused"));
  }
});

Deno.test("extractArchive() replaces the folder by what is in the archive, with its own modes", async () => {
  using up = new Uploaded(await tgzOf([...plain, { name: "Dockerfile", content: "FROM later\n" }]));
  Deno.mkdirSync(`${up.folder}/App/old`, { recursive: true });
  Deno.mkdirSync(`${up.folder}/.unpacked-1-2-0123abcd.tmp/x`, { recursive: true });
  const before = Deno.umask(0o077);
  try {
    await up.extract();
  } finally {
    Deno.umask(before);
  }
  assert.deepEqual(up.names, [
    ...["App.tgz", "App/", "App/Dockerfile", "App/deep/", "App/deep/er/", "App/deep/er/file", "App/long/"],
    ...[`App/long/${"n".repeat(200)}`, "App/src/", "App/src/Dockerfile.amd64"],
  ]);
  assert.equal(Deno.readTextFileSync(`${up.folder}/App/Dockerfile`), "FROM later\n");
  for (const name of up.names.slice(1)) assert.equal(Deno.statSync(`${up.folder}/${name}`).mode! & 0o777, 0o755, name);
});

Deno.test("an extraction that fails leaves the old folder, and a link in its place is not followed", async (t) => {
  await t.step("a file in the way of a folder", async () => {
    using up = new Uploaded(tarOf([{ name: "a", content: "x" }, { name: "a/b", content: "x" }]));
    Deno.mkdirSync(`${up.folder}/App/old`, { recursive: true });
    await assert.rejects(up.extract(), { code: "archive_refused", message: /entry "a\/b" is in the way/ });
    assert.deepEqual(up.names, ["App.tgz", "App/", "App/old/"]);
  });
  await t.step("a folder in the way of a file", async () => {
    using up = new Uploaded(tarOf([{ name: "a/b", content: "x" }, { name: "a", content: "x" }]));
    await assert.rejects(up.extract(), { code: "archive_refused", message: /entry "a" is in the way/ });
    assert.deepEqual(up.names, ["App.tgz"]);
  });
  await t.step("canceled", async () => {
    using up = new Uploaded(tarOf(plain));
    await assert.rejects(up.extract(AbortSignal.abort()), { code: "canceled" });
    await assert.rejects(up.check({ signal: AbortSignal.abort() }), { code: "canceled" });
    assert.deepEqual(up.names, ["App.tgz"]);
  });
  await t.step("a link", async () => {
    using up = new Uploaded(tarOf([{ name: "a", content: "x" }]));
    Deno.mkdirSync(`${up.folder}/kept`);
    Deno.symlinkSync(`${up.folder}/kept`, `${up.folder}/App`);
    await up.extract();
    assert.deepEqual(up.names, ["App.tgz", "App/", "App/a", "kept/"]);
  });
});
