/** Answers a query of the stored log of an app. */

import { cutToNewest } from "../backend/answer_size.ts";
import { AgentError, hasCode } from "../base/errors.ts";
import type { TimeWindow } from "../base/rfc3339.ts";
import { engineTextOf } from "../docker/errors.ts";
import { normalizeProject } from "../model/app_names.ts";
import { normalizeChannel } from "../model/channel_names.ts";
import { readWindowLines } from "./container_window.ts";
import type { KeptLine } from "./newest_lines.ts";
import { type ProjectLogEngine, readProjectLines } from "./project_window.ts";

/** What is asked for. */
export interface AppLogQuery {
  /** The name of the log channel, which is that of the container. */
  channel: string;
  /** Lines that are wanted, the newest of the window. */
  tail: number;
  /** Newest lines that are left out. */
  offset: number;
  window: TimeWindow;
  /** Each line has its time before it. */
  timestamps: boolean;
}

/** What is found. */
export interface FoundLogLines {
  /** Oldest first. */
  lines: string[];
  /**
   * Where they are from: the container, the containers of a compose project, or the stored history, of which neither
   * window nor times are known.
   */
  source: "docker" | "compose" | "history";
  /** Lines were left out, the oldest first, to keep the limits of an answer. */
  truncated: boolean;
  /** The time of the oldest line that the engine has of a container: RFC 3339 in UTC with whole seconds. */
  oldestAvailable?: string;
}

/** What queries need. */
export interface AppLogQueryDeps {
  engine: ProjectLogEngine;
  /** The history of a channel; throws when there can be none. */
  readHistory(channel: string, signal: AbortSignal): Promise<string[]>;
}

/** Lines that are read of one container, those that are left out included. */
const readLimit = 5_000;

/** Lines of a project, likewise. */
const projectLimit = 2 * readLimit;

/** The rules of names of containers; nothing else may reach the engine's API. */
const usableName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/;

/**
 * The lines of a container; if there is none, of the compose project of that name; if there is none either, of the
 * history. Throws `bad_request` for a name that nothing can have, `container_missing` for one that is
 * that of no app either, and what the engine throws.
 */
export async function queryAppLog(
  query: AppLogQuery,
  deps: AppLogQueryDeps,
  signal: AbortSignal,
): Promise<FoundLogLines> {
  const { tail, offset, window, timestamps } = query;
  const channel = normalizeChannel(query.channel);
  if (!usableName.test(channel)) throw new AgentError("bad_request", "invalid container name");
  const wanted = Math.min(tail + offset, readLimit);
  const part = { wanted, kept: Math.min(tail + offset, projectLimit), window, signal };
  const found: FoundLines = await findInContainer(channel, deps, part) ?? await findInProject(channel, deps, part) ??
    await findInHistory(channel, deps, signal);
  const cut = cutLines(found.lines, { tail, offset });
  const texts = cut.lines.map((line) => typeof line === "string" ? line : textOfLine(line, timestamps));
  const fitting = cutToNewest(texts);
  return {
    lines: fitting.lines,
    source: found.source,
    truncated: cut.isCut || found.isCut || fitting.isCut,
    ...(found.oldest === undefined ? {} : { oldestAvailable: found.oldest }),
  };
}

/** Without the `offset` last lines, at most `tail` of those before them. `isCut`: more were there. */
export function cutLines<Line>(
  lines: readonly Line[],
  { tail, offset }: { tail: number; offset: number },
): { lines: Line[]; isCut: boolean } {
  const end = Math.max(0, lines.length - offset);
  const start = Math.max(0, end - tail);
  return { lines: lines.slice(start, end), isCut: start > 0 };
}

interface PrefixedLine {
  prefix: string;
  kept: KeptLine;
}

interface FoundLines {
  lines: readonly (string | PrefixedLine)[];
  source: FoundLogLines["source"];
  isCut: boolean;
  oldest?: string | undefined;
}

type Part = Parameters<typeof readProjectLines>[2];

/** Undefined when there is no such container. */
async function findInContainer(name: string, { engine }: AppLogQueryDeps, part: Part): Promise<FoundLines | undefined> {
  const container = await engine.inspect(name, part.signal);
  if (container === undefined || container.status === "dead" || container.status === "removing") return undefined;
  try {
    const { lines, isCut, oldest } = await readWindowLines(engine, container, part);
    return { lines: lines.map((kept) => ({ prefix: "", kept })), source: "docker", isCut, oldest };
  } catch (error) {
    const isGone = hasCode(error, "container_missing") || /marked for removal/.test(engineTextOf(error) ?? "");
    if (isGone) return undefined;
    throw error;
  }
}

/** Undefined when there is no such project, and when it cannot be read. */
async function findInProject(name: string, { engine }: AppLogQueryDeps, part: Part): Promise<FoundLines | undefined> {
  try {
    const read = await readProjectLines(engine, normalizeProject(`${name}_compose`), part);
    return read === undefined ? undefined : { ...read, source: "compose" };
  } catch (error) {
    if (hasCode(error, "canceled", "timeout")) throw error;
    return undefined;
  }
}

async function findInHistory(channel: string, deps: AppLogQueryDeps, signal: AbortSignal): Promise<FoundLines> {
  try {
    return { lines: await deps.readHistory(channel, signal), source: "history", isCut: false };
  } catch (error) {
    if (!hasCode(error, "bad_request")) throw error;
    throw new AgentError("container_missing", `No such container: ${channel}`);
  }
}

function textOfLine({ prefix, kept }: PrefixedLine, timestamps: boolean): string {
  return timestamps && kept.time !== "" ? `${prefix}${kept.time} ${kept.text}` : prefix + kept.text;
}
