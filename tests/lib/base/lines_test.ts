import assert from "node:assert/strict";
import { lineLimitBytes, LineSplitter, TextLines } from "../../../lib/base/lines.ts";

function linesOf(chunks: (string | Uint8Array)[]): string[] {
  const encoder = new TextEncoder();
  const lines: string[] = [];
  const reader = new TextLines();
  const keep = (line: string) => void lines.push(line);
  for (const chunk of chunks) reader.push(typeof chunk === "string" ? encoder.encode(chunk) : chunk, keep);
  reader.flush(keep);
  return lines;
}

const cases: { name: string; chunks: string[]; lines: string[] }[] = [
  { name: "two lines in one chunk", chunks: ["a\nb\n"], lines: ["a", "b"] },
  { name: "a line over three chunks", chunks: ["a", "b", "c\nd"], lines: ["abc", "d"] },
  { name: "an end of its own", chunks: ["a", "\n"], lines: ["a"] },
  { name: "empty lines", chunks: ["\n\na\n\n"], lines: ["", "", "a", ""] },
  { name: "one carriage return before the end", chunks: ["a\r\nb\r\r\n\r\nc\rd\n"], lines: ["a", "b\r", "", "c\rd"] },
  { name: "a carriage return in another chunk than the line feed", chunks: ["a\r", "\nb"], lines: ["a", "b"] },
  { name: "nothing", chunks: [], lines: [] },
];

for (const { name, chunks, lines } of cases) {
  Deno.test(`TextLines splits ${name}`, () => assert.deepEqual(linesOf(chunks), lines));
}

Deno.test("TextLines returns the same lines however the bytes are split", () => {
  const bytes = new TextEncoder().encode("grüße 🚀 zwei\r\n\n日本\nrest €");
  const expected = ["grüße 🚀 zwei", "", "日本", "rest €"];
  for (let size = 1; size <= bytes.length; size++) {
    const chunks = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
    assert.deepEqual(linesOf(chunks), expected);
  }
});

Deno.test("TextLines replaces bytes that are not UTF-8 and keeps a byte order mark", () => {
  assert.deepEqual(linesOf([new Uint8Array([0x78, 0xfe, 0x79, 10, 0xef, 0xbb, 0xbf, 0x61])]), ["x\uFFFDy", "\uFEFFa"]);
});

Deno.test("TextLines splits a line above 1 MiB, and never a character", () => {
  const text = "x" + "€".repeat(lineLimitBytes);
  const lines = linesOf([`before\n${text.slice(0, 70_000)}`, text.slice(70_000), "\nafter\n"]);
  assert.equal(lines[0], "before");
  assert.equal(lines.at(-1), "after");
  assert.equal(lines.slice(1, -1).join(""), text);
  assert.equal(lines.length, 2 + 4);
});

Deno.test("LineSplitter never keeps more than its limit", () => {
  const cutter = new LineSplitter(10);
  const sizes: number[] = [];
  for (let index = 0; index < 100; index++) cutter.push(new Uint8Array(7), (piece) => sizes.push(piece.length));
  cutter.flush((piece) => sizes.push(piece.length));
  assert.ok(sizes.every((size) => size === 10));
  assert.equal(sizes.length, 70);
});
