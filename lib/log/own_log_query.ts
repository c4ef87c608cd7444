/** Answers a query of the agent's own log: of its file and of those that were rotated. */

import { throwIfAborted } from "../async/deadline.ts";
import { cutToNewest, replyListLimitBytes } from "../backend/answer_size.ts";
import { AgentError } from "../base/errors.ts";
import { lineLimitBytes, LineSplitter } from "../base/lines.ts";
import { type TimeWindow, utcSecondsText } from "../base/rfc3339.ts";
import { plainRank, rankOf, readRecord } from "./log_record.ts";
import { RecordGlance } from "./record_glance.ts";
import { LineBuffer, type OpenFile, readLinesBackwards } from "./reverse_lines.ts";
import { logPathParts } from "./rotation.ts";

/** What is asked for. */
export interface OwnLogQuery {
  /** Lines that are wanted, the newest of the window. */
  tail: number;
  window: TimeWindow;
  /** Lines of this level and worse ones; an unknown one stands for `info`. */
  level: string;
}

/** What is found. */
export interface FoundOwnLines {
  /** Oldest first. */
  lines: string[];
  /** There are older lines that were asked for. */
  truncated: boolean;
  filesScanned: number;
  /** The time of the oldest line of all: RFC 3339 in UTC with whole seconds; undefined when no line has one. */
  oldestAvailable: string | undefined;
}

const openBrace = 0x7b;
const space = 0x20;
const forwardBytes = 64 * 1024;

/**
 * The newest lines of the log at `path` that are of the window and bad enough. Lines that are no records, such as those
 * of a stack, belong to the record before them, also across files. Files are read from their ends, and no further than
 * needed. Throws `io_failed` when there is no file, `canceled`, and what the file system throws.
 */
export async function queryOwnLog(path: string, query: OwnLogQuery, signal: AbortSignal): Promise<FoundOwnLines> {
  if (path.trim() === "") throw new AgentError("bad_request", "no agent log path configured");
  await using stack = new AsyncDisposableStack();
  const files = await openFiles(path, stack);
  if (files.length === 0) throw new AgentError("io_failed", `Cannot read the log of the agent: no file "${path}"`);
  const search = new Search(query);
  const reader = { onLine: search.take.bind(search), buffer: new LineBuffer() };
  for (const file of files.toReversed()) if (!await readLinesBackwards(file, reader, signal)) break;
  const { lines, isCut } = cutToNewest(search.end());
  const oldestMs = await findFirstTime(files, signal);
  return {
    lines,
    truncated: search.isCut || isCut,
    filesScanned: files.length,
    oldestAvailable: oldestMs === undefined ? undefined : utcSecondsText(oldestMs),
  };
}

/**
 * The files of the log, oldest first. The file in use is opened first: if it is rotated at this moment, it is among the
 * others, too, and counts once.
 */
async function openFiles(path: string, stack: AsyncDisposableStack): Promise<OpenFile[]> {
  const active = await openForReading(path, stack);
  const others: OpenFile[] = [];
  for (const sibling of await siblingsOf(path)) {
    const file = await openForReading(sibling, stack);
    if (file !== undefined && (file.id === undefined || file.id !== active?.id)) others.push(file);
  }
  return active === undefined ? others : [...others, active];
}

/** By name; none when the folder cannot be read. */
async function siblingsOf(path: string): Promise<string[]> {
  const { folder, stem, extension } = logPathParts(path);
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder === "" ? "." : folder)) {
      const isLongEnough = name.length >= stem.length + 1 + extension.length;
      if (isLongEnough && name.startsWith(`${stem}-`) && name.endsWith(extension)) names.push(folder + name);
    }
  } catch {
    // The file in use is worth an answer.
  }
  return names.sort();
}

/** Undefined for what is no file, and for one that is gone. */
async function openForReading(
  path: string,
  stack: AsyncDisposableStack,
): Promise<OpenFile & { id: string | undefined } | undefined> {
  try {
    // Opening a named pipe would wait for its writer.
    if (!(await Deno.stat(path)).isFile) return undefined;
    const file = stack.use(await Deno.open(path));
    const { size, dev, ino } = await file.stat();
    return { file, sizeBytes: size, id: ino === null ? undefined : `${dev} ${ino}` };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Takes lines from the newest to the oldest, until there are enough. */
class Search {
  readonly #query: OwnLogQuery;
  readonly #leastRank: number;
  readonly #glance = new RecordGlance();
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  /** Newest first. */
  readonly #found: string[] = [];
  #foundChars = 0;
  /** Lines that belong to a record that comes later. */
  #waiting: string[] = [];
  #waitingChars = 0;
  #isWaitingCut = false;
  /** There are older lines than the ones that were found. */
  isCut = false;

  constructor(query: OwnLogQuery) {
    this.#query = query;
    this.#leastRank = rankOf(query.level);
  }

  /** False when no more lines are needed. */
  take(bytes: Uint8Array, line: { from: number; to: number }): boolean {
    const hasWaiting = this.#waiting.length > 0;
    if (!hasWaiting && this.#glance.look(bytes, line) && !this.#isWanted(this.#glance)) return true;
    const first = firstByte(bytes, line);
    const mayBeRecord = first === openBrace;
    if (first === undefined || (!mayBeRecord && this.#isWaitingCut)) return true;
    const text = this.#decoder.decode(bytes.subarray(line.from, line.to));
    const record = mayBeRecord ? readRecord(text) : undefined;
    if (record === undefined) return this.#wait(text);
    if (!this.#isWanted(record)) return this.#forgetWaiting();
    return this.#findWaiting() && this.#find(record.text);
  }

  /** All lines were taken: those that still wait have no record. Returns the lines that were found, oldest first. */
  end(): string[] {
    if (!this.isCut && this.#isWanted({ rank: plainRank, timeMs: undefined })) this.#findWaiting();
    return this.#found.toReversed();
  }

  #isWanted({ rank, timeMs }: { rank: number; timeMs: number | undefined }): boolean {
    if (rank < this.#leastRank) return false;
    const { sinceMs = -Infinity, untilMs = Infinity } = this.#query.window;
    return timeMs === undefined || (timeMs >= sinceMs && timeMs <= untilMs);
  }

  #wait(text: string): true {
    if (this.#waiting.length > this.#query.tail || this.#waitingChars > replyListLimitBytes) {
      this.#isWaitingCut = true;
      return true;
    }
    this.#waiting.push(text);
    this.#waitingChars += text.length;
    return true;
  }

  #forgetWaiting(): true {
    this.#waiting = [];
    this.#waitingChars = 0;
    this.#isWaitingCut = false;
    return true;
  }

  #findWaiting(): boolean {
    const waiting = this.#waiting;
    const isCut = this.#isWaitingCut;
    this.#forgetWaiting();
    if (!waiting.every((text) => this.#find(text))) return false;
    this.isCut ||= isCut;
    return !isCut;
  }

  #find(text: string): boolean {
    // What is longer than an answer is cut there.
    this.isCut = this.#found.length >= this.#query.tail || this.#foundChars > replyListLimitBytes;
    if (this.isCut) return false;
    this.#found.push(text);
    this.#foundChars += text.length;
    return true;
  }
}

/** The first one that is no space; undefined in a blank line. */
function firstByte(bytes: Uint8Array, { from, to }: { from: number; to: number }): number | undefined {
  for (let at = from; at < to; at += 1) if (!isSpace(bytes[at] ?? 0)) return bytes[at];
  return undefined;
}

function isSpace(byte: number): boolean {
  return byte === space || (byte >= 0x09 && byte <= 0x0d);
}

/** Most logs have it in their first line. */
async function findFirstTime(files: readonly OpenFile[], signal: AbortSignal): Promise<number | undefined> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(forwardBytes);
  for (const { file } of files) {
    const splitter = new LineSplitter(lineLimitBytes);
    let found: number | undefined;
    const onPiece = (piece: Uint8Array) => {
      const isRecord = found === undefined && firstByte(piece, { from: 0, to: piece.length }) === openBrace;
      if (isRecord) found = readRecord(decoder.decode(piece))?.timeMs;
    };
    await file.seek(0, Deno.SeekMode.Start);
    for (let count = await file.read(buffer); count !== null && found === undefined; count = await file.read(buffer)) {
      throwIfAborted(signal, "Reading the log file");
      splitter.push(buffer.slice(0, count), onPiece);
    }
    splitter.flush(onPiece);
    if (found !== undefined) return found;
  }
  return undefined;
}
