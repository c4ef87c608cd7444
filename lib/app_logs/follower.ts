/**
 * Follows the log of one container until the container ends, across broken streams and restarts of the engine, without
 * a gap and without repeated lines. A container of the same name with another id is a new one, and is read from its
 * first line. Of a container that an earlier agent has followed, what has come since is read, and never the whole log:
 * it may be long, and the link slow.
 */

import { spreadWaitMs } from "../async/backoff.ts";
import type { Clock } from "../async/clock.ts";
import { hasCode, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { LogLine } from "../docker/log_lines.ts";
import { historyLines } from "./history.ts";
import { type ContainerPosition, LogReading } from "./log_reading.ts";
import { PositionSearch, SearchedStream } from "./position_search.ts";
import { cannotBeRead, driverReason } from "./unreadable.ts";

/** What a follower needs to know of a container. */
export interface FollowedContainer {
  id: string;
  /** As the engine reports it: `created`, `running`, `restarting`, `paused`, `exited`, `dead`, `removing`. */
  status: string;
  /** Undefined when that is not known. */
  tty: boolean | undefined;
  /** How the engine keeps its log, for example `json-file`; undefined when that is not known. */
  logDriver?: string | undefined;
  /** Of its last run. */
  exitCode?: number;
  /** When its last run ended, as the engine spells it. */
  finishedAt?: string;
}

/** How a log is read from the engine. */
export interface FollowOptions {
  /** RFC 3339 with nanoseconds; lines before it are left out. */
  since?: string;
  /** Only so many of the last lines. */
  tail?: number;
  /** See `FollowedContainer`. */
  tty: boolean | undefined;
  signal: AbortSignal;
}

/** What followers need of the engine. */
export interface FollowEngine {
  inspect(nameOrId: string, signal: AbortSignal): Promise<FollowedContainer | undefined>;
  /** Yields as many lines at a time as have arrived. They are valid until the next ones are requested. */
  followLogs(id: string, options: FollowOptions): AsyncIterable<readonly LogLine[]>;
}

/** What is followed, and where its lines go. */
export interface FollowerDeps {
  containerName: string;
  engine: FollowEngine;
  /** Where an earlier agent was. */
  earlier?: ContainerPosition | undefined;
  /** The container was created by this agent, so that nobody has read its first lines. */
  isNew?: boolean;
  /** Called with one or more new lines; copy those that are kept. `position`: that of the last one. */
  onLines(lines: readonly LogLine[], position: ContainerPosition | undefined): void;
  /** Called with the lines before `earlier`, at most 100. */
  onOldLines(lines: readonly LogLine[]): void;
  clock: Clock;
  /** Returns a number from 0 to 1. */
  random(): number;
  log: Log;
}

/** Why following ended. */
export type FollowEnd =
  | { kind: "gone" | "canceled" }
  /** As inspected at its end. */
  | { kind: "exited"; container: FollowedContainer }
  /** `because` is for people. */
  | { kind: "unreadable"; containerId: string; because: string };

/** Between two attempts; grows while nothing is read. Waiting is harmless, because no line is lost. */
const followWaits = { firstMs: 250, limitMs: 5_000 };

/** A log counts as unreadable after so many streams in a row broke without a line. */
const brokenLimit = 8;

/**
 * The last lines among which a position is looked for. The engine finds them at once, while it reads a whole log to
 * find a time: 141 MB take it four seconds.
 */
const searchLines = [historyLines, 10_000];

/** Of a search by time, where the position is among the first lines. */
const searchByTimeLines = 1_000;

const gapText = "… older log lines are not shown";

/** Reads the log of one container name, and remembers its position between calls of `run()`. */
export class Follower {
  readonly #deps: FollowerDeps;
  #containerId: string | undefined;
  #reading = new LogReading();
  /** Where the reading of this container begins when it has no position. */
  #beginsAt: "firstLine" | "lastLines" = "firstLine";
  /** The position is that of an earlier agent. */
  #isEarlier = false;
  #logDriver: string | undefined;
  /** The engine cannot read what is stored, as after a loss of power; what is printed from now on it can. */
  #isDamaged = false;
  /** Ends the stream that is being read. */
  #stream: AbortController | undefined;

  constructor(deps: FollowerDeps) {
    this.#deps = deps;
  }

  /**
   * Reads until the container has exited or is gone, or `signal` is aborted, and waits for an engine that is away.
   * `known` saves the first inspection of the container. Never throws. The next `run()` continues after the last line
   * of the same container.
   */
  async run({ signal, known }: { signal: AbortSignal; known?: FollowedContainer | undefined }): Promise<FollowEnd> {
    let fruitless = 0;
    let broken = 0;
    while (!signal.aborted) {
      const pass = await this.#pass(signal, known);
      known = undefined;
      if (pass.kind === "end") return pass.end;
      fruitless = pass.kind === "again" ? 0 : fruitless + 1;
      broken = pass.kind === "broken" ? broken + 1 : 0;
      if (broken > brokenLimit) return this.#unreadable(pass.kind === "broken" ? pass.because : "");
      if (!await this.#wait(fruitless, signal)) break;
    }
    return { kind: "canceled" };
  }

  /**
   * Stops reading a container that is gone or was replaced, however much of its log is left. Throws what the engine
   * throws.
   */
  async leaveReplaced(signal: AbortSignal): Promise<void> {
    const stream = this.#stream;
    const current = await this.#deps.engine.inspect(this.#deps.containerName, signal);
    if (current?.id !== this.#containerId) stream?.abort();
  }

  async #pass(signal: AbortSignal, known: FollowedContainer | undefined): Promise<Pass> {
    try {
      const container = known ?? await this.#deps.engine.inspect(this.#deps.containerName, signal);
      if (container === undefined) return { kind: "end", end: { kind: "gone" } };
      this.#setContainer(container);
      const lines = await this.#read(container, signal);
      if (signal.aborted) return { kind: "end", end: { kind: "canceled" } };
      return await this.#judgeEnd(container, { lines, signal });
    } catch (error) {
      if (signal.aborted) return { kind: "end", end: { kind: "canceled" } };
      // `known` may be outdated, and another container may have the name.
      if (hasCode(error, "container_missing")) {
        return known === undefined ? { kind: "end", end: { kind: "gone" } } : { kind: "again" };
      }
      if (cannotBeRead(error)) return { kind: "end", end: await this.#explainDriver(signal) };
      const { log, containerName } = this.#deps;
      log.debug("The log stream of a container broke", { container: containerName, error });
      return hasCode(error, "engine_unreachable") ? { kind: "away" } : { kind: "broken", because: messageOf(error) };
    }
  }

  /** Another container is read from its start, if it is known to be new. */
  #setContainer({ id, logDriver }: FollowedContainer): void {
    this.#logDriver = logDriver ?? (id === this.#containerId ? this.#logDriver : undefined);
    if (id === this.#containerId) return;
    const { earlier, isNew = false } = this.#deps;
    this.#beginsAt = isNew || this.#containerId !== undefined ? "firstLine" : "lastLines";
    this.#containerId = id;
    this.#reading = new LogReading();
    this.#isDamaged = false;
    this.#isEarlier = earlier?.containerId === id;
    if (earlier !== undefined && this.#isEarlier) this.#reading.position = earlier;
  }

  /** Returns how many new lines there were. */
  async #read(container: FollowedContainer, signal: AbortSignal): Promise<number> {
    const position = this.#reading.position;
    if (this.#isDamaged) return (await this.#readStream(container, { query: { tail: 0 } }, signal)).lines;
    if (position === undefined) {
      const query = this.#beginsAt === "firstLine" ? {} : { tail: historyLines };
      return (await this.#readStream(container, { query }, signal)).lines;
    }
    const attempts = [
      ...searchLines.map((tail) => ({ query: { tail }, limitLines: tail })),
      ...(this.#isEarlier ? [] : [{ query: { since: position.time }, limitLines: searchByTimeLines }]),
    ];
    for (const [index, { query, limitLines }] of attempts.entries()) {
      const search = new PositionSearch(position, { limitLines });
      const isLast = index === attempts.length - 1;
      const { lines, isMissed } = await this.#readStream(container, { query, search, isLast }, signal);
      if (!isMissed) return lines;
    }
    return 0;
  }

  /** `isMissed`: the position is not in the stream, and no line was handed over. */
  async #readStream(
    container: FollowedContainer,
    attempt: { query: { tail?: number; since?: string }; search?: PositionSearch; isLast?: boolean },
    outer: AbortSignal,
  ): Promise<{ lines: number; isMissed: boolean }> {
    const { query, search, isLast = true } = attempt;
    const stream = this.#stream = new AbortController();
    const signal = AbortSignal.any([outer, stream.signal]);
    let lines = 0;
    let isMissed = false;
    const onDecided = ({ isFound }: PositionSearch) => {
      isMissed = !isFound && !isLast;
      if (isMissed) stream.abort();
      else if (search !== undefined) lines += this.#endSearch(search);
    };
    await using searched = new SearchedStream(search, { onDecided, clock: this.#deps.clock });
    for await (const batch of this.#deps.engine.followLogs(container.id, { tty: container.tty, signal, ...query })) {
      if (signal.aborted) break;
      const damageAt = batch.findIndex(isReadError);
      lines += this.#handOver(searched.take(damageAt < 0 ? batch : batch.slice(0, damageAt)));
      if (damageAt < 0) continue;
      lines += this.#noteDamage(batch.slice(damageAt, damageAt + 1));
      stream.abort();
      break;
    }
    if (!signal.aborted) searched.decide();
    return { lines, isMissed };
  }

  /** Viewers see once why lines are missing. Returns the number of lines handed over. */
  #noteDamage(message: readonly LogLine[]): number {
    if (this.#isDamaged) return 0;
    this.#isDamaged = true;
    return this.#handOver(message);
  }

  /** Hands over what a search has kept, as far as nobody has seen it. Returns the number of those lines. */
  #endSearch({ kept, isFound }: PositionSearch): number {
    const isEarlier = this.#isEarlier;
    this.#isEarlier = false;
    const newest = kept.slice(-historyLines);
    if (isFound) {
      if (isEarlier && newest.length > 0) this.#deps.onOldLines(newest);
      return 0;
    }
    const isGap = isEarlier && kept.length > newest.length;
    return this.#handOver(isGap ? [plainLine(gapText), ...newest] : kept);
  }

  #handOver(lines: readonly LogLine[]): number {
    if (lines.length === 0) return 0;
    this.#reading.note(lines);
    this.#deps.onLines(lines, this.#reading.noted(this.#containerId ?? ""));
    return lines.length;
  }

  /** The stream ended without an error: the container has ended, or the engine is shutting down. */
  async #judgeEnd(read: FollowedContainer, how: { lines: number; signal: AbortSignal }): Promise<Pass> {
    const current = await this.#deps.engine.inspect(this.#deps.containerName, how.signal);
    if (current === undefined) return { kind: "end", end: { kind: "gone" } };
    if (current.id !== read.id) return { kind: "again" };
    if (current.status === "exited" || current.status === "dead") {
      return { kind: "end", end: { kind: "exited", container: current } };
    }
    return { kind: how.lines > 0 ? "again" : "idle" };
  }

  async #explainDriver(signal: AbortSignal): Promise<FollowEnd> {
    const { engine, containerName } = this.#deps;
    const driver = this.#logDriver ?? (await engine.inspect(containerName, signal).catch(() => undefined))?.logDriver;
    return this.#unreadable(driverReason(driver));
  }

  #unreadable(because: string): FollowEnd {
    return { kind: "unreadable", containerId: this.#containerId ?? "", because };
  }

  /** False when `signal` was aborted. */
  async #wait(fruitless: number, signal: AbortSignal): Promise<boolean> {
    const { clock, random } = this.#deps;
    try {
      await clock.sleep(spreadWaitMs(followWaits, { attempt: Math.max(fruitless, 1), random: random() }), signal);
      return true;
    } catch {
      // Only an abort ends a wait early.
      return false;
    }
  }
}

/** How one attempt to read the log ended. */
type Pass =
  | { kind: "end"; end: FollowEnd }
  | { kind: "again" }
  /** The container is neither running nor ended, for example between two starts by its restart policy. */
  | { kind: "idle" }
  | { kind: "away" }
  | { kind: "broken"; because: string };

/** True for the message with which engines end a stream because they cannot read on. Lines of apps have a stamp. */
function isReadError(line: LogLine): boolean {
  return line.stampAt < 0 && /^error grabbing logs: /i.test(line.text);
}

function plainLine(text: string): LogLine {
  const source = new TextEncoder().encode(text);
  return new LogLine(source, { stampAt: -1, from: 0, to: source.length });
}
