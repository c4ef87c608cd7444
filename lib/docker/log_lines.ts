/**
 * Splits container logs into lines, as the engine sends them: with a timestamp before every message. Lines stay bytes
 * until their text is asked for: most are never looked at. Pure.
 */

import { carriageReturn, lineFeed } from "../base/bytes.ts";
import { AgentError } from "../base/errors.ts";
import { joinBytes, LineSplitter } from "../base/lines.ts";

/** Where a line lies in its bytes, as `LogLine` has it. Unless it says otherwise it is whole, or the last piece. */
export type LinePlace = Pick<LogLine, "stampAt" | "from" | "to"> & { isEnd?: boolean };

/** Some bytes of many: from the first to before the last. */
type ByteRange = Pick<LogLine, "from" | "to">;

/** A timestamp (`2031-03-05T07:00:00.123456789Z`) and the space behind it. */
const stampBytes = 31;

/** Bytes of a timestamp alone. All stamps have the same length, so they sort like their bytes. */
export const timeBytes = stampBytes - 1;

/** The engine reads 16 KiB at a time; of a longer line each such part is a message with the stamp of the first. */
const messageBytes = 16 * 1024;

/** What 16 KiB become at most: engines store U+FFFD, three bytes, for each byte that is not UTF-8. */
const replacedMessageBytes = 3 * messageBytes;

const pieceMessages = 16;

/** A longer line comes in pieces of this size. A line that is split there goes on with a stamp. */
export const pieceBytes = pieceMessages * messageBytes;

const rawLimitBytes = pieceMessages * (stampBytes + messageBytes);

/**
 * One line of a container's output. It lies in bytes that the next read of its stream may overwrite: copy what is to be
 * kept, or read it before.
 */
export class LogLine {
  /** Bytes that hold the line and others. */
  readonly source: Uint8Array;
  /** Where the stamp begins in `source`; -1 when the engine sent none. */
  readonly stampAt: number;
  /** Where the text begins in `source`. */
  readonly from: number;
  /** Where the text ends in `source`, without its line end. */
  readonly to: number;
  /** False for a piece of a line that goes on. */
  readonly isEnd: boolean;

  constructor(source: Uint8Array, place: LinePlace) {
    this.source = source;
    this.stampAt = place.stampAt;
    this.from = place.from;
    this.to = place.to;
    this.isEnd = place.isEnd ?? true;
  }

  /** When the engine read it: RFC 3339 with nine decimals, UTC; empty when the engine sent none. */
  get time(): string {
    return this.stampAt < 0 ? "" : decodeText(this.source.subarray(this.stampAt, this.stampAt + timeBytes));
  }

  /** Without line end. A line above 256 KiB comes in pieces of that size. Bytes that are not UTF-8 become U+FFFD. */
  get text(): string {
    return decodeText(this.source.subarray(this.from, this.to));
  }
}

/** Bytes as text, regardless of those before them; those that are not UTF-8 become U+FFFD. */
export function decodeText(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** The lines of one output of a container. */
export class StampedLines {
  readonly #splitter = new LineSplitter(rawLimitBytes);
  /** A piece of the line has been handed over. */
  #isContinued = false;
  /** Of the line that is being read, with the space behind it; empty when the engine sent none. */
  #stamp = new Uint8Array();
  /** Bytes of the line since its last stamp. */
  #sinceStamp = 0;
  /** The first bytes of a stamp that the end of a piece has split. */
  #rest = new Uint8Array();
  /** The first bytes of a character that the end of a piece has split. */
  #half = new Uint8Array();

  /** Takes bytes and hands over each line that they complete. The lines lie in these bytes; a rest is copied. */
  push(bytes: Uint8Array, onLine: (line: LogLine) => void): void {
    let from = 0;
    for (let at = bytes.indexOf(lineFeed); at !== -1; at = bytes.indexOf(lineFeed, from)) {
      if (this.#isShort(at - from)) onLine(lineAt(bytes, { from, to: at }));
      else this.#split(bytes.subarray(from, at + 1), onLine);
      from = at + 1;
    }
    // The bytes may be overwritten before the line is complete.
    if (from < bytes.length) this.#split(bytes.slice(from), onLine);
  }

  /**
   * True when at least one message of a line waits whose end has not come. The engine itself keeps the rest of such a
   * line until it is a whole message.
   */
  get hasWholeMessages(): boolean {
    return this.#splitter.size >= (this.#isContinued ? 1 : stampBytes + messageBytes);
  }

  /** Hands over the messages that wait; the line goes on. */
  flushMessages(onLine: (line: LogLine) => void): void {
    if (this.hasWholeMessages) this.#splitter.flushPart((piece, isEnd) => this.#read({ piece, isEnd }, onLine));
  }

  /** Hands over the rest of a line that has no end. */
  flush(onLine: (line: LogLine) => void): void {
    this.#splitter.flush((piece, isEnd) => this.#read({ piece, isEnd }, onLine));
  }

  /** Most lines are one message that has arrived whole: they need neither joining nor another look. */
  #isShort(size: number): boolean {
    return size <= stampBytes + messageBytes && this.#splitter.isEmpty && !this.#isContinued;
  }

  #split(bytes: Uint8Array, onLine: (line: LogLine) => void): void {
    this.#splitter.push(bytes, (piece, isEnd) => this.#read({ piece, isEnd }, onLine));
  }

  #read(cut: { piece: Uint8Array; isEnd: boolean }, onLine: (line: LogLine) => void): void {
    const isContinued = this.#isContinued;
    this.#isContinued = !cut.isEnd;
    const all = { from: 0, to: cut.piece.length };
    if (!isContinued && cut.isEnd && cut.piece.length <= stampBytes + messageBytes) {
      return onLine(lineAt(cut.piece, all));
    }
    if (!isContinued) {
      this.#stamp = startsWithStamp(cut.piece, all) ? cut.piece.slice(0, stampBytes) : new Uint8Array();
      this.#sinceStamp = 0;
    }
    const fresh = isContinued ? cut.piece : cut.piece.subarray(this.#stamp.length);
    const parts = [this.#stamp, this.#half, ...this.#withoutStamps(fresh, cut.isEnd)];
    const source = joinBytes(parts, parts.reduce((size, part) => size + part.length, 0));
    const from = this.#stamp.length;
    const to = cut.isEnd
      ? withoutReturn(source, { from, to: source.length })
      : source.length - halfCharacter(source, from);
    this.#half = cut.isEnd ? new Uint8Array() : source.slice(to);
    // A line of exactly the limit is followed by a last piece that holds nothing but a stamp.
    if (to > from || !isContinued) {
      onLine(new LogLine(source, { stampAt: from === 0 ? -1 : 0, from, to, isEnd: cut.isEnd }));
    }
  }

  /** The parts between the stamps that the engine has added. What may be the start of one stays for the next piece. */
  #withoutStamps(fresh: Uint8Array, isEnd: boolean): Uint8Array[] {
    const bytes = this.#rest.length === 0 ? fresh : joinBytes([this.#rest, fresh], this.#rest.length + fresh.length);
    const stamp = this.#stamp;
    const parts: Uint8Array[] = [];
    let from = 0;
    for (let at = 0; stamp.length > 0 && at !== -1;) {
      at = indexOfBytes(bytes, stamp, { from: this.#stampFrom(from), to: this.#stampTo(from) });
      if (at === -1) break;
      parts.push(bytes.subarray(from, at));
      from = at + stampBytes;
      this.#sinceStamp = 0;
    }
    const restFrom = isEnd ? bytes.length : startOfStamp(bytes, stamp, { from: this.#stampFrom(from) });
    parts.push(bytes.subarray(from, restFrom));
    this.#sinceStamp += restFrom - from;
    this.#rest = bytes.slice(restFrom);
    return parts;
  }

  /** Where the next stamp may begin at the earliest, in bytes of which those before `from` are done with. */
  #stampFrom(from: number): number {
    return from + Math.max(0, messageBytes - this.#sinceStamp);
  }

  /** Where it begins at the latest. */
  #stampTo(from: number): number {
    return from + replacedMessageBytes - this.#sinceStamp;
  }
}

/**
 * Reads the frames in which the engine sends the two outputs of a container without a terminal. Throws `engine_failed`
 * for anything else.
 */
export class FrameReader {
  readonly #header = new Uint8Array(8);
  #headerSize = 0;
  #remaining = 0;

  /** Takes bytes and hands over the payload in them, `output` being 1 (stdout), 2 (stderr) or 3 (the engine itself). */
  push(bytes: Uint8Array, onPayload: (output: number, payload: Uint8Array) => void): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#remaining === 0) at = this.#readHeader(bytes, at);
      const end = Math.min(at + this.#remaining, bytes.length);
      if (end > at) onPayload(this.#header[0] ?? 0, bytes.subarray(at, end));
      this.#remaining -= end - at;
      at = end;
    }
  }

  #readHeader(bytes: Uint8Array, from: number): number {
    let at = from;
    const header = this.#header;
    while (at < bytes.length && this.#headerSize < header.length) header[this.#headerSize++] = bytes[at++] ?? 0;
    if (this.#headerSize < header.length) return at;
    const [output = 0, first, second, third, a = 0, b = 0, c = 0, d = 0] = header;
    if (output > 3 || first !== 0 || second !== 0 || third !== 0) {
      throw new AgentError("engine_failed", `Cannot read container log: ${header} is not a frame header`);
    }
    this.#remaining = a * 0x1000000 + b * 0x10000 + c * 0x100 + d;
    this.#headerSize = 0;
    return at;
  }
}

/** Reads the log of one container. */
export interface LogReader {
  push(bytes: Uint8Array, onLine: (line: LogLine) => void): void;
  /** See `StampedLines`. */
  readonly hasWholeMessages: boolean;
  flushMessages(onLine: (line: LogLine) => void): void;
  flush(onLine: (line: LogLine) => void): void;
}

/** A reader of whole logs: raw for a container with a terminal, framed for one without. */
export function logReader(isTty: boolean): LogReader {
  if (isTty) return new StampedLines();
  const frames = new FrameReader();
  const outputs = [new StampedLines(), new StampedLines()] as const;
  const [standard, errors] = outputs;
  return {
    push: (bytes, onLine) =>
      frames.push(bytes, (output, payload) => (output >= 2 ? errors : standard).push(payload, onLine)),
    get hasWholeMessages() {
      return outputs.some((output) => output.hasWholeMessages);
    },
    flushMessages: (onLine) => outputs.forEach((output) => output.flushMessages(onLine)),
    flush: (onLine) => outputs.forEach((output) => output.flush(onLine)),
  };
}

/** The line between two places in bytes, which is one message or a part of one. */
function lineAt(source: Uint8Array, range: ByteRange): LogLine {
  const isStamped = startsWithStamp(source, range);
  const from = isStamped ? range.from + stampBytes : range.from;
  const to = withoutReturn(source, { from, to: range.to });
  return new LogLine(source, { stampAt: isStamped ? range.from : -1, from, to });
}

/** The end of a range without the carriage return at its end. */
function withoutReturn(bytes: Uint8Array, { from, to }: ByteRange): number {
  return to > from && bytes[to - 1] === carriageReturn ? to - 1 : to;
}

/** Four digits, `-`, …, `T`, …, `Z`, space: enough to tell a stamp from text without one. */
function startsWithStamp(bytes: Uint8Array, { from, to }: ByteRange): boolean {
  return to - from >= stampBytes && bytes[from + 4] === 0x2d && bytes[from + 10] === 0x54 &&
    bytes[from + 19] === 0x2e && bytes[from + 29] === 0x5a && bytes[from + 30] === 0x20;
}

/** The first place between two others where `wanted` begins and is whole; -1 when there is none. */
function indexOfBytes(bytes: Uint8Array, wanted: Uint8Array, { from, to }: ByteRange): number {
  const last = Math.min(to, bytes.length - wanted.length);
  for (let at = from; at <= last; at += 1) if (holdsAt(bytes, wanted, at)) return at;
  return -1;
}

/** Where the last bytes begin that a stamp may begin with; the end when there are none. */
function startOfStamp(bytes: Uint8Array, stamp: Uint8Array, { from }: { from: number }): number {
  for (let at = Math.max(from, bytes.length - stamp.length + 1); at < bytes.length; at += 1) {
    if (holdsAt(bytes, stamp.subarray(0, bytes.length - at), at)) return at;
  }
  return bytes.length;
}

function holdsAt(bytes: Uint8Array, wanted: Uint8Array, at: number): boolean {
  for (let index = 0; index < wanted.length; index += 1) if (wanted[index] !== bytes[at + index]) return false;
  return true;
}

/** How many of the last bytes, at most three, are the start of a character whose end is missing. */
function halfCharacter(bytes: Uint8Array, from: number): number {
  for (let size = 1; size <= 3 && bytes.length - size >= from; size += 1) {
    const byte = bytes[bytes.length - size] ?? 0;
    if (byte >= 0x80 && byte < 0xc0) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > size ? size : 0;
  }
  return 0;
}
