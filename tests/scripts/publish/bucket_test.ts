// box storage
/** Publishing to a bucket: the cases of a folder, and what only networks and services do. */

import assert from "node:assert/strict";
import { ownPlatform } from "../../../scripts/build/target.ts";
import { openStore } from "../../../scripts/publish/open_store.ts";
import { StorageEmulator } from "../../../scripts/testbed/storage_emulator.ts";
import { type Fault, startFaultyService } from "./faulty_service.ts";
import { makePublishPlace, ownName } from "./place.ts";
import { publishCases } from "./publish_cases.ts";

const bucket = "re-agent";
const own = ownPlatform();

Deno.test("in a bucket", async (test) => {
  await using emulator = await StorageEmulator.start(bucket);
  for (const { name, run } of publishCases) {
    await test.step(name, async () => {
      await emulator.wipe();
      await using place = await makePublishPlace(() => `gs://${bucket}`, {
        environment: { STORAGE_EMULATOR_HOST: emulator.url },
      });
      await run(place);
    });
  }
  await test.step("every file, copies and uploads alike, is asked for again each time", async () => {
    await emulator.wipe();
    await using place = await makePublishPlace(() => `gs://${bucket}`, {
      environment: { STORAGE_EMULATOR_HOST: emulator.url },
    });
    await place.makeBuild("0.21.0");
    assert.deepEqual([await place.run("publish"), await place.run("promote")], [0, 0], place.printed.join("\n"));
    const files = await place.files();
    assert.ok(files.length > 7);
    for (const path of files) {
      assert.equal(Object(await emulator.describe(bucket, path)).cacheControl, "public, max-age=0", path);
    }
  });
  await test.step("faults", async (faults) => {
    for (const row of faultRows) {
      await faults.step(row.name, async () => {
        await emulator.wipe();
        await runFault(row, emulator);
      });
    }
  });
});

interface FaultRow {
  name: string;
  /** Makes the faults of one run. */
  fault: () => Fault;
  /** How the run with faults ends. */
  code: number;
  printed?: RegExp;
}

/** A fault at the first requests that fit. */
function first(count: number, fits: (request: Parameters<Fault>[0]) => boolean, kind: ReturnType<Fault>): () => Fault {
  return () => {
    let left = count;
    return (request) => fits(request) && left-- > 0 ? kind : undefined;
  };
}

const isBinary = ({ path }: { path: string }) => path === `${own}/0.22.0/reagent`;
const always = Number.POSITIVE_INFINITY;

const faultRows: FaultRow[] = [
  { name: "a service that is away for a moment", fault: first(3, () => true, "unavailable"), code: 0 },
  { name: "pieces that get no answer", fault: first(2, ({ isPiece }) => isPiece, "unavailable"), code: 0 },
  { name: "a connection that ends in an upload", fault: first(1, ({ isPiece }) => isPiece, "reset"), code: 0 },
  { name: "a piece whose answer is lost", fault: first(1, ({ isPiece }) => isPiece, "lost answer"), code: 0 },
  {
    name: "content that was changed on the way, once",
    fault: () => {
      let reads = 0;
      // The first read looks whether it is there already.
      return (request) =>
        isBinary(request) && request.method === "GET" && (reads += 1) === 3 ? "other content" : undefined;
    },
    code: 0,
  },
  {
    name: "content that is never what was sent",
    fault: first(always, (request) => isBinary(request) && request.method === "GET", "other content"),
    code: 1,
    printed: /does not keep .* as it is sent; nothing was made live/,
  },
  {
    name: "a token that is not good for uploads",
    fault: first(always, ({ method }) => method === "POST", "denied"),
    code: 1,
    printed: /status 403: no/,
  },
  {
    name: "a service that goes away in the middle",
    fault: first(always, ({ path }) => path.startsWith(`${own}/0.22.0/`), "unavailable"),
    code: 1,
    printed: /status 503/,
  },
  {
    name: "an index that never arrives",
    fault: first(always, ({ path }) => path.startsWith("pending/availableVersions.json"), "other content"),
    code: 1,
    printed: /nothing was made live/,
  },
  {
    name: "a copy of the index that is refused",
    fault: first(always, ({ method, path }) => method === "POST" && path === "availableVersions.json", "denied"),
    code: 1,
    printed: /status 403: no/,
  },
];

/** 0.21.0 is live. A run with the fault ends well, or leaves it live; without the fault the next run ends well. */
async function runFault({ fault, code, printed }: FaultRow, emulator: StorageEmulator): Promise<void> {
  await using service = await startFaultyService(emulator.url);
  await using place = await makePublishPlace(() => `gs://${bucket}`, {
    environment: { STORAGE_EMULATOR_HOST: service.url },
  });
  const runBoth = async () => await place.run("publish") || await place.run("promote");
  await place.makeBuild("0.21.0");
  assert.equal(await runBoth(), 0, place.printed.join("\n"));
  const live = await place.read("availableVersions.json");
  await place.makeBuild("0.22.0");
  service.fault = fault();
  const ended = await runBoth();
  service.fault = () => undefined;
  assert.equal(ended, code, `${place.printed.join("\n")}\n${service.requests.slice(-20).join("\n")}`);
  if (code !== 0) {
    if (printed !== undefined) assert.match(place.printed.join("\n"), printed);
    assert.equal(await place.read("availableVersions.json"), live);
    assert.equal(await runBoth(), 0, place.printed.join("\n"));
  }
  assert.match(await place.read("availableVersions.json") ?? "", /"production": "0\.22\.0"/);
  assert.equal(
    await place.read(`${own}/0.22.0/reagent`),
    await Deno.readTextFile(`${place.folder}/project/build/${ownName}`),
  );
}

Deno.test("an upload of several pieces goes on where it was", async () => {
  await using emulator = await StorageEmulator.start(bucket);
  await using service = await startFaultyService(emulator.url);
  const folder = await Deno.makeTempDir({ prefix: "reagent-pieces-" });
  try {
    const bytes = new Uint8Array(20_000_000).map((_, index) => index * 7 + (index >> 8));
    await Deno.writeFile(`${folder}/large`, bytes);
    using store = openStore(`gs://${bucket}`, { environment: { STORAGE_EMULATOR_HOST: service.url } });
    let pieces = 0;
    service.fault = ({ isPiece }) => isPiece && (pieces += 1) === 2 ? "lost answer" : undefined;
    let sent = 0;
    await store.write("a/large", { content: { file: `${folder}/large` }, onBytes: (count) => sent += count });
    assert.equal(pieces, 3, "the piece that had arrived is not sent again");
    assert.ok(sent <= bytes.length);
    const stream = await store.read("a/large");
    assert.ok(stream !== undefined);
    assert.deepEqual(new Uint8Array(await new Response(stream).arrayBuffer()), bytes);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
