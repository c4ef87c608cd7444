import assert from "node:assert/strict";
import { hasCode } from "../../../lib/base/errors.ts";
import { joinBytes } from "../../../lib/base/lines.ts";
import { FrameReader, type LogLine, logReader } from "../../../lib/docker/log_lines.ts";

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
  return joinBytes(parts, parts.reduce((size, part) => size + part.length, 0));
}

interface PlainLine {
  time: string;
  text: string;
}

function read(isTty: boolean, bytes: Uint8Array, chunkSize = bytes.length): PlainLine[] {
  const reader = logReader(isTty);
  const lines: PlainLine[] = [];
  const keep = ({ time, text }: LogLine) => void lines.push({ time, text });
  for (let at = 0; at < bytes.length; at += chunkSize) reader.push(bytes.subarray(at, at + chunkSize), keep);
  reader.flush(keep);
  return lines;
}

Deno.test("a terminal's log yields time and text, without carriage return", () => {
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
  Deno.test(`a line of ${length} bytes comes whole, without the stamps that the engine adds inside`, () => {
    const text = "é".repeat(Math.floor(length / 2)) + "x".repeat(length % 2);
    const bytes = join(engineLine(text, "\r\n"), encoder.encode(`${later} next\r\n`));
    for (const size of [bytes.length, 1000, messageBytes + 31]) {
      assert.deepEqual(read(true, bytes, size), [{ time, text }, { time: later, text: "next" }]);
    }
    assert.deepEqual(read(false, framed(1, engineLine(text, "\n"))), [{ time, text }]);
  });
}

Deno.test("#6: a line above 256 KiB comes in pieces of 256 KiB with the same time", () => {
  const text = "é".repeat(256 * 1024 + 5);
  const lines = read(true, join(engineLine(text, "\r\n"), encoder.encode(`${later} next\r\n`)), 65_536);
  assert.deepEqual(lines.map((line) => [line.time, line.text.length]), [
    [time, 128 * 1024],
    [time, 128 * 1024],
    [time, 5],
    [later, 4],
  ]);
  assert.equal(lines.slice(0, 3).map((line) => line.text).join(""), text);
});

Deno.test("a line of exactly 256 KiB is one line", () => {
  const text = "x".repeat(256 * 1024);
  assert.deepEqual(read(true, engineLine(text, "\n")).map((line) => line.text.length), [256 * 1024]);
});

Deno.test("#6: whole messages of a line without an end are handed over, and the line goes on", () => {
  const text = "é".repeat(messageBytes) + "tail";
  const bytes = engineLine(text, "\r\n");
  const reader = logReader(true);
  const pieces: LogLine[] = [];
  const keep = (line: LogLine) => void pieces.push(line);
  const messages = 2 * (31 + messageBytes);
  reader.push(bytes.subarray(0, 31 + messageBytes - 1), keep);
  assert.equal(reader.hasWholeMessages, false);
  reader.flushMessages(keep);
  assert.equal(pieces.length, 0);
  reader.push(bytes.subarray(31 + messageBytes - 1, messages), keep);
  assert.equal(reader.hasWholeMessages, true);
  reader.flushMessages(keep);
  reader.push(bytes.subarray(messages), keep);
  assert.deepEqual(pieces.map(({ time, isEnd }) => [time, isEnd]), [[time, false], [time, true]]);
  assert.equal(pieces.map((piece) => piece.text).join(""), text);
});

/** As the engine sends a line whose bytes it has replaced, each that is not UTF-8, before it stored the messages. */
function storedAsText(body: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at === 0 || at <= body.length; at += messageBytes) {
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(body.subarray(at, at + messageBytes));
    parts.push(encoder.encode(`${time} ${text}`));
  }
  return join(...parts, Uint8Array.of(10));
}

const replaced: [name: string, body: Uint8Array][] = [
  ["a character over the end of a message", encoder.encode(`${"b".repeat(messageBytes - 1)}€x`)],
  ["characters over the ends of many messages", encoder.encode("€".repeat(200_000))],
  ["nothing but bytes that are not UTF-8", new Uint8Array(100_000).fill(0xff)],
  ["whole messages of them", new Uint8Array(messageBytes * 20).fill(0xff)],
];

for (const [name, body] of replaced) {
  Deno.test(`#6: no stamp of the engine is shown inside a line with ${name}`, () => {
    const bytes = storedAsText(body);
    const [stamp, wanted] = [encoder.encode(`${time} `), new TextDecoder().decode(bytes)];
    for (const size of [bytes.length, 1_000, 16_415, 30_000]) {
      const text = read(true, join(bytes, stamp, encoder.encode("next\n")), size).map((line) => line.text);
      assert.equal(text.pop(), "next");
      assert.equal(text.join(""), wanted.slice(0, -1).replaceAll(`${time} `, ""));
    }
  });
}

Deno.test("#6: the end of a line whose messages were handed over is not a line of its own", () => {
  const reader = logReader(true);
  const lines: [text: string, isEnd: boolean][] = [];
  const keep = ({ text, isEnd }: LogLine) => void lines.push([text, isEnd]);
  const half = encoder.encode("€").subarray(0, 1);
  const rest = encoder.encode("€").subarray(1);
  reader.push(join(encoder.encode(`${time} ${"x".repeat(messageBytes - 1)}`), half), keep);
  reader.flushMessages(keep);
  reader.push(join(encoder.encode(`${time} `), rest, encoder.encode(`\n${later} next\n`)), keep);
  assert.deepEqual(lines, [["x".repeat(messageBytes - 1), false], ["€", true], ["next", true]]);
});

Deno.test("text that only looks like a repeated stamp stays", () => {
  const text = "x".repeat(messageBytes) + `${later} y`;
  assert.deepEqual(read(true, engineLine(text, "\n")), [{ time, text }]);
});

Deno.test("a line without a stamp has no time", () => {
  assert.deepEqual(read(true, encoder.encode("oops\nerror grabbing logs: unexpected end of the file\n")), [
    { time: "", text: "oops" },
    { time: "", text: "error grabbing logs: unexpected end of the file" },
  ]);
});

Deno.test("FrameReader refuses anything but frames", () => {
  for (const bytes of [encoder.encode("plain text that has no frames"), new Uint8Array([7, 0, 0, 0, 0, 0, 0, 1, 65])]) {
    assert.throws(() => new FrameReader().push(bytes, () => {}), (error) => hasCode(error, "engine_failed"));
  }
});

/** A fixed sequence of numbers from 0 to 1. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

/** Splits bytes at places that depend on `random`. */
function readCut(isTty: boolean, bytes: Uint8Array, random: () => number): PlainLine[] {
  const reader = logReader(isTty);
  const lines: PlainLine[] = [];
  const keep = ({ time, text }: LogLine) => void lines.push({ time, text });
  // Overwritten with every read, like that of a connection.
  const buffer = new Uint8Array(40_001);
  for (let at = 0; at < bytes.length;) {
    const piece = bytes.subarray(at, at + 1 + Math.floor(random() ** 4 * 40_000));
    buffer.fill(0x3f);
    buffer.set(piece);
    reader.push(buffer.subarray(0, piece.length), keep);
    at += piece.length;
  }
  reader.flush(keep);
  return lines;
}

Deno.test("for every way to split a log, its lines are the same, with every kind of container and with bytes that are not UTF-8", () => {
  const random = sequence(11);
  const odd = [[0xff], [0xe2, 0x82], [0xf0, 0x9f, 0x98], [0x80, 0x80], [0xc3], [...encoder.encode("größe 😀")], [13], [
    9,
  ]];
  for (let round = 0; round < 6; round += 1) {
    const lines = Array.from({ length: 60 }, () => {
      const length = Math.floor(random() ** 6 * 60_000);
      const pieces = Array.from(
        { length: 1 + length / 40 },
        () => odd[Math.floor(random() * 40)] ?? Array(40).fill(120),
      );
      return Uint8Array.from(pieces.flat());
    });
    const text = new TextDecoder("utf-8", { ignoreBOM: true });
    const expected = lines.map((line) => ({ time, text: text.decode(line).replace(/\r$/, "") }));
    const engineBytes = lines.map((line) => engineMessages(line));
    const plain = join(...engineBytes);
    const frames = join(...engineBytes.map((bytes) => framed(1, bytes)));
    for (let cut = 0; cut < 4; cut += 1) {
      assert.deepEqual(readCut(true, plain, random), expected);
      assert.deepEqual(readCut(false, frames, random), expected);
    }
  }
});

/** As `engineLine()`, of bytes. */
function engineMessages(body: Uint8Array): Uint8Array {
  const parts = [encoder.encode(`${time} `), body.subarray(0, messageBytes)];
  for (let at = messageBytes; at <= body.length && body.length >= messageBytes; at += messageBytes) {
    parts.push(encoder.encode(`${time} `), body.subarray(at, at + messageBytes));
  }
  return join(...parts, Uint8Array.of(10));
}

Deno.test("bytes that are not UTF-8 become U+FFFD, each line by itself", () => {
  const bytes = join(encoder.encode(`${time} a`), Uint8Array.of(0xe2, 0x82, 10), encoder.encode(`${time} b`));
  assert.deepEqual(read(true, bytes).map(({ text }) => text), ["a\uFFFD", "b"]);
  const stray = join(encoder.encode(`${time} `), Uint8Array.of(0xac, 0xff, 13, 10));
  assert.deepEqual(read(false, framed(2, stray)).map(({ text }) => text), ["\uFFFD\uFFFD"]);
});

Deno.test("a line of 10 MB comes in forty pieces, with every byte of it once", () => {
  const text = "€".repeat(3_495_253) + "x";
  const bytes = framed(1, join(engineLine(text, "\n"), encoder.encode(`${later} next\n`)));
  const lines = readCut(false, bytes, sequence(5));
  assert.equal(lines.length, 41);
  assert.equal(lines.slice(0, -1).map((line) => line.text).join(""), text);
  assert.deepEqual(lines.at(-1), { time: later, text: "next" });
  for (const line of lines) assert.ok(encoder.encode(line.text).length <= 256 * 1024 + 3);
});

Deno.test("a header of a frame that is split anywhere, or broken, never yields a byte that is not part of a line", () => {
  const random = sequence(23);
  for (let round = 0; round < 200; round += 1) {
    const bytes = Uint8Array.from({ length: 64 }, () => Math.floor(random() ** 3 * 256));
    try {
      for (const { time } of readCut(false, bytes, random)) assert.equal(time, "");
    } catch (error) {
      assert.ok(hasCode(error, "engine_failed"));
    }
  }
});
