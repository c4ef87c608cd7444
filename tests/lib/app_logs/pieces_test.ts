import assert from "node:assert/strict";
import { payloadLimitBytes } from "../../../lib/app_logs/batch.ts";
import { splitLines, splitText } from "../../../lib/app_logs/pieces.ts";
import { byteLength } from "../../../lib/base/byte_length.ts";
import { LogLine } from "../../../lib/docker/log_lines.ts";

const texts: [name: string, text: string, pieces: number][] = [
  ["a short line", "x".repeat(1_000), 1],
  ["as much as a message carries", "x".repeat(262_144), 1],
  ["300,000 bytes", "x".repeat(300_000), 2],
  ["1 MB", "x".repeat(1_000_000), 4],
  ["180,000 NUL bytes", "\u0000".repeat(180_000), 5],
  ["colours and quotes", '\u001b[31m"x"\u001b[0m'.repeat(20_000), 2],
  ["characters of two bytes", "é".repeat(200_001), 2],
  ["characters of three bytes", `x${"€".repeat(200_000)}`, 3],
  ["characters of four bytes", `xy${"😀".repeat(150_000)}`, 3],
];

for (const [name, text, pieces] of texts) {
  Deno.test(`#6: ${name}: the pieces are the text, none is inside a character, and each fits into a message`, () => {
    for (
      const split of [
        splitText(text),
        splitLines([lineOf(new TextEncoder().encode(text))]).map((line) => line.text),
      ]
    ) {
      assert.equal(split.join(""), text);
      assert.equal(split.length, pieces);
      for (const piece of split) assert.ok(byteLength(JSON.stringify(piece)) <= payloadLimitBytes + 2);
    }
  });
}

Deno.test("#6: bytes that are not UTF-8 fit, too, once they are characters", () => {
  const bytes = new Uint8Array(300_000).fill(0xff);
  const split = splitLines([lineOf(bytes)]);
  assert.equal(split.reduce((sum, { from, to }) => sum + to - from, 0), bytes.length);
  for (const { text } of split) assert.ok(byteLength(JSON.stringify(text)) <= payloadLimitBytes + 2);
});

function lineOf(bytes: Uint8Array): LogLine {
  return new LogLine(bytes, { stampAt: -1, from: 0, to: bytes.length });
}
