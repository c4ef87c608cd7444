import assert from "node:assert/strict";
import { type LogLine, logReader } from "../../../lib/docker/log_lines.ts";
import { LogReading } from "../../../lib/app_logs/log_reading.ts";
import { PositionSearch, SearchedStream } from "../../../lib/app_logs/position_search.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

type Log = readonly (readonly [time: string, text: string])[];

const second = (fraction: string) => `2031-03-05T07:00:00.${fraction.padEnd(9, "0")}Z`;

/** The lines of a log as the engine sends them; a line with an empty time has no stamp. */
function linesOf(log: Log): LogLine[] {
  const lines: LogLine[] = [];
  const text = log.map(([time, text]) => `${time === "" ? "" : `${time} `}${text}\n`).join("");
  logReader(true).push(new TextEncoder().encode(text), (line) => void lines.push(line));
  return lines;
}

/** Reads a log from its start, and hands over what was not read before. */
function readAgain(reading: LogReading, log: Log): string[] {
  const { position } = reading;
  const lines = linesOf(log);
  const fresh = position === undefined ? lines : new PositionSearch(position, { limitLines: 100 }).take(lines);
  reading.note(fresh);
  return fresh.map(({ text }) => text);
}

Deno.test("a log that is read in several streams yields every line once, also lines with the same time and after the clock was set back", () => {
  const log: Log = [
    [second("100000000"), "a"],
    [second("100000001"), "b1"],
    [second("100000001"), "b2"],
    [second("100000001"), "b3"],
    [second("000000007"), "c"],
    [second("000000006"), "d"],
  ];
  for (let first = 0; first <= log.length; first += 1) {
    for (let next = first; next <= log.length; next += 1) {
      const reading = new LogReading();
      const read = [first, next, log.length].flatMap((end) => readAgain(reading, log.slice(0, end)));
      assert.deepEqual(read, ["a", "b1", "b2", "b3", "c", "d"], `broken after ${first} and ${next}`);
    }
  }
});

Deno.test("messages of the engine, which have no time, move nothing", () => {
  const reading = new LogReading();
  assert.deepEqual(readAgain(reading, [["", "x"]]), ["x"]);
  assert.equal(reading.position, undefined);
  assert.deepEqual(readAgain(reading, [[second("1"), "a"], ["", "broken"]]), ["a", "broken"]);
  assert.deepEqual(reading.position, { time: second("1"), lines: 1, bytes: 0 });
});

Deno.test("a position that is not in a stream is not found, and its newest lines are kept", () => {
  const search = new PositionSearch({ time: second("9"), lines: 1, bytes: 0 }, { limitLines: 3 });
  assert.deepEqual(search.take(linesOf([[second("1"), "a"], [second("2"), "b"]])), []);
  assert.equal(search.isFull, false);
  assert.deepEqual(search.take(linesOf([[second("3"), "c"]])), []);
  assert.deepEqual([search.isFound, search.isFull], [false, true]);
  assert.deepEqual(search.kept.map(({ text, time }) => [time, text]), [
    [second("1"), "a"],
    [second("2"), "b"],
    [second("3"), "c"],
  ]);
});

Deno.test("#4: on a slow machine a position is looked for until all that was stored has come", async () => {
  const clock = new FakeClock({ wall: new Date(second("0")) });
  const stored = (count: number) => `2031-03-05T06:59:00.${String(count).padEnd(9, "0")}Z`;
  const decisions: boolean[] = [];
  const searched = (position: string) => {
    const search = new PositionSearch({ time: position, lines: 1, bytes: 0 }, { limitLines: 1_000 });
    return new SearchedStream(search, { onDecided: ({ isFound }) => void decisions.push(isFound), clock });
  };
  await using slow = searched(stored(7));
  for (let count = 1; count <= 7; count += 1) {
    assert.deepEqual(slow.take(linesOf([[stored(count), `${count}`]])), []);
    await clock.advance(800);
  }
  assert.deepEqual(decisions, [true]);
  await using printing = searched(stored(9));
  for (let count = 1; count <= 9; count += 1) {
    printing.take(linesOf([[second(`${count}`).replace("07:00", "07:01"), "printed meanwhile"]]));
    await clock.advance(200);
  }
  assert.deepEqual(decisions, [true, false]);
});

Deno.test("#6: a line that was read in pieces is continued at the byte, however it is split the next time", () => {
  const time = second("5");
  const text = "x".repeat(40_000) + "y".repeat(400_000);
  const bytes = new TextEncoder().encode(engineText(time, text));
  for (const readBytes of [16_384, 3 * 16_384, 262_144, 300_000]) {
    const reading = new LogReading();
    const first: string[] = [];
    let left = readBytes;
    for (const line of piecesOf(bytes)) {
      if (left <= 0) break;
      const to = Math.min(line.to, line.from + left);
      left -= to - line.from;
      const piece = Object.assign(Object.create(Object.getPrototypeOf(line)), line, { to, isEnd: false });
      reading.note([piece]);
      first.push(piece.text);
    }
    const { position } = reading;
    assert.deepEqual(position, { time, lines: 0, bytes: readBytes });
    const rest = new PositionSearch(position, { limitLines: 100 }).take(piecesOf(bytes));
    assert.equal([...first, ...rest.map((line) => line.text)].join(""), text);
  }
});

function engineText(time: string, text: string): string {
  let sent = "";
  for (let at = 0; at < text.length; at += 16_384) sent += `${time} ${text.slice(at, at + 16_384)}`;
  return `${sent}\n`;
}

function piecesOf(bytes: Uint8Array): LogLine[] {
  const lines: LogLine[] = [];
  logReader(true).push(bytes, (line) => void lines.push(line));
  return lines;
}
