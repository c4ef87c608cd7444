/** Answers of the engine that go on: pulls, logs, events. */

import { AgentError, hasCode } from "../base/errors.ts";
import { isDict, parseJson } from "../base/json.ts";
import { TextLines } from "./lines.ts";
import { type LogLine, logReader } from "./log_lines.ts";
import { type EngineStream, type EngineTransport, pathPart } from "./transport.ts";

export type { LogLine } from "./log_lines.ts";

/** A pull that the engine has begun. It must be read to its end, or aborted: until then it holds a connection. */
export interface Pull {
  /**
   * Reads the pull to its end; `onLine` gets each line of the engine's progress, JSON, as it came. Gives the digest of the manifest
   * that was pulled (`sha256:…`), empty when the engine did not tell it. Throws `pull_failed` with the reason that the engine gives
   * inside the stream, `canceled` after an abort, `timeout` when the engine was silent for 5 min, `engine_unreachable` when the
   * connection broke.
   */
  readToEnd(onLine: (rawJsonLine: string) => void): Promise<string>;
}

/** Which part of a log is wanted. */
export interface LogOptions {
  /** What inspect says of the container; the two kinds of stream look different. */
  tty: boolean;
  /** Only from this moment on, inclusive: RFC 3339 as in `LogLine.time`. Empty: from the start. */
  since?: string;
  /** Only the last so many messages. */
  tail?: number;
  signal: AbortSignal;
}

/** Something that happened to a container. */
export interface EngineEvent {
  /** `create`, `start`, `die`, `destroy`, `oom`, `health_status: healthy`, … */
  action: string;
  /** The container's id. */
  id: string;
  name: string;
  labels: Record<string, string>;
  /** With `die` only. */
  exitCode?: number;
  /** Nanoseconds since 1970; above 2^53, hence exact only as `bigint`. */
  timeNano: bigint;
}

/** Largest part of a log that `readLogs()` gives; older lines go first. */
const logLimitCharacters = 4 * 1024 * 1024;

/** Makes a pull of an opened stream. `what` starts the error texts. */
export function pullOf(stream: EngineStream, options: { what: string; stallMs: number }): Pull {
  const { what, stallMs } = options;
  return {
    async readToEnd(onLine) {
      const lines = new TextLines();
      let failure = "";
      let digest = "";
      const read = (line: string) => {
        if (line === "") return;
        failure = failureIn(line) ?? failure;
        digest = digestIn(line) ?? digest;
        onLine(line);
      };
      for await (const chunk of stream.chunks(stallMs)) lines.push(chunk, read);
      lines.flush(read);
      if (failure !== "") throw new AgentError("pull_failed", `${what} failed: ${failure}`);
      return digest;
    },
  };
}

/**
 * The log of a container, as many lines at once as have come (good until the next are asked for), going on until the container ends
 * or `signal` does; both end the iteration quietly. A container that has ended gives what is stored. Throws `container_missing`, and
 * `engine_unreachable` when the engine goes.
 */
export async function* followLogs(
  transport: EngineTransport,
  id: string,
  options: LogOptions,
): AsyncGenerator<LogLine[], void> {
  const stream = await openLogs(transport, id, { ...options, follow: true });
  if (stream === undefined) return;
  const reader = logReader(options.tty);
  let lines: LogLine[] = [];
  const keep = (line: LogLine) => lines.push(line);
  try {
    for await (const chunk of stream.chunks()) {
      reader.push(chunk, keep);
      if (lines.length > 0) yield lines;
      lines = [];
    }
    reader.flush(keep);
    if (lines.length > 0) yield lines;
  } catch (error) {
    if (!hasCode(error, "canceled")) throw error;
  }
}

/**
 * The stored log of a container, oldest line first, at most about 4 MiB of it (the newest). Throws `container_missing`,
 * `canceled`, `engine_unreachable`.
 */
export async function readLogs(transport: EngineTransport, id: string, options: LogOptions): Promise<string[]> {
  const stream = await openLogs(transport, id, { ...options, follow: false });
  if (stream === undefined) throw new AgentError("canceled", `Reading the log of container "${id}" was canceled`);
  const reader = logReader(options.tty);
  const lines: string[] = [];
  let size = 0;
  let first = 0;
  const keep = ({ text }: LogLine) => {
    lines.push(text);
    size += text.length;
    while (size > logLimitCharacters) size -= lines[first++]?.length ?? 0;
  };
  for await (const chunk of stream.chunks()) reader.push(chunk, keep);
  reader.flush(keep);
  return lines.slice(first);
}

/**
 * What happens to containers from now on, until `signal` ends, which ends the iteration quietly. The caller asks again
 * after `engine_unreachable`, and then looks at the containers, because what happened in between is not told. `onOpen` is
 * called when the engine has begun to tell: a look at the containers from then on misses nothing.
 */
export async function* followEvents(
  transport: EngineTransport,
  signal: AbortSignal,
  onOpen?: () => void,
): AsyncGenerator<EngineEvent, void> {
  try {
    const stream = await transport.open(
      { method: "GET", path: "/events", query: { filters: JSON.stringify({ type: ["container"] }) } },
      { what: "Following the engine's events", signal },
    );
    onOpen?.();
    const lines = new TextLines();
    let events: EngineEvent[] = [];
    const keep = (line: string) => {
      const event = decodeEvent(line);
      if (event !== undefined) events.push(event);
    };
    for await (const chunk of stream.chunks()) {
      lines.push(chunk, keep);
      for (const event of events) yield event;
      events = [];
    }
  } catch (error) {
    if (!hasCode(error, "canceled")) throw error;
    return;
  }
  // The engine ends this stream only when it shuts down.
  throw new AgentError("engine_unreachable", "Following the engine's events ended, the engine has closed the stream");
}

/** An event as the engine writes it, one JSON object a line; undefined for anything else. */
export function decodeEvent(line: string): EngineEvent | undefined {
  const wire = parseJson(line);
  if (!isDict(wire) || typeof wire.Action !== "string" || !isDict(wire.Actor)) return undefined;
  const { ID: id, Attributes: attributes } = wire.Actor;
  if (typeof id !== "string") return undefined;
  const labels: Record<string, string> = {};
  for (const [name, value] of Object.entries(isDict(attributes) ? attributes : {})) {
    if (typeof value === "string") labels[name] = value;
  }
  const exitCode = /^\d+$/.test(labels.exitCode ?? "") ? Number(labels.exitCode) : undefined;
  return {
    action: wire.Action,
    id,
    name: labels.name ?? "",
    labels,
    ...(exitCode === undefined ? {} : { exitCode }),
    timeNano: BigInt(/"timeNano":(\d+)/.exec(line)?.[1] ?? 0),
  };
}

/** Gives undefined when the caller has gone before the engine answered. */
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

/** The error that a progress line reports; undefined when it reports none. */
/** The engine tells it in words only, in one of the last lines of a pull. */
function digestIn(line: string): string | undefined {
  return /"status":"Digest: (sha256:[0-9a-f]{64})"/.exec(line)?.[1];
}

function failureIn(line: string): string | undefined {
  if (!line.includes('"error')) return undefined;
  const wire = parseJson(line);
  if (!isDict(wire) || typeof wire.error !== "string" || wire.error === "") return undefined;
  return wire.error;
}
