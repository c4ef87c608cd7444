import assert from "node:assert/strict";
import { hasCode } from "../../lib/base/errors.ts";
import { FrameReader, type LogLine, logReader } from "../../lib/docker/log_lines.ts";

const encoder = new TextEncoder();
const time = "2031-03-05T07:00:00.123456789Z";
const later = "2031-03-05T07:00:01.000000000Z";
const messageBytes = 16 * 1024;

/** What the engine sends for one line: the stamp again after every 16 KiB. */
function engineLine(text: string, end: string): Uint8Array {
  const body = encoder.encode(text);
  const parts: number[][] = [];
  for (let at = 0; at === 0 || at < body.length; at += messageBytes) {
    parts.push([...encoder.encode(`${time} `)], [...body.subarray(at, at + messageBytes)]);
  }
  // A line of whole messages ends in a message that has only the line end.
  if (body.length > 0 && body.length % messageBytes === 0) parts.push([...encoder.encode(`${time} `)]);
  return Uint8Array.from([...parts.flat(), ...encoder.encode(end)]);
}

function framed(output: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(8 + payload.length);
  frame[0] = output;
  new DataView(frame.buffer).setUint32(4, payload.length);
  frame.set(payload, 8);
  return frame;
}

function join(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function read(isTty: boolean, bytes: Uint8Array, chunkSize = bytes.length): LogLine[] {
  const reader = logReader(isTty);
  const lines: LogLine[] = [];
  const keep = (line: LogLine) => void lines.push(line);
  for (let at = 0; at < bytes.length; at += chunkSize) reader.push(bytes.subarray(at, at + chunkSize), keep);
  reader.flush(keep);
  return lines;
}

Deno.test("a terminal's log gives time and text, without carriage return", () => {
  const bytes = encoder.encode(`${time} grün\r\n${later} \r\n${later} no end`);
  const expected = [{ time, text: "grün" }, { time: later, text: "" }, { time: later, text: "no end" }];
  for (let size = 1; size <= bytes.length; size++) assert.deepEqual(read(true, bytes, size), expected);
});

Deno.test("a framed log keeps the lines of both outputs apart", () => {
  const bytes = join(
    framed(1, encoder.encode(`${time} out `)),
    framed(2, encoder.encode(`${later} err\n`)),
    framed(1, new Uint8Array()),
    framed(1, encoder.encode(`put €\n`)),
    framed(2, encoder.encode(`${later} rest`)),
  );
  const expected = [{ time: later, text: "err" }, { time, text: "out put €" }, { time: later, text: "rest" }];
  for (let size = 1; size <= bytes.length; size++) assert.deepEqual(read(false, bytes, size), expected);
});

for (const length of [1, messageBytes - 1, messageBytes, messageBytes + 1, 3 * messageBytes, 40_000]) {
  Deno.test(`a line of ${length} bytes comes whole, without the stamps that the engine puts inside`, () => {
    const text = "é".repeat(Math.floor(length / 2)) + "x".repeat(length % 2);
    const bytes = join(engineLine(text, "\r\n"), encoder.encode(`${later} next\r\n`));
    for (const size of [bytes.length, 1000, messageBytes + 31]) {
      assert.deepEqual(read(true, bytes, size), [{ time, text }, { time: later, text: "next" }]);
    }
    assert.deepEqual(read(false, framed(1, engineLine(text, "\n"))), [{ time, text }]);
  });
}

Deno.test("a line above 1 MiB comes in pieces of 1 MiB with the same time", () => {
  const text = "é".repeat(1024 * 1024 + 5);
  const lines = read(true, join(engineLine(text, "\r\n"), encoder.encode(`${later} next\r\n`)), 65_536);
  assert.deepEqual(lines.map((line) => [line.time, line.text.length]), [
    [time, 512 * 1024],
    [time, 512 * 1024],
    [time, 5],
    [later, 4],
  ]);
  assert.equal(lines.slice(0, 3).map((line) => line.text).join(""), text);
});

Deno.test("a line of exactly 1 MiB is one line", () => {
  const text = "x".repeat(1024 * 1024);
  assert.deepEqual(read(true, engineLine(text, "\n")).map((line) => line.text.length), [1024 * 1024]);
});

Deno.test("text that only looks like a repeated stamp stays", () => {
  const text = "x".repeat(messageBytes) + `${later} y`;
  assert.deepEqual(read(true, engineLine(text, "\n")), [{ time, text }]);
});

Deno.test("a line without a stamp is given without time", () => {
  assert.deepEqual(read(true, encoder.encode("oops\nerror grabbing logs: unexpected end of the file\n")), [
    { time: "", text: "oops" },
    { time: "", text: "error grabbing logs: unexpected end of the file" },
  ]);
});

Deno.test("FrameReader refuses what is no frame", () => {
  for (const bytes of [encoder.encode("plain text that has no frames"), new Uint8Array([7, 0, 0, 0, 0, 0, 0, 1, 65])]) {
    assert.throws(() => new FrameReader().push(bytes, () => {}), (error) => hasCode(error, "engine_failed"));
  }
});
