import assert from "node:assert/strict";
import { backlogLimitBytes, Batch, byteLength, payloadLimitBytes } from "../../lib/logs/batch.ts";

const longLine = "x".repeat(80_000);

function take(lines: string[]): string | undefined {
  const batch = new Batch();
  for (const line of lines) batch.add(line);
  return batch.take();
}

Deno.test("take() joins lines with line feeds and leaves nothing behind", () => {
  const batch = new Batch();
  batch.add("x1");
  batch.add("x2");
  assert.equal(batch.isEmpty, false);
  assert.equal(batch.take(), "x1\nx2");
  assert.equal(batch.isEmpty, true);
  assert.equal(batch.take(), undefined);
});

Deno.test("take() keeps what fits into a message and says how many lines did not", () => {
  const text = take([longLine, longLine, longLine, longLine, longLine]);
  assert.equal(text, [longLine, longLine, longLine, "… 2 log line(s) dropped (rate limit)"].join("\n"));
});

Deno.test("take() drops everything behind the first line that does not fit, also short lines", () => {
  const text = take(["a", "y".repeat(payloadLimitBytes), "b", "c"]);
  assert.equal(text, "a\n… 3 log line(s) dropped (rate limit)");
});

Deno.test("take() gives the marker alone when no line fits", () => {
  assert.equal(take(["y".repeat(payloadLimitBytes)]), "… 1 log line(s) dropped (rate limit)");
});

Deno.test("add() counts lines above the backlog as dropped and keeps those before", () => {
  const batch = new Batch();
  for (let index = 0; index < 14; index += 1) batch.add(longLine);
  assert.equal(batch.backlogBytes, 1_040_013);
  batch.add("z");
  assert.equal(batch.backlogBytes, 1_040_015);
  assert.match(batch.take() ?? "", /\n… 12 log line\(s\) dropped \(rate limit\)$/);
});

Deno.test("add() counts a line above the whole backlog, and the count reaches the next message", () => {
  const batch = new Batch();
  batch.add("z".repeat(backlogLimitBytes));
  assert.equal(batch.backlogBytes, 0);
  assert.equal(batch.isEmpty, false);
  batch.add("after");
  assert.equal(batch.take(), "after\n… 1 log line(s) dropped (rate limit)");
});

Deno.test("take() keeps empty lines, at the start too", () => {
  assert.equal(take(["", "", "a", ""]), "\n\na\n");
  assert.equal(take([""]), "");
});

Deno.test("clear() forgets lines and counts", () => {
  const batch = new Batch();
  batch.add("z".repeat(backlogLimitBytes));
  batch.add("a");
  batch.clear();
  assert.equal(batch.isEmpty, true);
  assert.equal(batch.backlogBytes, 0);
});

Deno.test("a message never passes the limit, whatever the lines", () => {
  // A fixed sequence of lengths that jumps between tiny and huge lines.
  let seed = 7;
  for (let round = 0; round < 50; round += 1) {
    const batch = new Batch();
    let added = 0;
    for (let index = 0; index < 40; index += 1) {
      seed = (seed * 48_271) % 2_147_483_647;
      batch.add("é".repeat(seed % (index % 5 === 0 ? 90_000 : 50)));
      added += 1;
      assert.ok(batch.backlogBytes <= backlogLimitBytes);
    }
    const lines = (batch.take() ?? "").split("\n");
    const marker = /^… (\d+) log line\(s\) dropped \(rate limit\)$/.exec(lines.at(-1) ?? "");
    const kept = marker === null ? lines : lines.slice(0, -1);
    assert.equal(kept.length + Number(marker?.[1] ?? 0), added);
    assert.ok(kept.reduce((sum, line) => sum + byteLength(line) + 1, 0) <= payloadLimitBytes);
  }
});

Deno.test("byteLength() counts UTF-8 bytes as an encoder does", () => {
  for (const text of ["", "a", "é", "…", "𝄞", "a𝄞é…", "\ud834", "\udd1e\ud834", "\ud834a", "日本語"]) {
    assert.equal(byteLength(text), new TextEncoder().encode(text).length, JSON.stringify(text));
  }
});
