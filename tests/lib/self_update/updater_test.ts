import assert from "node:assert/strict";
import { systemClock } from "../../../lib/async/clock.ts";
import { silentLog } from "../../../lib/base/log.ts";
import type { SelfUpdateDeps } from "../../../lib/self_update/dependencies.ts";
import { readUpdateKeys } from "../../../lib/self_update/minisign.ts";
import { type UpdateEnd, Updater } from "../../../lib/self_update/updater.ts";
import { UpdateRecordFile } from "../../../lib/self_update/update_record.ts";
import { answerFrom, DownloadServer, type RawAnswer, type SeenRequest } from "../../fakes/download_server.ts";
import { programOf, ReleaseBucket } from "../../fakes/release_bucket.ts";
import { makeUpdateKey } from "../../fakes/update_key.ts";

const signal = new AbortController().signal;
const publisher = await makeUpdateKey();
const index = "/re-agent/availableVersions.json";

/** A device that runs version 1.0.0, and a bucket that offers 1.1.0. */
class World implements AsyncDisposable {
  readonly bucket: ReleaseBucket;
  readonly server: DownloadServer;
  readonly agentDir = Deno.makeTempDirSync();
  unsettled: string[] = [];
  isSystemUpdating = false;
  answer: (request: SeenRequest) => RawAnswer | undefined = () => undefined;
  readonly #isSigned: boolean;

  private constructor(isSigned: boolean) {
    this.#isSigned = isSigned;
    this.bucket = new ReleaseBucket({ platform: "linux/amd64", ...(isSigned ? { key: publisher.key } : {}) });
    this.server = new DownloadServer((request) => this.answer(request) ?? answerFrom(this.bucket.files, request));
    Deno.mkdirSync(`${this.agentDir}/downloads`);
  }

  static async create({ isSigned = true } = {}): Promise<World> {
    const world = new World(isSigned);
    await world.bucket.addProgram("1.1.0");
    await world.bucket.offer("1.1.0");
    return world;
  }

  /** Another one is another process. */
  updater(change: Partial<SelfUpdateDeps> = {}): Updater {
    const path = `${this.agentDir}/self_update.json`;
    return new Updater({
      record: new UpdateRecordFile({ path, log: silentLog }),
      activation: undefined,
      environment: new Map(),
      own: {
        isConnected: () => true,
        hasEngine: () => Promise.resolve(true),
        restart: () => {},
        isEndAsked: () => false,
      },
      config: () => ({ environment: "production", endpointUrl: "", updateUrl: this.server.base, serialNumber: "SN-1" }),
      updateUrl: "",
      checksAtStart: true,
      version: "1.0.0",
      os: "linux",
      arch: "amd64",
      paths: {
        agentDir: this.agentDir,
        downloadsDir: `${this.agentDir}/downloads`,
        selfUpdateFile: path,
      },
      unsettledApps: () => this.unsettled,
      isSystemUpdating: () => this.isSystemUpdating,
      random: () => 0,
      clock: systemClock,
      log: silentLog,
      keys: () => readUpdateKeys(this.#isSigned ? publisher.publicText : ""),
      ...change,
    });
  }

  /** The files of the agent, sorted. */
  names(): string[] {
    return [...Deno.readDirSync(this.agentDir)].map(({ name }) => name).sort();
  }

  downloads(): string[] {
    return [...Deno.readDirSync(`${this.agentDir}/downloads`)].map(({ name }) => name).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await Deno.remove(this.agentDir, { recursive: true });
  }
}

/** The text of a failure. */
function textOfEnd(end: UpdateEnd): string {
  return end.kind === "failed" && end.error instanceof Error ? end.error.message : end.kind;
}

Deno.test("run() puts the new version in its place, complete and executable, and remembers it", async () => {
  for (const isSigned of [true, false]) {
    await using world = await World.create({ isSigned });
    const updater = world.updater();
    const end = await updater.run({}, signal);
    const sizeBytes = programOf("1.1.0").length;
    assert.deepEqual(end, { kind: "placed", latest: "1.1.0", sizeBytes });
    const place = `${world.agentDir}/reagent-v1.1.0`;
    assert.equal((await Deno.stat(place)).mode! & 0o7777, 0o755);
    assert.equal(await Deno.readTextFile(place), programOf("1.1.0"));
    assert.deepEqual(world.downloads(), []);
    const ready = { from: "1.0.0", to: "1.1.0", outcome: "ready", why: "" };
    assert.deepEqual(await updater.lastUpdate(), ready);
    assert.deepEqual(await world.updater({ version: "1.1.0" }).lastUpdate(), { ...ready, outcome: "updated" });
    assert.equal((await world.updater().lastUpdate())?.outcome, "rolledBack");
    // A second run fetches no program.
    world.server.requests.length = 0;
    assert.deepEqual(await world.updater().run({}, signal), { kind: "placed", latest: "1.1.0", sizeBytes });
    assert.ok(!world.server.paths.includes(world.bucket.path("1.1.0")));
  }
});

Deno.test("run() makes one request when there is nothing newer", async () => {
  await using world = await World.create();
  for (const version of ["1.1.0", "1.2.0", "1.1.0+build"]) {
    world.server.requests.length = 0;
    assert.deepEqual(await world.updater({ version }).run({}, signal), { kind: "upToDate", latest: "1.1.0" });
    assert.deepEqual(world.server.paths, [index]);
  }
});

Deno.test("run() replaces what is in the place and is not the published file", async () => {
  await using world = await World.create();
  await Deno.writeTextFile(`${world.agentDir}/reagent-v1.1.0`, programOf("1.1.0").slice(0, 1_000));
  assert.equal((await world.updater().run({}, signal)).kind, "placed");
  assert.equal(await Deno.readTextFile(`${world.agentDir}/reagent-v1.1.0`), programOf("1.1.0"));
});

type Sabotage = (world: World) => Promise<unknown> | void;
const path = (world: World, end = "") => `${world.bucket.path("1.1.0")}${end}`;
const replace = (world: World, end: string, text: string) => world.bucket.put(path(world, end), text);

const refusedWithKeys: [name: string, sabotage: Sabotage, expected: RegExp][] = [
  [
    "a changed program",
    (world) => replace(world, "", programOf("1.1.0").replace("exit 0", "exit 1")),
    /its checksum is/,
  ],
  ["a changed program with a fitting checksum", async (world) => {
    const other = new ReleaseBucket({ platform: "linux/amd64" });
    await other.addProgram("1.1.0", { program: "#!/bin/sh\necho 1.1.0\n" });
    for (const [name, bytes] of other.files) world.bucket.files.set(name, bytes);
  }, /content is not what was signed/],
  ["a program that is signed by a stranger", async (world) => {
    const stranger = new ReleaseBucket({ platform: "linux/amd64", key: (await makeUpdateKey()).key });
    await stranger.addProgram("1.1.0");
    for (const [name, bytes] of stranger.files) world.bucket.files.set(name, bytes);
  }, /known keys are/],
  [
    "a program without a signature",
    (world) => void world.bucket.files.delete(path(world, ".minisig")),
    /it is not signed/,
  ],
  [
    "an older program in the place of the new one",
    (world) => world.bucket.addProgram("1.1.0", { program: programOf("0.9.0"), signedAs: "0.9.0" }),
    /signed as version 0\.9\.0/,
  ],
  ["an index without a signature", (world) => void world.bucket.files.delete(`${index}.minisig`), /it is not signed/],
  [
    "a changed index",
    (world) => world.bucket.put(index, '{"all": "1.1.0", "index.number": "9999999999"}'),
    /not what was signed/,
  ],
  [
    "a signature that is a web page",
    (world) => replace(world, ".minisig", "<html>"),
    /must begin with an untrusted comment/,
  ],
  [
    "a program that says another version",
    (world) => world.bucket.addProgram("1.1.0", { program: programOf("1.0.9") }),
    /it says that it is version "1\.0\.9"/,
  ],
  [
    "a program that does not start",
    (world) => world.bucket.addProgram("1.1.0", { program: "\x7fELF no program" }),
    /it does not run here/,
  ],
  [
    "a program that fails",
    (world) => world.bucket.addProgram("1.1.0", { program: "#!/bin/sh\necho 1.1.0; exit 3" }),
    /it ended with 3/,
  ],
  ["an error page", (world) => replace(world, "", "<html>404</html>"), /it is a web page or XML/],
  ["an empty program", (world) => replace(world, "", ""), /it is empty/],
  ["a missing program", (world) => void world.bucket.files.delete(path(world)), /has status 404/],
  ["an index that is a web page", (world) => world.bucket.put(index, "<html>"), /Cannot read version index/],
  ["a version that is none", (world) => world.bucket.offer("latest"), /Cannot read version: got "latest"/],
  ["a version that leads elsewhere", (world) => world.bucket.offer("../../1.1.0"), /Cannot read version/],
];

for (const [name, sabotage, expected] of refusedWithKeys) {
  Deno.test(`run() refuses ${name}, and leaves nothing of it`, async () => {
    await using world = await World.create();
    await sabotage(world);
    const updater = world.updater();
    const end = await updater.run({}, signal);
    assert.match(textOfEnd(end), expected);
    assert.deepEqual(world.names().filter((file) => file.startsWith("reagent")), []);
    const left = world.downloads().map((file) => Deno.statSync(`${world.agentDir}/downloads/${file}`).size);
    assert.ok(left.every((size) => size === 0), `${left}`);
    // The next try is not spoiled by this one.
    await world.bucket.addProgram("1.1.0");
    await world.bucket.offer("1.1.0");
    assert.equal((await world.updater().run({}, signal)).kind, "placed");
  });
}

Deno.test("run() without keys refuses what has no checksum that can be read", async () => {
  await using world = await World.create({ isSigned: false });
  for (const text of [undefined, "", "<html>", "abc  reagent"]) {
    if (text === undefined) world.bucket.files.delete(path(world, ".sha256"));
    else replace(world, ".sha256", text);
    assert.match(textOfEnd(await world.updater().run({}, signal)), /it has no checksum, and this agent has no key/);
  }
  assert.equal(world.server.paths.includes(path(world)), false);
});

Deno.test("run() takes no index that is older than one it has used", async () => {
  await using world = await World.create();
  await world.bucket.offer("1.1.0", 2_000);
  assert.equal((await world.updater().run({}, signal)).kind, "placed");
  // The publisher's own old index, with its good signature: on the way to a version between.
  await world.bucket.addProgram("1.0.5");
  await world.bucket.offer("1.0.5", 1_999);
  const end = await world.updater().run({}, signal);
  assert.match(textOfEnd(end), /has number 1999, and number 2000 has been seen/);
  assert.ok(!world.names().includes("reagent-v1.0.5"));
  await world.bucket.offer("1.0.5", 2_001);
  assert.equal((await world.updater().run({}, signal)).kind, "placed");
});

Deno.test("run() goes on with an interrupted download, and begins again when that was something else", async () => {
  await using world = await World.create();
  const partial = `${world.agentDir}/downloads/reagent-v1.1.0`;
  for (const [begun, gets] of [[programOf("1.1.0").slice(0, 70_000), 1], ["\0".repeat(70_000), 2]] as const) {
    await Deno.writeTextFile(partial, begun);
    world.server.requests.length = 0;
    assert.equal((await world.updater().run({}, signal)).kind, "placed");
    const programs = world.server.requests.filter(({ path: asked }) => asked === path(world));
    assert.equal(programs.length, gets);
    assert.equal(programs[0]?.headers.get("range"), "bytes=70000-");
    await Deno.remove(`${world.agentDir}/reagent-v1.1.0`);
  }
});

Deno.test("run() waits for apps and the operating system: before it downloads, and before it puts anything in its place", async () => {
  await using world = await World.create();
  world.unsettled = ["shop", "map"];
  const because = 'Not now: apps are in transition or on probation: "shop", "map"';
  assert.deepEqual(await world.updater().run({}, signal), { kind: "postponed", latest: "1.1.0", because });
  assert.ok(!world.server.paths.includes(path(world)));
  world.unsettled = [];
  world.isSystemUpdating = true;
  const system = { kind: "postponed", latest: "1.1.0", because: "Not now: the operating system is being updated" };
  assert.deepEqual(await world.updater().run({}, signal), system);
  world.isSystemUpdating = false;
  world.answer = ({ path: asked }) => {
    if (asked === path(world)) world.unsettled = ["shop"];
    return undefined;
  };
  assert.equal((await world.updater().run({}, signal)).kind, "postponed");
  assert.ok(!world.names().includes("reagent-v1.1.0"));
  world.answer = () => undefined;
  world.unsettled = [];
  world.server.requests.length = 0;
  assert.equal((await world.updater().run({}, signal)).kind, "placed");
  const asked = world.server.requests.find((request) => request.path === path(world));
  assert.equal(asked?.headers.get("range"), `bytes=${programOf("1.1.0").length}-`);
});

Deno.test("run() is one at a time, and reports its progress", async () => {
  await using world = await World.create();
  const updater = world.updater();
  const seen: number[] = [];
  const first = updater.run({ onProgress: ({ currentBytes }) => void seen.push(currentBytes) }, signal);
  assert.deepEqual(await updater.run({}, signal), { kind: "busy" });
  assert.equal((await first).kind, "placed");
  assert.equal(seen.at(-1), programOf("1.1.0").length);
  assert.equal(world.server.paths.filter((asked) => asked === path(world)).length, 1);
  assert.equal((await updater.run({}, signal)).kind, "placed");
});

Deno.test("run() removes old versions, but not the running, the previous and the linked one", async () => {
  await using world = await World.create();
  for (const version of ["0.7.0", "0.8.0", "0.9.0", "1.0.0", "1.0.5"]) {
    await Deno.writeTextFile(`${world.agentDir}/reagent-v${version}`, "x");
  }
  await Deno.writeTextFile(`${world.agentDir}/downloads/reagent-v1.0.5`, "x");
  await Deno.symlink("reagent-v0.7.0", `${world.agentDir}/reagent`);
  assert.equal((await world.updater().run({}, signal)).kind, "placed");
  const kept = ["reagent", "reagent-v0.7.0", "reagent-v0.9.0", "reagent-v1.0.0", "reagent-v1.1.0"];
  assert.deepEqual(world.names().filter((name) => name.startsWith("reagent")), kept);
  assert.deepEqual(world.downloads(), []);
});

Deno.test("run() ends when the agent ends, and a failure is remembered with its reason", async () => {
  await using world = await World.create();
  const abort = new AbortController();
  world.answer = ({ path: asked }) => {
    if (asked === path(world)) abort.abort();
    return undefined;
  };
  await assert.rejects(world.updater().run({}, abort.signal), { code: "canceled" });
  world.answer = () => undefined;
  world.bucket.files.delete(path(world));
  const updater = world.updater();
  await updater.run({}, signal);
  const last = await updater.lastUpdate();
  assert.equal(last?.outcome, "failed");
  assert.match(last?.why ?? "", /the answer has status 404/);
});
