import assert from "node:assert/strict";
import { LogLine } from "../../../lib/docker/log_lines.ts";
import { type MergedLine, MergedLines, mergeLimitBytes } from "../../../lib/app_logs/merged_lines.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** A line of a second; 0 for one without a time. */
function lineAt(second: number, text = `${second}`): MergedLine {
  const source = new TextEncoder().encode(text);
  const time = second === 0 ? "" : `2031-03-05T07:00:${String(second).padStart(2, "0")}.000000000Z`;
  return { line: new LogLine(source, { stampAt: -1, from: 0, to: source.length }), time };
}

class World {
  // Before its wall time, lines are old.
  readonly clock = new FakeClock({ wall: new Date("2040-01-01T00:00:00Z") });
  readonly shown: string[] = [];
  readonly old: string[] = [];
  readonly positions: string[] = [];
  readonly merged = new MergedLines({
    onLines: (lines, positions) => {
      this.shown.push(...lines.map(({ text }) => text));
      this.positions.push(...positions.map(({ containerId }) => containerId));
    },
    onOldLines: (lines) => this.old.push(...lines.map(({ text }) => text)),
    clock: this.clock,
  });

  constructor(...sources: string[]) {
    for (const source of sources) this.merged.open(source);
  }
}

const at = (containerId: string) => ({ containerId, time: "", lines: 0, bytes: 0 });

Deno.test("MergedLines puts old lines of several streams in order, however they come, and then passes all on", async () => {
  const { merged, shown, positions, clock } = new World("a", "b");
  merged.take("a", [1, 3, 5].map((second) => lineAt(second)), { position: at("a") });
  merged.take("b", [2, 4, 6].map((second) => lineAt(second)), { position: at("b") });
  assert.deepEqual(shown, []);
  await clock.advance(1_000);
  assert.deepEqual(shown, ["1", "2", "3", "4", "5", "6"]);
  assert.deepEqual(positions, ["a", "b"]);
  merged.take("a", [lineAt(9)]);
  merged.take("b", [lineAt(7)]);
  assert.deepEqual(shown.slice(6), ["9", "7"]);
  await merged[Symbol.asyncDispose]();
});

Deno.test("MergedLines never changes the order within a stream: a clock may be set back", async () => {
  const { merged, shown } = new World("a", "b");
  merged.take("a", [lineAt(5), lineAt(1, "set back"), lineAt(0, "no time"), lineAt(7)]);
  merged.take("b", [lineAt(3), lineAt(6)]);
  merged.close("a");
  assert.deepEqual(shown, []);
  merged.close("b");
  assert.deepEqual(shown, ["3", "5", "set back", "no time", "6", "7"]);
  await merged[Symbol.asyncDispose]();
});

Deno.test("MergedLines waits for a stream that is still sending old lines, and for no silent one", async () => {
  const { merged, shown, clock } = new World("slow", "silent");
  merged.take("slow", [lineAt(1)]);
  for (let second = 2; second < 20; second += 1) {
    await clock.advance(100);
    merged.take("slow", [lineAt(second)]);
  }
  assert.deepEqual(shown, []);
  await clock.advance(500);
  assert.equal(shown.length, 19);
  await merged[Symbol.asyncDispose]();
});

Deno.test("MergedLines is done with a stream that has come to lines of today", async () => {
  const { merged, shown } = new World("a");
  const now = { ...lineAt(1, "now"), time: "2040-01-01T00:00:01.000000000Z" };
  merged.take("a", [lineAt(1), now]);
  assert.deepEqual(shown, ["1", "now"]);
  await merged[Symbol.asyncDispose]();
});

Deno.test("MergedLines keeps lines that were shown before apart from new ones", async () => {
  const { merged, shown, old } = new World("a", "b");
  merged.take("a", [lineAt(1)], { isOld: true });
  merged.take("b", [lineAt(0, "x"), lineAt(2)], { isOld: true });
  merged.take("a", [lineAt(3)]);
  await merged[Symbol.asyncDispose]();
  assert.deepEqual([old, shown], [["x", "1", "2"], ["3"]]);
});

Deno.test("MergedLines holds no more than its limit: first goes what nothing can come before", async () => {
  const { merged, shown } = new World("a", "b");
  const long = "x".repeat(mergeLimitBytes / 4);
  merged.take("b", [lineAt(2)]);
  merged.take("a", [lineAt(1), lineAt(3, long), lineAt(4, long), lineAt(5, long), lineAt(6, long)]);
  assert.deepEqual(shown, ["1", "2"]);
  merged.take("a", [lineAt(7, long)]);
  assert.equal(shown.length, 7);
  await merged[Symbol.asyncDispose]();
  assert.equal(shown.length, 7);
});
