/** Container logs as the engine sends them, with a time stamp before every message, cut into lines. Pure. */

import { AgentError } from "../base/errors.ts";
import { decodePiece, joinBytes, LineCutter } from "./lines.ts";

/** One line of a container's output. */
export interface LogLine {
  /** When the engine read it: RFC 3339 with nine decimals, UTC; empty when the engine gave none. */
  time: string;
  /** Without line end. A line above 1 MiB comes in pieces of that size. */
  text: string;
}

/** A time stamp (`2031-03-05T07:00:00.123456789Z`) and the space behind it. */
const stampBytes = 31;

/** The engine reads 16 KiB at a time; of a longer line each such part is a message and gets the stamp of the first. */
const messageBytes = 16 * 1024;

/** 64 messages are 1 MiB of text, and a line cut there goes on with a stamp. */
const rawLimitBytes = 64 * (stampBytes + messageBytes);

/** The lines of one output of a container. */
export class StampedLines {
  readonly #cutter = new LineCutter(rawLimitBytes);
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #isContinued = false;
  #time = "";

  /** Takes bytes and hands over each line that they complete. The bytes may be kept: do not change them later. */
  push(bytes: Uint8Array, onLine: (line: LogLine) => void): void {
    this.#cutter.push(bytes, (piece, isEnd) => this.#read({ piece, isEnd }, onLine));
  }

  /** Hands over what is left of a line that never got its end. */
  flush(onLine: (line: LogLine) => void): void {
    this.#cutter.flush((piece, isEnd) => this.#read({ piece, isEnd }, onLine));
  }

  #read(cut: { piece: Uint8Array; isEnd: boolean }, onLine: (line: LogLine) => void): void {
    const isContinued = this.#isContinued;
    this.#isContinued = !cut.isEnd;
    const isStamped = startsWithStamp(cut.piece);
    if (!isStamped && !isContinued) this.#time = "";
    // Most lines are one short message: decoded at once, then cut, since a stamp is as long in characters as in bytes.
    if (isStamped && !isContinued && cut.isEnd && cut.piece.length <= stampBytes + messageBytes) {
      const whole = decodePiece(this.#decoder, cut);
      this.#time = whole.slice(0, stampBytes - 1);
      return onLine({ time: this.#time, text: whole.slice(stampBytes) });
    }
    let piece = cut.piece;
    if (isStamped) {
      this.#time = new TextDecoder().decode(piece.subarray(0, stampBytes - 1));
      piece = withoutStamps(piece);
    }
    const text = decodePiece(this.#decoder, { piece, isEnd: cut.isEnd });
    // A line of exactly the limit is followed by a last piece that holds nothing but its stamp.
    if (text !== "" || !isContinued) onLine({ time: this.#time, text });
  }
}

/**
 * Reads the frames in which a container without a terminal sends its two outputs. Throws `engine_failed` for anything
 * else.
 */
export class FrameReader {
  readonly #header = new Uint8Array(8);
  #headerSize = 0;
  #remaining = 0;

  /** Takes bytes and hands over the payload in them, `output` being 1 (stdout) or 2 (stderr). */
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
    while (at < bytes.length && this.#headerSize < this.#header.length) {
      this.#header[this.#headerSize++] = bytes[at++] ?? 0;
    }
    if (this.#headerSize < this.#header.length) return at;
    const [output = 0, ...zeros] = this.#header.subarray(0, 4);
    if (output > 2 || zeros.some((zero) => zero !== 0)) {
      throw new AgentError("engine_failed", `Cannot read container log: ${this.#header} is no frame header`);
    }
    this.#remaining = new DataView(this.#header.buffer).getUint32(4);
    this.#headerSize = 0;
    return at;
  }
}

/** Gives a reader of whole logs: raw for a container with a terminal, framed for one without. */
export function logReader(isTty: boolean): {
  push(bytes: Uint8Array, onLine: (line: LogLine) => void): void;
  flush(onLine: (line: LogLine) => void): void;
} {
  if (isTty) return new StampedLines();
  const frames = new FrameReader();
  const standard = new StampedLines();
  const errors = new StampedLines();
  return {
    push: (bytes, onLine) =>
      frames.push(bytes, (output, payload) => (output === 2 ? errors : standard).push(payload, onLine)),
    flush: (onLine) => {
      standard.flush(onLine);
      errors.flush(onLine);
    },
  };
}

/** Four digits, `-`, …, `T`, …, `Z`, space: enough to tell a stamp from text that has none. */
function startsWithStamp(bytes: Uint8Array): boolean {
  return bytes.length >= stampBytes && bytes[4] === 0x2d && bytes[10] === 0x54 && bytes[19] === 0x2e &&
    bytes[29] === 0x5a && bytes[30] === 0x20;
}

function withoutStamps(piece: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  let size = 0;
  let from = stampBytes;
  while (from < piece.length) {
    const part = piece.subarray(from, from + messageBytes);
    parts.push(part);
    size += part.length;
    from += part.length;
    if (isSameStamp(piece, from)) from += stampBytes;
  }
  return joinBytes(parts, size);
}

function isSameStamp(piece: Uint8Array, at: number): boolean {
  for (let index = 0; index < stampBytes; index++) if (piece[index] !== piece[at + index]) return false;
  return true;
}
