import assert from "node:assert/strict";
import { systemClock } from "../../../lib/async/clock.ts";
import { silentLog } from "../../../lib/base/log.ts";
import type { DownloadProgress } from "../../../lib/files/download.ts";
import { createOsUpdate, type OsUpdate } from "../../../lib/os_update/os_update.ts";
import { answerFrom, DownloadServer, type RawAnswer, type SeenRequest } from "../../fakes/download_server.ts";

const size = 300_000;
const first = crypto.getRandomValues(new Uint8Array(60_000));
const contentOf = (version: number) =>
  Uint8Array.from({ length: size }, (_, at) => (first[at % 60_000] ?? 0) ^ version);

/** A system that names a bundle, a server that has it, and the folder for bundles. */
class World implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync();
  readonly files = new Map([["/os/flock.raucb", contentOf(1)]]);
  etag = '"one"';
  answer: (request: SeenRequest, usual: RawAnswer) => RawAnswer = (_request, usual) => usual;
  reserveBytes = 1_000;
  readonly seen: DownloadProgress[] = [];
  readonly server = new DownloadServer((request) => this.answer(request, this.#answer(request)));

  constructor() {
    Deno.mkdirSync(this.bundles);
    Deno.writeTextFileSync(`${this.folder}/source`, `v2,1,${this.server.base}/os/flock.raucb\n`);
  }

  get bundles(): string {
    return `${this.folder}/tmp`;
  }

  get whole(): string {
    return `${this.bundles}/flock.raucb`;
  }

  get partial(): string {
    return `${this.bundles}/.reagent-os-update/flock.raucb`;
  }

  get ranges(): (string | null)[] {
    return this.server.requests.map(({ headers }) => headers.get("range"));
  }

  /** Another one is another process. */
  start(): OsUpdate {
    const paths = { current: "", latest: "", sourceFile: `${this.folder}/source`, bundleFolder: this.bundles };
    return createOsUpdate({
      paths,
      recordFile: `${this.folder}/os_update.json`,
      bus: { load: () => Promise.reject(new Error("not needed")) },
      onDownload: (progress) => void this.seen.push(progress),
      onInstall: () => {},
      reasonToWait: () => undefined,
      reserveBytes: () => Promise.resolve(this.reserveBytes),
      clock: systemClock,
      log: silentLog,
    });
  }

  async download(): Promise<void> {
    await using update = this.start();
    await update.download();
  }

  /** Downloads until so many bytes are there, and ends the process. */
  async cutAfter(bytes: number): Promise<void> {
    this.answer = (_request, { head, body = new Uint8Array() }) => ({
      head,
      body: body.subarray(0, bytes),
      isHanging: true,
    });
    const update = this.start();
    const end = assert.rejects(update.download(), { code: "canceled" });
    while ((await Deno.stat(this.partial).catch(() => ({ size: -1 }))).size < bytes) await systemClock.sleep(5);
    await update[Symbol.asyncDispose]();
    await end;
    this.answer = (_request, usual) => usual;
    this.server.requests.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }

  /** As servers do, by RFC 9110: another tag than the asked one brings the whole file. */
  #answer(request: SeenRequest): RawAnswer {
    const wanted = request.headers.get("if-range");
    const headers = new Headers(request.headers);
    if (wanted !== null && wanted !== this.etag) headers.delete("range");
    const answer = answerFrom(this.files, { ...request, headers });
    return this.etag === "" ? answer : { ...answer, head: `${answer.head}\r\netag: ${this.etag}` };
  }
}

async function bytesAt(path: string): Promise<Uint8Array> {
  return await Deno.readFile(path);
}

Deno.test("download() brings the bundle to its place, readable for root alone, and tells the first and last progress", async () => {
  await using world = new World();
  await world.download();
  assert.deepEqual(await bytesAt(world.whole), contentOf(1));
  assert.equal((await Deno.stat(world.whole)).mode! & 0o7777, 0o600);
  assert.deepEqual([...Deno.readDirSync(`${world.bundles}/.reagent-os-update`)].map(({ name }) => name), [
    "flock.raucb.json",
  ]);
  assert.deepEqual(world.seen.at(-1)?.currentBytes, size);
  assert.equal(world.seen.reduce((sum, { increment }) => sum + increment, 0), size);
});

Deno.test("download() goes on where it was cut, anywhere", async () => {
  for (const cut of [1, 65_536, size - 1]) {
    await using world = new World();
    await world.cutAfter(cut);
    await assert.rejects(Deno.stat(world.whole), Deno.errors.NotFound);
    await world.download();
    assert.deepEqual(world.ranges, [`bytes=${cut}-`]);
    assert.deepEqual(await bytesAt(world.whole), contentOf(1), `${cut}`);
  }
});

Deno.test("download() never joins parts of two bundles, whatever the server tells of them", async () => {
  const knows: [name: string, etag: string, newEtag: string][] = [
    ["tags", '"one"', '"two"'],
    ["weak tags", 'W/"one"', 'W/"two"'],
    ["nothing", "", ""],
  ];
  for (const [name, etag, newEtag] of knows) {
    await using world = new World();
    world.etag = etag;
    await world.cutAfter(100_000);
    world.etag = newEtag;
    const next = name === "nothing" ? new Uint8Array(size + 1).fill(7) : contentOf(2);
    world.files.set("/os/flock.raucb", next);
    await world.download();
    assert.deepEqual(await bytesAt(world.whole), next, name);
  }
});

Deno.test("download() begins again when the system names another bundle, and leaves nothing of the earlier one", async () => {
  await using world = new World();
  await world.cutAfter(100_000);
  world.files.set("/new/flock.raucb", contentOf(2)).set("/new/other.raucb", contentOf(3));
  await Deno.writeTextFile(`${world.folder}/source`, `v2,1,${world.server.base}/new/flock.raucb\n`);
  await world.download();
  assert.deepEqual(world.ranges, [null]);
  assert.deepEqual(await bytesAt(world.whole), contentOf(2));
  await Deno.writeTextFile(`${world.folder}/source`, `v2,1,${world.server.base}/new/other.raucb\n`);
  await world.download();
  const left = [...Deno.readDirSync(`${world.bundles}/.reagent-os-update`)].map(({ name }) => name);
  assert.deepEqual(left, ["other.raucb.json"]);
});

Deno.test("download() of a bundle that is there fetches nothing, and tells that it is complete", async () => {
  await using world = new World();
  await world.download();
  world.server.requests.length = 0;
  world.seen.length = 0;
  await world.download();
  assert.deepEqual(world.ranges, [`bytes=${size}-`]);
  assert.deepEqual(world.seen, [{ increment: 0, currentBytes: size, fileSize: size }]);
  assert.deepEqual(await bytesAt(world.whole), contentOf(1));
  // A server that is away takes nothing from what is there.
  world.answer = () => ({ head: "HTTP/1.1 404 Gone\r\ncontent-length: 0" });
  await assert.rejects(world.download(), { code: "connect_failed", message: /has status 404/ });
  assert.deepEqual(await bytesAt(world.whole), contentOf(1));
});

Deno.test("download() takes one at a time", async () => {
  await using world = new World();
  world.answer = (_request, { head, body = new Uint8Array() }) => ({
    head,
    body: body.subarray(0, 9),
    isHanging: true,
  });
  const update = world.start();
  const one = assert.rejects(update.download(), { code: "canceled" });
  const two = update.download();
  await assert.rejects(two, { code: "busy", message: "download already in progress" });
  await update[Symbol.asyncDispose]();
  await one;
});

Deno.test("download() looks at the free disk first, and gives up an older bundle only for its successor", async () => {
  await using world = new World();
  await Deno.writeTextFile(world.whole, "of an earlier update");
  await world.download();
  assert.deepEqual(await bytesAt(world.whole), contentOf(1));
  world.reserveBytes = Number.MAX_SAFE_INTEGER;
  world.files.set("/os/flock.raucb", contentOf(2));
  world.etag = '"two"';
  const message = /it needs 300000 bytes, \d+ are free/;
  await assert.rejects(world.download(), { code: "no_space", message });
  assert.equal(world.seen.at(-1)?.currentBytes, size);
});

Deno.test("download() follows no link and trusts no folder of somebody else", async () => {
  await using world = new World();
  const secret = `${world.folder}/secret`;
  await Deno.writeTextFile(secret, "not to be touched");
  await Deno.symlink(secret, world.whole);
  await Deno.symlink(world.folder, `${world.bundles}/.reagent-os-update`);
  await world.download();
  assert.equal(await Deno.readTextFile(secret), "not to be touched");
  assert.ok((await Deno.lstat(world.whole)).isFile);
  assert.ok((await Deno.lstat(`${world.bundles}/.reagent-os-update`)).isDirectory);
  if (Deno.uid() !== 0) return;
  await Deno.remove(`${world.bundles}/.reagent-os-update`, { recursive: true });
  await Deno.mkdir(`${world.bundles}/.reagent-os-update`);
  await Deno.link(secret, world.partial);
  await Deno.chown(`${world.bundles}/.reagent-os-update`, 65_534, 65_534);
  await world.download();
  assert.equal(await Deno.readTextFile(secret), "not to be touched");
  const { uid, mode } = await Deno.lstat(`${world.bundles}/.reagent-os-update`);
  assert.deepEqual([uid, mode! & 0o7777], [0, 0o700]);
});
