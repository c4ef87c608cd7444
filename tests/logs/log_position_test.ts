import assert from "node:assert/strict";
import { compareTimes, LogReading } from "../../lib/logs/log_position.ts";

const second = (fraction: string) => `2031-03-05T07:00:00${fraction}Z`;

/** Reads a log the way the engine gives it: all lines at or after a time. */
function readAgain(reading: LogReading, log: readonly (readonly [string, string])[]): string[] {
  const since = reading.position?.time;
  reading.resume();
  return log
    .filter(([time]) => since === undefined || compareTimes(time, since) >= 0)
    .filter(([time, text]) => reading.take({ time, text }))
    .map(([, text]) => text);
}

Deno.test("a log that is read again in pieces gives every line once, also lines of the same moment", () => {
  const log: [string, string][] = [
    [second(".100000000"), "a"],
    [second(".100000001"), "b1"],
    [second(".100000001"), "b2"],
    [second(".100000001"), "b3"],
    [second(".200000000"), "c"],
  ];
  for (let first = 0; first <= log.length; first += 1) {
    for (let next = first; next <= log.length; next += 1) {
      const reading = new LogReading();
      const seen = [first, next, log.length].flatMap((end) => readAgain(reading, log.slice(0, end)));
      assert.deepEqual(seen, ["a", "b1", "b2", "b3", "c"], `cut after ${first} and ${next}`);
    }
  }
});

Deno.test("a line that is a little older than the one before is delivered and does not move the position back", () => {
  const reading = new LogReading();
  reading.resume();
  assert.equal(reading.take({ time: second(".5"), text: "out" }), true);
  assert.equal(reading.take({ time: second(".4"), text: "err" }), true);
  assert.deepEqual(reading.position, { time: second(".5"), lines: 1 });
});

Deno.test("a new stream that starts too early skips what lies before the position", () => {
  const reading = new LogReading();
  reading.take({ time: second(".5"), text: "a" });
  reading.resume();
  assert.equal(reading.take({ time: second(".3"), text: "before" }), false);
  assert.equal(reading.take({ time: second(".5"), text: "a" }), false);
  assert.equal(reading.take({ time: second(".5"), text: "b" }), true);
  assert.deepEqual(reading.position, { time: second(".5"), lines: 2 });
});

Deno.test("compareTimes() reads a fraction without its trailing zeros", () => {
  assert.equal(compareTimes(second(".5"), second(".500000000")), 0);
  assert.equal(compareTimes(second(""), second(".000000000")), 0);
  assert.ok(compareTimes(second(".09"), second(".1")) < 0);
  assert.ok(compareTimes("2031-03-05T07:00:01Z", second(".999999999")) > 0);
});
