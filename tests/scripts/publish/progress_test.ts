import assert from "node:assert/strict";
import { barText, createProgress } from "../../../scripts/publish/progress.ts";

function makeOutput(isTerminal: boolean) {
  let text = "";
  const writeSync = (bytes: Uint8Array) => {
    text += new TextDecoder().decode(bytes);
    return bytes.length;
  };
  return { output: { isTerminal: () => isTerminal, writeSync }, read: () => text };
}

Deno.test("a terminal gets a bar that is drawn at most ten times a second, and removed at the end", () => {
  const { output, read } = makeOutput(true);
  let nowMs = 0;
  const progress = createProgress(output, () => nowMs);
  const line = progress.start("linux/amd64/0.22.0/reagent", 100_000_000);
  for (let part = 0; part < 100; part += 1) {
    line.add(1_000_000);
    nowMs += 10;
  }
  line.end();
  const drawn = read().split("\r\x1b[K").slice(1);
  assert.ok(drawn.length >= 10 && drawn.length <= 13, `${drawn.length} times`);
  assert.match(drawn.at(-2) ?? "", /^\[#{24}\] 100% {2}100\.0 of 100\.0 MB {2}linux\/amd64\/0\.22\.0\/reagent$/);
  assert.equal(drawn.at(-1), "");
});

Deno.test("a file gets plain lines", () => {
  const { output, read } = makeOutput(false);
  const progress = createProgress(output);
  const line = progress.start("x", 10);
  line.add(10);
  line.end();
  progress.note("ok     x");
  assert.equal(read(), "ok     x\n");
});

Deno.test("barText() knows empty files and too many bytes", () => {
  assert.match(barText({ name: "x", bytes: 0, totalBytes: 0 }), /100%/);
  assert.match(barText({ name: "x", bytes: 20, totalBytes: 10 }), /^\[#{24}\] 100%/);
  assert.match(barText({ name: "x", bytes: 1, totalBytes: 3 }), /^\[#{8}-{16}\] {2}33%/);
});
