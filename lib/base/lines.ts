/** Splits bytes into lines. Decodes once a line, so that characters that are split over two chunks stay whole. Pure. */

import { carriageReturn, lineFeed } from "./bytes.ts";

/** A line longer than this comes in pieces. */
export const lineLimitBytes = 1024 * 1024;

/**
 * Takes a piece of a line, without line feed; `isEnd` marks the last piece of a line, which is the only one of most.
 */
export type OnPiece = (piece: Uint8Array, isEnd: boolean) => void;

/**
 * Collects bytes until a line is complete; keeps at most `limitBytes` and splits a longer line in pieces of that size.
 */
export class LineSplitter {
  readonly #limitBytes: number;
  #parts: Uint8Array[] = [];
  #size = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** True when no line has begun. */
  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** Bytes of the line that has begun. */
  get size(): number {
    return this.#size;
  }

  /** Takes bytes and hands over each line that they complete. The bytes may be kept: do not change them later. */
  push(bytes: Uint8Array, onPiece: OnPiece): void {
    let from = 0;
    for (let at = bytes.indexOf(lineFeed); at !== -1; at = bytes.indexOf(lineFeed, from)) {
      this.#add(bytes.subarray(from, at), onPiece);
      onPiece(this.#take(), true);
      from = at + 1;
    }
    if (from < bytes.length) this.#add(bytes.subarray(from), onPiece);
  }

  /** Hands over the rest of a line that has no end. */
  flush(onPiece: OnPiece): void {
    if (this.#size > 0) onPiece(this.#take(), true);
  }

  /** Hands over what is there of a line that goes on. */
  flushPart(onPiece: OnPiece): void {
    if (this.#size > 0) onPiece(this.#take(), false);
  }

  #add(bytes: Uint8Array, onPiece: OnPiece): void {
    let rest = bytes;
    while (this.#size + rest.length > this.#limitBytes) {
      const free = this.#limitBytes - this.#size;
      this.#keep(rest.subarray(0, free));
      rest = rest.subarray(free);
      onPiece(this.#take(), false);
    }
    this.#keep(rest);
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#parts.push(bytes);
    this.#size += bytes.length;
  }

  /** Returns what is kept as one piece and forgets it. */
  #take(): Uint8Array {
    const [first = new Uint8Array()] = this.#parts;
    const piece = this.#parts.length > 1 ? joinBytes(this.#parts, this.#size) : first;
    this.#parts = [];
    this.#size = 0;
    return piece;
  }
}

/** Lines as text, without their `\n` and one `\r` before it. Bytes that are not UTF-8 become U+FFFD. */
export class TextLines {
  readonly #splitter = new LineSplitter(lineLimitBytes);
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  /** Takes bytes and hands over each line that they complete; a line above 1 MiB comes in several. */
  push(bytes: Uint8Array, onLine: (text: string) => void): void {
    this.#splitter.push(bytes, (piece, isEnd) => onLine(decodePiece(this.#decoder, { piece, isEnd })));
  }

  /** Hands over the rest of a line that has no end. */
  flush(onLine: (text: string) => void): void {
    this.#splitter.flush((piece, isEnd) => onLine(decodePiece(this.#decoder, { piece, isEnd })));
  }
}

/** The text of one piece; a character that the end of the piece splits waits in `decoder` for the next piece. */
function decodePiece(decoder: TextDecoder, { piece, isEnd }: { piece: Uint8Array; isEnd: boolean }): string {
  if (!isEnd) return decoder.decode(piece, { stream: true });
  return decoder.decode(piece.at(-1) === carriageReturn ? piece.subarray(0, -1) : piece);
}

/** One array of `size` bytes from many. */
export function joinBytes(parts: Iterable<Uint8Array>, size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
