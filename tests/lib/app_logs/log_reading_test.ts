import assert from "node:assert/strict";
import { type LogLine, logReader } from "../../../lib/docker/log_lines.ts";
import { LogReading } from "../../../lib/app_logs/log_reading.ts";

const second = (fraction: string) => `2031-03-05T07:00:00.${fraction.padEnd(9, "0")}Z`;

/** The lines of a log as the engine sends them; a line with an empty time has no stamp. */
function linesOf(log: readonly (readonly [string, string])[]): LogLine[] {
  const lines: LogLine[] = [];
  const text = log.map(([time, text]) => `${time === "" ? "" : `${time} `}${text}\n`).join("");
  logReader(true).push(new TextEncoder().encode(text), (line) => void lines.push(line));
  return lines;
}

/** Reads a log as the engine sends it: all lines at or after a time. */
function readAgain(reading: LogReading, log: readonly (readonly [string, string])[]): string[] {
  const since = reading.position?.time;
  reading.resume();
  const given = log.filter(([time]) => since === undefined || time >= since);
  return reading.takeAll(linesOf(given)).map(({ text }) => text);
}

Deno.test("a log that is read in several streams yields every line once, also lines with the same time", () => {
  const log: [string, string][] = [
    [second("100000000"), "a"],
    [second("100000001"), "b1"],
    [second("100000001"), "b2"],
    [second("100000001"), "b3"],
    [second("200000000"), "c"],
  ];
  for (let first = 0; first <= log.length; first += 1) {
    for (let next = first; next <= log.length; next += 1) {
      const reading = new LogReading();
      const read = [first, next, log.length].flatMap((end) => readAgain(reading, log.slice(0, end)));
      assert.deepEqual(read, ["a", "b1", "b2", "b3", "c"], `broken after ${first} and ${next}`);
    }
  }
});

Deno.test("a line slightly older than the previous one is delivered and does not move the position back", () => {
  const reading = new LogReading();
  assert.equal(reading.position, undefined);
  reading.resume();
  assert.deepEqual(texts(reading, [[second("5"), "out"], [second("4"), "err"]]), ["out", "err"]);
  assert.deepEqual(reading.position, { time: second("5"), lines: 1 });
});

Deno.test("a new stream that starts too early skips the lines before the position", () => {
  const reading = new LogReading();
  texts(reading, [[second("5"), "a"]]);
  reading.resume();
  const again = texts(reading, [[second("3"), "before"], [second("5"), "a"], [second("5"), "b"], [
    second("4"),
    "late",
  ]]);
  assert.deepEqual(again, ["b", "late"]);
  assert.deepEqual(reading.position, { time: second("5"), lines: 2 });
});

Deno.test("lines without a time are told apart by their number, and are older than all others", () => {
  const reading = new LogReading();
  assert.deepEqual(texts(reading, [["", "x"], ["", "y"]]), ["x", "y"]);
  assert.deepEqual(reading.position, { time: "", lines: 2 });
  reading.resume();
  assert.deepEqual(texts(reading, [["", "x"], ["", "y"], ["", "z"], [second("1"), "a"], ["", "broken"]]), [
    "z",
    "a",
    "broken",
  ]);
  assert.deepEqual(reading.position, { time: second("1"), lines: 1 });
  reading.resume();
  assert.deepEqual(texts(reading, [["", "x"], [second("1"), "a"], [second("1"), "b"]]), ["b"]);
});

function texts(reading: LogReading, log: readonly (readonly [string, string])[]): string[] {
  return reading.takeAll(linesOf(log)).map(({ text }) => text);
}
