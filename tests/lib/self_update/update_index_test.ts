import assert from "node:assert/strict";
import {
  placeInShare,
  readSharePercent,
  readUpdateIndex,
  versionForDevice,
  writeUpdateIndex,
} from "../../../lib/self_update/update_index.ts";

const shared = `{ "production": "0.21.0", "test": "0.22.0", "all": "0.21.0", "production.next": "0.22.0",
  "production.share": "10%", "production.previous": "0.20.20", "index.number": "1796083200" }`;

Deno.test("readUpdateIndex() reads what the reference agent reads, and the share of a next version", () => {
  const index = readUpdateIndex(shared);
  assert.deepEqual([...index.channels.keys()], ["production", "test", "all"]);
  assert.deepEqual(index.channels.get("production"), {
    version: "0.21.0",
    next: { version: "0.22.0", sharePercent: 10 },
    previous: "0.20.20",
  });
  assert.equal(index.number, 1_796_083_200);
  assert.deepEqual(readUpdateIndex('{"all":"1.0.0"}'), { channels: new Map([["all", { version: "1.0.0" }]]) });
});

Deno.test("writeUpdateIndex() writes what readUpdateIndex() reads, every value as text", () => {
  const index = readUpdateIndex(shared);
  const text = writeUpdateIndex(index);
  assert.deepEqual(readUpdateIndex(text), index);
  assert.deepEqual(Object.values(JSON.parse(text)).filter((value) => typeof value !== "string"), []);
});

const refused: [text: string, message: RegExp][] = [
  ["", /must be a JSON object/],
  ["<html>503</html>", /must be a JSON object/],
  ["[]", /must be a JSON object/],
  ['{"all":"1.0.0","all.next":"1.1.0"}', /must stand together/],
  ['{"all":"1.0.0","all.share":"10%"}', /must stand together/],
  ['{"all":"1.0.0","all.next":"1.1.0","all.share":"101%"}', /from 0% to 100%/],
  ['{"all":"1.0.0","all.next":"1.1.0","all.share":"-1%"}', /from 0% to 100%/],
  ['{"all":"1.0.0","all.next":"1.1.0","all.share":"10"}', /from 0% to 100%/],
  ['{"all":"1.0.0","index.number":"1e9"}', /must be a whole number/],
  ['{"all":"1.0.0","index.number":"-1"}', /must be a whole number/],
];

for (const [text, message] of refused) {
  Deno.test(`readUpdateIndex() refuses ${text || "nothing"}`, () => {
    assert.throws(() => readUpdateIndex(text), { code: "protocol_error", message });
  });
}

Deno.test("values that are not text have no meaning, as for the reference agent", () => {
  const index = readUpdateIndex('{"all":"1.0.0","test":1,"local":null,"production":" 1.1.0 ","beta":""}');
  assert.deepEqual([...index.channels], [["all", { version: "1.0.0" }], ["production", { version: "1.1.0" }]]);
});

Deno.test("versionForDevice() takes the channel, else all, else refuses", async () => {
  const index = readUpdateIndex(shared);
  const serialNumber = "SN-1";
  assert.equal(await versionForDevice(index, { channel: "test", serialNumber }), "0.22.0");
  assert.equal(await versionForDevice(index, { channel: "nowhere", serialNumber }), "0.21.0");
  const without = readUpdateIndex('{"test":"1.0.0"}');
  await assert.rejects(versionForDevice(without, { channel: "production", serialNumber }), { code: "protocol_error" });
});

Deno.test("a share is stable, grows with its percent, and is about as large as it says", async () => {
  const serials = Array.from({ length: 2_000 }, (_, number) => `SN-${number}`);
  const chosen = async (percent: number, version = "0.22.0") => {
    const index = readUpdateIndex(writeUpdateIndex({
      channels: new Map([["all", { version: "0.21.0", next: { version, sharePercent: percent } }]]),
    }));
    const taken = await Promise.all(
      serials.map((serialNumber) => versionForDevice(index, { channel: "production", serialNumber })),
    );
    return serials.filter((_, at) => taken[at] === version);
  };
  const [none, tenth, half, all] = [await chosen(0), await chosen(10), await chosen(50), await chosen(100)];
  assert.deepEqual(none, []);
  assert.deepEqual(all, serials);
  assert.ok(tenth.length > 140 && tenth.length < 260, `${tenth.length} of 2000`);
  assert.deepEqual(await chosen(10), tenth);
  assert.deepEqual(tenth.filter((serial) => !half.includes(serial)), [], "who had it keeps it when the share grows");
  const others = await chosen(10, "0.23.0");
  assert.ok(others.filter((serial) => tenth.includes(serial)).length < tenth.length / 2, "others are first next time");
});

Deno.test("placeInShare() is a number that other programs can compute", async () => {
  // sha256("SN-1\\n0.22.0") begins with these four bytes: printf 'SN-1\\n0.22.0' | sha256sum
  const place = await placeInShare({ serialNumber: "SN-1", version: "0.22.0" });
  assert.ok(place >= 0 && place < 100);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("SN-1\n0.22.0")));
  const [a = 0, b = 0, c = 0, d = 0] = digest;
  assert.equal(place, (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) / 2 ** 32 * 100);
});

Deno.test("readSharePercent() takes whole percents and parts of them", () => {
  for (const [text, percent] of [["0%", 0], ["10%", 10], ["0.5%", 0.5], ["100%", 100]] as const) {
    assert.equal(readSharePercent(text), percent);
  }
  for (const text of ["", "10", "%", "1e1%", "100.1%", "10 %", "0x1%", "-0%"]) {
    assert.throws(() => readSharePercent(text));
  }
});
