import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Clock } from "../../../lib/async/clock.ts";
import { AgentError } from "../../../lib/base/errors.ts";
import {
  downloadFile,
  downloadLimits,
  type DownloadOptions,
  type DownloadProgress,
} from "../../../lib/files/download.ts";
import { placeFile } from "../../../lib/files/place_file.ts";
import { answerFrom, DownloadServer, type RawAnswer } from "../../fakes/download_server.ts";

const program = crypto.getRandomValues(new Uint8Array(60_000));
const content = Uint8Array.from({ length: 300_000 }, (_, index) => (program[index % 60_000] ?? 0) ^ (index >> 10));
content.set(new TextEncoder().encode("\x7fELF"));
const sha256 = createHash("sha256").update(content).digest("hex");
const ok = (body: Uint8Array, length = body.length): RawAnswer => ({
  head: `HTTP/1.1 200 OK\r\ncontent-length: ${length}`,
  body,
});

/** Waits between tries take no time; the wait for a stall takes 50 ms of real time. */
const hastyClock: Pick<Clock, "sleep"> = {
  sleep: (ms, signal) =>
    ms < downloadLimits.stallMs ? Promise.resolve() : new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, 50);
      signal?.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(new AgentError("canceled", "The wait was canceled"));
      });
    }),
};

interface World extends AsyncDisposable {
  folder: string;
  path: string;
  seen: DownloadProgress[];
  options: DownloadOptions;
}

async function makeWorld(change: Partial<DownloadOptions> = {}): Promise<World> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/file`;
  const seen: DownloadProgress[] = [];
  const options: DownloadOptions = {
    path,
    limitBytes: 1_000_000,
    reserveBytes: 1_000,
    readFreeBytes: () => Promise.resolve(10_000_000),
    onProgress: (progress) => void seen.push(progress),
    clock: hastyClock,
    signal: new AbortController().signal,
    ...change,
  };
  return { folder, path, seen, options, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

const files = new Map([["/file", content]]);

Deno.test("downloadFile() writes the file and returns its digests", async () => {
  await using server = new DownloadServer((request) => answerFrom(files, request));
  await using world = await makeWorld();
  const done = await downloadFile(new URL(`${server.base}/file`), world.options);
  assert.deepEqual(await Deno.readFile(world.path), content);
  const blake2b512 = new Uint8Array(createHash("blake2b512").update(content).digest());
  assert.deepEqual(done, { sizeBytes: 300_000, sha256, blake2b512, isContinued: false });
  assert.equal((await Deno.stat(world.path)).mode! & 0o777, 0o600);
  assert.equal(world.seen.at(-1)?.currentBytes, 300_000);
  assert.equal(world.seen.reduce((sum, { increment }) => sum + increment, 0), 300_000);
  assert.ok(world.seen.every(({ fileSize }) => fileSize === 300_000));
});

Deno.test("downloadFile() goes on where the connection broke, as often as it takes", async () => {
  await using server = new DownloadServer((request) => {
    const { head, body = new Uint8Array() } = answerFrom(files, request);
    return { head, body: body.subarray(0, 70_000) };
  });
  await using world = await makeWorld();
  const done = await downloadFile(new URL(`${server.base}/file`), world.options);
  assert.equal(done.sha256, sha256);
  assert.deepEqual(server.requests.map(({ headers }) => headers.get("range")), [
    ...[null, "bytes=70000-", "bytes=140000-", "bytes=210000-", "bytes=280000-"],
  ]);
  assert.equal(world.seen.reduce((sum, { increment }) => sum + increment, 0), 300_000);
});

Deno.test("downloadFile() continues what an earlier process left, from any byte", async () => {
  await using server = new DownloadServer((request) => answerFrom(files, request));
  for (const left of [1, 65_536, 299_999, 300_000]) {
    await using world = await makeWorld();
    await Deno.writeFile(world.path, content.subarray(0, left));
    const done = await downloadFile(new URL(`${server.base}/file`), world.options);
    assert.deepEqual({ sha256: done.sha256, isContinued: done.isContinued }, { sha256, isContinued: true }, `${left}`);
    assert.equal(server.requests.at(-1)?.headers.get("range"), `bytes=${left}-`);
  }
});

Deno.test("downloadFile() starts over when what is left cannot be of the file, or parts are not to be had", async () => {
  await using server = new DownloadServer((request) => answerFrom(files, request));
  for (const kind of ["longer", "beyond the limit", "a folder", "a link", "no ranges"]) {
    await using world = await makeWorld();
    if (kind === "a folder") await Deno.mkdir(`${world.path}/in`, { recursive: true });
    else if (kind === "a link") await Deno.symlink(`${world.folder}/elsewhere`, world.path);
    else await Deno.writeFile(world.path, new Uint8Array({ "longer": 300_001, "no ranges": 5 }[kind] ?? 1_000_001));
    if (kind === "no ranges") server.answer = () => ok(content);
    const done = await downloadFile(new URL(`${server.base}/file`), world.options);
    assert.deepEqual({ sha256: done.sha256, isContinued: done.isContinued }, { sha256, isContinued: false }, kind);
    assert.deepEqual(await Deno.readFile(world.path), content, kind);
    await assert.rejects(Deno.stat(`${world.folder}/elsewhere`), Deno.errors.NotFound);
  }
});

const page = new TextEncoder().encode("  <!DOCTYPE html><title>Sign in to the hotel</title>");

const refusals: [name: string, answer: RawAnswer, code: string, message: RegExp][] = [
  ["a missing file", { head: "HTTP/1.1 404 Not Found\r\ncontent-length: 0" }, "connect_failed", /has status 404/],
  ["a refused one", { head: "HTTP/1.1 403 No\r\ncontent-length: 0" }, "connect_failed", /has status 403/],
  ["a broken server", { head: "HTTP/1.1 500 Oh\r\ncontent-length: 0" }, "connect_failed", /has status 500/],
  ["a success without content", { head: "HTTP/1.1 204 Fine" }, "connect_failed", /has status 204/],
  [
    "a part nobody asked for",
    {
      head: "HTTP/1.1 206 Part\r\ncontent-range: bytes 0-9/10\r\ncontent-length: 10",
      body: new Uint8Array(10),
    },
    "connect_failed",
    /has status 206/,
  ],
  ["an empty file", ok(new Uint8Array()), "protocol_error", /it is empty/],
  ["an empty file of unknown length", { head: "HTTP/1.1 200 OK" }, "protocol_error", /it is empty/],
  [
    "a web page",
    { head: "HTTP/1.1 200 OK\r\ncontent-type: Text/HTML; charset=x" },
    "protocol_error",
    /of type text\/html/,
  ],
  ["a web page in disguise", ok(page), "protocol_error", /it is a web page or XML/],
  ["an announced giant", ok(content, 1_000_001), "protocol_error", /1000001 bytes, and at most 1000000 are taken/],
  [
    "a giant without a length",
    {
      head: "HTTP/1.1 200 OK",
      body: new Uint8Array(1_000_001).fill(1),
    },
    "protocol_error",
    /more than 1000000 bytes/,
  ],
  [
    "compressed content",
    {
      head: "HTTP/1.1 200 OK\r\ncontent-encoding: aes128gcm\r\ncontent-length: 5",
      body: new Uint8Array(5),
    },
    "protocol_error",
    /it is compressed/,
  ],
  [
    "a redirect into the private network",
    {
      head: "HTTP/1.1 302 Go\r\nlocation: http://10.0.0.1/file\r\ncontent-length: 0",
    },
    "denied",
    /without encryption/,
  ],
  ["a length that never comes", ok(content.subarray(0, 1_000), 300_000), "connect_failed", /after byte 1000: /],
  ["a connection that hangs", { ...ok(content.subarray(0, 1_000), 300_000), isHanging: true }, "timeout", /in 30 s/],
];

for (const [name, answer, code, message] of refusals) {
  Deno.test(`downloadFile() reports ${name}`, async () => {
    await using server = new DownloadServer(() => answer);
    await using world = await makeWorld();
    await assert.rejects(downloadFile(new URL(`${server.base}/file`), world.options), { code, message });
    assert.ok(server.requests.length <= downloadLimits.tries, `${server.requests.length} requests`);
  });
}

Deno.test("downloadFile() refuses parts that are not those it asked for", async () => {
  const part = (range: string) => ({
    head: `HTTP/1.1 206 Part\r\ncontent-range: ${range}\r\ncontent-length: 9`,
    body: new Uint8Array(9),
  });
  const cases: [string, RegExp][] = [
    ["bytes 0-8/300000", /from byte 0, and that from byte 1000/],
    ["bytes 1000-1008/900", /not within the file/],
    ["bytes 1000-1008/9000000", /9000000 bytes, and at most/],
    ["lines 1-2/3", /without saying which/],
  ];
  for (const [range, message] of cases) {
    await using server = new DownloadServer(() => part(range));
    await using world = await makeWorld();
    await Deno.writeFile(world.path, content.subarray(0, 1_000));
    const url = new URL(`${server.base}/file`);
    await assert.rejects(downloadFile(url, world.options), { code: "protocol_error", message });
    assert.deepEqual(await Deno.readFile(world.path), content.subarray(0, 1_000), range);
  }
});

Deno.test("downloadFile() looks at the free space before it writes, and while it does", async () => {
  await using server = new DownloadServer((request) => answerFrom(files, request));
  await using world = await makeWorld({ readFreeBytes: () => Promise.resolve(300_999) });
  const url = new URL(`${server.base}/file`);
  const message = /it needs 300000 bytes, 300999 are free, and 1000 have to stay free/;
  await assert.rejects(downloadFile(url, world.options), { code: "no_space", message });
  assert.equal((await Deno.stat(world.path)).size, 0);
  // What is there already needs no room.
  await Deno.writeFile(world.path, content.subarray(0, 1));
  assert.equal((await downloadFile(url, world.options)).sha256, sha256);
});

Deno.test("downloadFile() ends when it is aborted, and keeps what has arrived", async () => {
  const abort = new AbortController();
  await using server = new DownloadServer(() => ({ ...ok(content.subarray(0, 5_000), 300_000), isHanging: true }));
  await using world = await makeWorld({
    signal: abort.signal,
    clock: { sleep: (_ms, signal) => untilAbort(signal) },
    onProgress: () => abort.abort(),
  });
  await assert.rejects(downloadFile(new URL(`${server.base}/file`), world.options), { code: "canceled" });
  assert.equal((await Deno.stat(world.path)).size, 5_000);
});

Deno.test("downloadFile() without a server fails with its address", async () => {
  await using world = await makeWorld();
  const url = new URL("http://127.0.0.1:1/file");
  await assert.rejects(downloadFile(url, world.options), { code: "connect_failed", message: /127\.0\.0\.1:1\/file/ });
});

Deno.test("placeFile() replaces a file at once, with the mode that it was given", async () => {
  await using world = await makeWorld();
  const to = `${world.folder}/there`;
  await Deno.writeTextFile(world.path, "new");
  await Deno.writeTextFile(to, "old");
  await placeFile(world.path, { to, mode: 0o755 });
  assert.equal(await Deno.readTextFile(to), "new");
  assert.equal((await Deno.stat(to)).mode! & 0o7777, 0o755);
  await assert.rejects(placeFile(world.path, { to, mode: 0o755 }), { code: "io_failed", message: /there"/ });
  assert.equal(await Deno.readTextFile(to), "new");
});

function untilAbort(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(new AgentError("canceled", "The wait was canceled")));
  });
}
