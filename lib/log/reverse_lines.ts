/** Reads the lines of a file from the last one to the first, in a bounded part of memory. */

import { throwIfAborted } from "../async/deadline.ts";
import { carriageReturn, lineFeed } from "../base/bytes.ts";
import { lineLimitBytes } from "../base/lines.ts";

/** Bytes that are read at a time. */
const backwardBytes = 256 * 1024;

/** Takes the line between two places in bytes that the next one may overwrite. False ends the reading. */
export type OnLine = (bytes: Uint8Array, line: { from: number; to: number }) => boolean;

/** A file that is open, and how much of it is read. */
export interface OpenFile {
  file: Deno.FsFile;
  sizeBytes: number;
}

/** The memory for reading one file after the other. It is small until a line is long. */
export class LineBuffer {
  #bytes = new Uint8Array(2 * backwardBytes);

  /** The buffer, with space for so much of a line and for what is read before it. What is in it stays. */
  withRoomFor(lineBytes: number): Uint8Array {
    if (this.#bytes.length >= lineBytes + backwardBytes) return this.#bytes;
    const larger = new Uint8Array(Math.min(2 * lineBytes, lineLimitBytes) + backwardBytes);
    larger.set(this.#bytes);
    return this.#bytes = larger;
  }
}

/**
 * Hands over all lines from the last one on, without line ends; empty ones may be among them. A line above 1 MiB comes
 * in pieces, counted from its start. Returns false when `onLine` did. Throws `canceled`, and what the file system
 * throws.
 */
export async function readLinesBackwards(
  open: OpenFile,
  { onLine, buffer: shared }: { onLine: OnLine; buffer: LineBuffer },
  signal: AbortSignal,
): Promise<boolean> {
  /** Where the bytes begin that are not read yet, and the length of the line that they end, as far as it is known. */
  let position = open.sizeBytes;
  let carried = 0;
  while (position > 0) {
    throwIfAborted(signal, "Reading the log file");
    const size = Math.min(backwardBytes, position);
    const buffer = shared.withRoomFor(carried);
    buffer.copyWithin(size, 0, carried);
    position -= size;
    if (await readAt(open.file, buffer.subarray(0, size), position) < size) return true;
    const rest = handOver(buffer.subarray(0, size + carried), onLine);
    if (rest === undefined) return false;
    carried = rest;
    if (carried <= lineLimitBytes) continue;
    const from = await findLineStart(open.file, position, buffer.subarray(0, backwardBytes));
    const line = { from, to: position + carried };
    if (!await handOverPieces(open.file, line, { buffer: shared.withRoomFor(lineLimitBytes), onLine })) return false;
    position = Math.max(0, from - 1);
    carried = 0;
  }
  return handOverLine(shared.withRoomFor(0), { from: 0, to: carried }, onLine);
}

/** Returns the length of what comes before the first line end; undefined when `onLine` wants no more. */
function handOver(bytes: Uint8Array, onLine: OnLine): number | undefined {
  let to = bytes.length;
  for (let at = bytes.lastIndexOf(lineFeed); at >= 0; at = at === 0 ? -1 : bytes.lastIndexOf(lineFeed, at - 1)) {
    if (!handOverLine(bytes, { from: at + 1, to }, onLine)) return undefined;
    to = at;
  }
  return to;
}

function handOverLine(bytes: Uint8Array, { from, to }: { from: number; to: number }, onLine: OnLine): boolean {
  for (let end = to; end > from;) {
    const start = from + Math.floor((end - 1 - from) / lineLimitBytes) * lineLimitBytes;
    const place = { from: start, to: end };
    if (!onLine(bytes, end === to ? trimReturn(bytes, place) : place)) return false;
    end = start;
  }
  return true;
}

/** Where the line begins that goes on at `position`. */
async function findLineStart(file: Deno.FsFile, position: number, block: Uint8Array): Promise<number> {
  for (let end = position; end > 0;) {
    const start = Math.max(0, end - block.length);
    const bytes = block.subarray(0, end - start);
    await readAt(file, bytes, start);
    const at = bytes.lastIndexOf(lineFeed);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}

async function handOverPieces(
  file: Deno.FsFile,
  line: { from: number; to: number },
  { buffer, onLine }: { buffer: Uint8Array; onLine: OnLine },
): Promise<boolean> {
  const pieces = Math.ceil((line.to - line.from) / lineLimitBytes);
  for (let index = pieces - 1; index >= 0; index -= 1) {
    const start = line.from + index * lineLimitBytes;
    const size = Math.min(lineLimitBytes, line.to - start);
    await readAt(file, buffer.subarray(0, size), start);
    const place = { from: 0, to: size };
    if (!onLine(buffer, index === pieces - 1 ? trimReturn(buffer, place) : place)) return false;
  }
  return true;
}

/** Fills `bytes` and returns how many there were: less when the file was emptied meanwhile. */
async function readAt(file: Deno.FsFile, bytes: Uint8Array, position: number): Promise<number> {
  await file.seek(position, Deno.SeekMode.Start);
  let done = 0;
  while (done < bytes.length) {
    const count = await file.read(bytes.subarray(done));
    if (count === null) break;
    done += count;
  }
  return done;
}

function trimReturn(bytes: Uint8Array, { from, to }: { from: number; to: number }): { from: number; to: number } {
  return { from, to: to > from && bytes[to - 1] === carriageReturn ? to - 1 : to };
}
