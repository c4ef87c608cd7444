import assert from "node:assert/strict";
import { judgePullSpace, neededBytesFor, noSpaceText } from "../../../lib/disk_space/pull_space.ts";

Deno.test("judgePullSpace() accepts what leaves the reserve, and returns both sizes otherwise", () => {
  const fits = { kind: "fits" };
  const cases: [string, number | undefined, number | undefined, unknown][] = [
    ["exactly the reserve is left", 900, 1000, fits],
    ["one byte of the reserve is taken", 901, 1000, { kind: "noSpace", neededBytes: 901, freeBytes: 1000 }],
    ["nothing is free", 1, 0, { kind: "noSpace", neededBytes: 1, freeBytes: 0 }],
    ["nothing is needed", 0, 0, fits],
    ["the needed space is unknown", undefined, 0, fits],
    ["the free space is unknown", 1e12, undefined, fits],
  ];
  for (const [name, neededBytes, freeBytes, expected] of cases) {
    assert.deepEqual(judgePullSpace({ neededBytes, freeBytes, reserveBytes: 100 }), expected, name);
  }
});

Deno.test("neededBytesFor() returns 2.2 bytes for each byte of the download", () => {
  assert.deepEqual([0, 10, 1_000_001].map(neededBytesFor), [0, 22, 2_200_003]);
});

Deno.test("noSpaceText() shows the needed and the free bytes, also in readable units", () => {
  const text = noSpaceText({ neededBytes: 1_181_116_006, freeBytes: 300 * 1024 ** 2 });
  assert.equal(
    text,
    "there is not enough room on the disk: about 1181116006 bytes (1.1 GiB) are needed, 314572800 bytes (300.0 MiB) are free",
  );
});
