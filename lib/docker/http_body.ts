/** Reads an HTTP/1.1 response from bytes, however they are split: its head, and its body without the framing. Pure. */

import { carriageReturn, lineFeed } from "../base/bytes.ts";

/** The head of a response, as far as its body depends on it. */
export interface ResponseHead {
  status: number;
  /** Empty when there is none. */
  contentType: string;
  /** How the end of the body is found; `close` means by the end of the connection. */
  framing: { kind: "chunked" } | { kind: "length"; bytes: number } | { kind: "close" };
}

/** No engine sends more in front of a body. */
const headLimitBytes = 64 * 1024;

/** Far above any chunk, far below the numbers that are no longer exact. */
const chunkLimitBytes = 2 ** 40;

/** Collects the head of a response. */
export class HeadReader {
  #text = "";

  /**
   * Takes bytes; returns the head, and the bytes of the body behind it, as soon as the head is complete. Throws when it
   * is not a head of HTTP/1.1 or is too long.
   */
  push(bytes: Uint8Array): { head: ResponseHead; rest: Uint8Array } | undefined {
    const before = this.#text.length;
    this.#text += Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
    const end = this.#text.indexOf("\r\n\r\n");
    if (end === -1) {
      if (this.#text.length > headLimitBytes) throw new Error("the head of the response has no end");
      return undefined;
    }
    return { head: decodeHead(this.#text.slice(0, end)), rest: bytes.subarray(end + 4 - before) };
  }
}

/** Removes the framing of the protocol from a body. */
export class BodyReader {
  readonly #framing: ResponseHead["framing"]["kind"];
  #state: "size" | "extension" | "data" | "dataEnd" | "trailer" | "done";
  /** Bytes of the body, or of its current chunk, that are still to come; while a size is read, what was read of it. */
  #left: number;
  /** Characters of the current line of the head of a chunk, or of the trailer. */
  #lineSize = 0;

  constructor({ framing }: ResponseHead) {
    this.#framing = framing.kind;
    this.#left = framing.kind === "length" ? framing.bytes : framing.kind === "close" ? Infinity : 0;
    this.#state = framing.kind === "chunked" ? "size" : this.#left === 0 ? "done" : "data";
  }

  /** True when the whole body was read; never for one that ends with its connection. */
  get isDone(): boolean {
    return this.#state === "done";
  }

  /** True when the response may end with its connection at this point. */
  get mayEnd(): boolean {
    return this.isDone || this.#framing === "close";
  }

  /** Returns those of the bytes that belong to the body, moved to the front. Throws for broken framing. */
  push(bytes: Uint8Array): Uint8Array {
    let at = 0;
    let kept = 0;
    while (at < bytes.length && this.#state !== "done") {
      if (this.#state !== "data") {
        this.#readFrame(bytes[at++] ?? 0);
        continue;
      }
      const size = Math.min(this.#left, bytes.length - at);
      bytes.copyWithin(kept, at, at + size);
      kept += size;
      at += size;
      this.#left -= size;
      if (this.#left === 0) this.#state = this.#framing === "chunked" ? "dataEnd" : "done";
    }
    return bytes.subarray(0, kept);
  }

  #readFrame(byte: number): void {
    if (byte === lineFeed) return this.#endFrameLine();
    if (byte === carriageReturn) return;
    if (this.#state === "dataEnd") throw new Error("a chunk of the response does not end where it should");
    if (this.#state === "trailer") this.#lineSize += 1;
    if (this.#state === "size") this.#readSize(byte);
  }

  #readSize(byte: number): void {
    const digit = hexDigit(byte);
    this.#lineSize += 1;
    if (digit === undefined) {
      if (this.#lineSize === 1) throw new Error("a chunk of the response has no size");
      this.#state = "extension";
      return;
    }
    this.#left = 16 * this.#left + digit;
    if (this.#left > chunkLimitBytes) throw new Error("a chunk of the response is too large");
  }

  #endFrameLine(): void {
    const { state, size } = { state: this.#state, size: this.#lineSize };
    this.#lineSize = 0;
    if (state === "dataEnd") this.#state = "size";
    else if (state === "trailer") this.#state = size === 0 ? "done" : "trailer";
    else if (size === 0) throw new Error("a chunk of the response has no size");
    else this.#state = this.#left === 0 ? "trailer" : "data";
  }
}

function decodeHead(text: string): ResponseHead {
  const [first = "", ...lines] = text.split("\r\n");
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1];
  if (status === undefined) throw new Error("the response is not HTTP");
  const fields = new Map(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const;
  }));
  const length = fields.get("content-length");
  const about = { status: Number(status), contentType: fields.get("content-type") ?? "" };
  if (/(?:^|,)\s*chunked$/i.test(fields.get("transfer-encoding") ?? "")) {
    return { ...about, framing: { kind: "chunked" } };
  }
  if (length === undefined) return { ...about, framing: { kind: "close" } };
  if (!/^\d{1,15}$/.test(length)) throw new Error("the response has no readable length");
  return { ...about, framing: { kind: "length", bytes: Number(length) } };
}

/** The value of `0` to `9`, `a` to `f`, `A` to `F`. */
function hexDigit(byte: number): number | undefined {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 0x20;
  return letter >= 97 && letter <= 102 ? letter - 87 : undefined;
}
