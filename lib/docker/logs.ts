/** The log of a container, followed while it runs or read as it is stored. */

import { AgentError, hasCode } from "../base/errors.ts";
import { decodeContainer } from "./decode.ts";
import { type LogLine, logReader } from "./log_lines.ts";
import type { EngineStream } from "./engine_stream.ts";
import { type EngineTransport, pathPart } from "./engine_transport.ts";

/** Which part of a log is wanted. */
export interface LogOptions {
  /**
   * As inspect reports it; the two kinds of stream look different. Undefined when it is not known: then the answer
   * tells, or the container is inspected.
   */
  tty: boolean | undefined;
  /**
   * Only from this moment on, inclusive: RFC 3339 as in `LogLine.time`. Empty: from the start. The engine reads all
   * that is older, too, which takes seconds for a long log.
   */
  since?: string;
  /** Only this many of the last messages, which the engine finds at once; it counts them before it looks at `since`. */
  tail?: number;
  /** `readLogs()` puts the time of each line and a space before it. */
  hasTimes?: boolean;
  signal: AbortSignal;
}

/** The start of a long line is shown when its end does not come for so long. */
const idleMs = 1_000;

/** Most characters of a log that `readLogs()` returns; older lines are dropped first. */
const logLimitCharacters = 4 * 1024 * 1024;

/**
 * Follows the log of a container until the container exits or `signal` is aborted; both end the iteration without an
 * error. Yields the lines that have arrived, which are valid until the next are asked for; of a line that goes on, what
 * is there when nothing more comes for a second. Of a container that has exited it yields what is stored. Throws
 * `container_missing`, and `engine_unreachable` when the connection to the engine is lost.
 */
export async function* followLogs(
  transport: EngineTransport,
  id: string,
  options: LogOptions,
): AsyncGenerator<LogLine[], void> {
  const life = new AbortController();
  const signal = AbortSignal.any([options.signal, life.signal]);
  const stream = await openLogs(transport, id, { ...options, signal, follow: true });
  if (stream === undefined) return;
  const chunks = stream.chunks();
  let lines: LogLine[] = [];
  const keep = (line: LogLine) => void lines.push(line);
  try {
    const reader = logReader(options.tty ?? await hasTerminal(transport, { id, stream, signal }));
    for (let next = chunks.next();; next = chunks.next()) {
      if (reader.hasWholeMessages && await isIdle(next)) {
        reader.flushMessages(keep);
        yield lines;
        lines = [];
      }
      const { value: chunk } = await next;
      if (chunk === undefined) break;
      reader.push(chunk, keep);
      if (lines.length > 0) yield lines;
      lines = [];
    }
    reader.flush(keep);
    if (lines.length > 0) yield lines;
  } catch (error) {
    if (!hasCode(error, "canceled")) throw error;
  } finally {
    // A read that is still waiting would keep the stream from closing.
    life.abort();
    await chunks.return();
  }
}

/** False as soon as the next chunk is there, or the error in its place; true when it takes longer than a second. */
async function isIdle(next: Promise<unknown>): Promise<boolean> {
  const idle = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => idle.resolve(true), idleMs);
  next.then(() => idle.resolve(false), () => idle.resolve(false));
  try {
    return await idle.promise;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The stored log of a container, oldest line first, at most about 4 MiB of it (the newest). Throws as `storedLogs()`.
 */
export async function readLogs(transport: EngineTransport, id: string, options: LogOptions): Promise<string[]> {
  const lines: string[] = [];
  let size = 0;
  let first = 0;
  for await (const batch of storedLogs(transport, id, options)) {
    for (const line of batch) {
      const text = options.hasTimes === true ? `${line.time} ${line.text}` : line.text;
      lines.push(text);
      size += text.length;
      while (size > logLimitCharacters) size -= lines[first++]?.length ?? 0;
    }
  }
  return lines.slice(first);
}

/**
 * The stored log of a container, oldest line first, as many lines at a time as have arrived; they are valid until the
 * next are asked for. Throws `container_missing`, `canceled`, `engine_unreachable`, `engine_failed`.
 */
export async function* storedLogs(
  transport: EngineTransport,
  id: string,
  options: LogOptions,
): AsyncGenerator<LogLine[], void> {
  const stream = await openLogs(transport, id, { ...options, follow: false });
  if (stream === undefined) throw new AgentError("canceled", `Reading the log of container "${id}" was canceled`);
  const reader = logReader(options.tty ?? await hasTerminal(transport, { id, stream, signal: options.signal }));
  let lines: LogLine[] = [];
  const keep = (line: LogLine) => void lines.push(line);
  for await (const chunk of stream.chunks()) {
    reader.push(chunk, keep);
    if (lines.length > 0) yield lines;
    lines = [];
  }
  reader.flush(keep);
  if (lines.length > 0) yield lines;
}

/** Engines before API 1.42 name every stream as that of a terminal. */
async function hasTerminal(
  transport: EngineTransport,
  { id, stream, signal }: { id: string; stream: EngineStream; signal: AbortSignal },
): Promise<boolean> {
  if (stream.contentType === "application/vnd.docker.multiplexed-stream") return false;
  const options = { what: `Inspecting container "${id}"`, signal, missing: "container_missing" } as const;
  return decodeContainer(await transport.readJson({ method: "GET", path: `/containers/${pathPart(id)}/json` }, options))
    .tty;
}

/** Returns undefined when `signal` is aborted before the engine has answered. */
async function openLogs(
  transport: EngineTransport,
  id: string,
  options: LogOptions & { follow: boolean },
): Promise<EngineStream | undefined> {
  const query = {
    stdout: "1",
    stderr: "1",
    timestamps: "1",
    follow: options.follow ? "1" : "0",
    ...(options.since ? { since: engineTime(options.since) } : {}),
    ...(options.tail === undefined ? {} : { tail: `${options.tail}` }),
  };
  const path = `/containers/${pathPart(id)}/logs`;
  const what = `Reading the log of container "${id}"`;
  try {
    return await transport.openDirect({ path, query }, { what, signal: options.signal, missing: "container_missing" });
  } catch (error) {
    if (hasCode(error, "canceled")) return undefined;
    throw error;
  }
}

/** RFC 3339 as the engine wants it in a query: seconds since 1970, with nine decimals. */
function engineTime(text: string): string {
  const seconds = Math.floor(Date.parse(text) / 1000);
  const decimals = /\.(\d+)/.exec(text)?.[1] ?? "";
  return `${seconds}.${decimals.slice(0, 9).padEnd(9, "0")}`;
}
