import assert from "node:assert/strict";
import { LogLine } from "../../../lib/docker/log_lines.ts";
import { backlogLimitBytes, Batch, payloadLimitBytes } from "../../../lib/app_logs/batch.ts";
import { splitText } from "../../../lib/app_logs/pieces.ts";
import { byteLength } from "../../../lib/base/byte_length.ts";

const longLine = "x".repeat(80_000);

function take(lines: string[]): string | undefined {
  const batch = new Batch();
  for (const line of lines) batch.add(line);
  return batch.take();
}

Deno.test("take() joins lines with line feeds and leaves nothing", () => {
  const batch = new Batch();
  batch.add("x1");
  batch.add("x2");
  assert.equal(batch.isEmpty, false);
  assert.equal(batch.take(), "x1\nx2");
  assert.equal(batch.isEmpty, true);
  assert.equal(batch.take(), undefined);
});

Deno.test("take() returns what fits into a message and counts the lines that do not", () => {
  const text = take([longLine, longLine, longLine, longLine, longLine]);
  assert.equal(text, [longLine, longLine, longLine, "… 2 log line(s) dropped (rate limit)"].join("\n"));
});

Deno.test("take() drops everything after the first line that does not fit, also short lines", () => {
  const text = take(["a", "y".repeat(payloadLimitBytes), "b", "c"]);
  assert.equal(text, "a\n… 3 log line(s) dropped (rate limit)");
});

Deno.test("take() returns only the marker when no line fits", () => {
  assert.equal(take(["y".repeat(payloadLimitBytes + 1)]), "… 1 log line(s) dropped (rate limit)");
});

Deno.test("add() counts lines above the backlog limit as dropped and keeps those before", () => {
  const batch = new Batch();
  for (let index = 0; index < 14; index += 1) batch.add(longLine);
  assert.equal(batch.backlogBytes, 1_040_013);
  batch.add("z");
  assert.equal(batch.backlogBytes, 1_040_015);
  assert.match(batch.take() ?? "", /\n… 12 log line\(s\) dropped \(rate limit\)$/);
});

Deno.test("add() counts a line larger than the whole backlog, and the next message reports it", () => {
  const batch = new Batch();
  batch.add("z".repeat(backlogLimitBytes));
  assert.equal(batch.backlogBytes, 0);
  assert.equal(batch.isEmpty, false);
  batch.add("after");
  assert.equal(batch.take(), "after\n… 1 log line(s) dropped (rate limit)");
});

Deno.test("take() keeps empty lines, also at the start", () => {
  assert.equal(take(["", "", "a", ""]), "\n\na\n");
  assert.equal(take([""]), "");
});

Deno.test("clear() drops lines and counts", () => {
  const batch = new Batch();
  batch.add("z".repeat(backlogLimitBytes));
  batch.add("a");
  batch.clear();
  assert.equal(batch.isEmpty, true);
  assert.equal(batch.backlogBytes, 0);
});

Deno.test("a message never exceeds the limit, whatever the lines", () => {
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

/** A line of a container that holds these bytes. */
function lineOf(bytes: Uint8Array): LogLine {
  return new LogLine(bytes, { stampAt: -1, from: 0, to: bytes.length });
}

Deno.test("takeFitting() returns one full message after the other and drops nothing", () => {
  const batch = new Batch();
  const printed = Array.from({ length: 9_000 }, (_, index) => `${index} ${"é".repeat(index % 50)}`);
  for (const [index, text] of printed.entries()) {
    if (index % 2 === 0) batch.add(text);
    else batch.addLine(lineOf(new TextEncoder().encode(text)));
  }
  const messages: string[] = [];
  while (!batch.isEmpty) messages.push(batch.takeFitting() ?? "");
  assert.ok(messages.length > 1);
  for (const message of messages) assert.ok(byteLength(JSON.stringify(message)) <= payloadLimitBytes + 2);
  for (const message of messages.slice(0, -1)) {
    assert.ok(byteLength(JSON.stringify(message)) > 0.98 * payloadLimitBytes);
  }
  assert.deepEqual(messages.join("\n").split("\n"), printed);
  assert.equal(batch.backlogBytes, 0);
});

Deno.test("#5: takeFitting() carries each line that fits as JSON, however much others need", () => {
  const batch = new Batch();
  const nuls = splitText("\u0000".repeat(50_000));
  const mixed = Array.from({ length: 9 }, (_, index) => [...nuls, `${index}`]).flat();
  const lines = ["a", "y".repeat(payloadLimitBytes), ...mixed, "y".repeat(payloadLimitBytes)];
  for (const line of lines) batch.add(line);
  const messages: string[] = [];
  while (!batch.isEmpty) messages.push(batch.takeFitting() ?? "");
  for (const message of messages) assert.ok(byteLength(JSON.stringify(message)) <= payloadLimitBytes + 2);
  assert.deepEqual(messages.join("\n").split("\n"), lines);
});

Deno.test("takeFitting() drops only the line that no message can carry, and marks its place", () => {
  const batch = new Batch();
  for (const text of ["a", "y".repeat(payloadLimitBytes + 1), "b"]) batch.add(text);
  assert.equal(batch.takeFitting(), "a\n… 1 log line(s) dropped (rate limit)");
  assert.equal(batch.takeFitting(), "b");
  assert.equal(batch.takeFitting(), undefined);
});

Deno.test("takeFitting() leaves nothing after lines were dropped because the backlog was full", () => {
  const batch = new Batch();
  for (let index = 0; index < 14; index += 1) batch.add(longLine);
  assert.match(batch.takeFitting() ?? "", /\n… 11 log line\(s\) dropped \(rate limit\)$/);
  assert.equal(batch.isEmpty, true);
});

Deno.test("a message of invalid UTF-8 stays within the limit, and its lines are counted", () => {
  const batch = new Batch();
  for (let index = 0; index < 900; index += 1) batch.addLine(lineOf(new Uint8Array(999).fill(0xff)));
  let counted = 0;
  for (let rounds = 0; !batch.isEmpty; rounds += 1) {
    assert.ok(rounds < 100);
    const text = batch.takeFitting() ?? "";
    assert.ok(byteLength(text) < payloadLimitBytes);
    counted += text.split("\n").length;
  }
  assert.equal(counted, 900);
});

Deno.test("for every order of lines and takes, taken and dropped lines add up to those added", () => {
  let seed = 19;
  const random = (limit: number) => (seed = (seed * 48_271) % 2_147_483_647) % limit;
  for (let round = 0; round < 30; round += 1) {
    const batch = new Batch();
    const tally = { added: 0, taken: 0, dropped: 0 };
    const count = (text: string | undefined) => {
      if (text === undefined) return;
      const lines = text.split("\n");
      const marker = /^… (\d+) log line\(s\) dropped \(rate limit\)$/.exec(lines.at(-1) ?? "");
      tally.taken += marker === null ? lines.length : lines.length - 1;
      tally.dropped += Number(marker?.[1] ?? 0);
      const bytes = lines.slice(0, marker === null ? undefined : -1).join("\n");
      assert.ok(byteLength(bytes) <= payloadLimitBytes);
    };
    for (let step = 0; step < 300; step += 1) {
      const bytes = new Uint8Array(random(random(7) === 0 ? 300_000 : 3_000)).fill(random(5) === 0 ? 0xfe : 0x61);
      batch.addLine(lineOf(bytes));
      tally.added += 1;
      assert.ok(batch.backlogBytes <= backlogLimitBytes);
      const what = random(40);
      if (what === 0) count(batch.take());
      else if (what < 4) count(batch.takeFitting());
    }
    while (!batch.isEmpty) count(batch.takeFitting());
    assert.equal(tally.taken + tally.dropped, tally.added);
  }
});
