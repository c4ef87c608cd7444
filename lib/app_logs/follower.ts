/**
 * Follows the log of one container for as long as it lives: over cuts of the stream and restarts of the engine, without a gap
 * and without a line twice. A container of the same name but another id is a new one, and is read from its first line.
 */

import { spreadWaitMs } from "../async/backoff.ts";
import type { Clock } from "../async/clock.ts";
import { hasCode } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { LogLine } from "../docker/log_lines.ts";
import { LogReading } from "./position.ts";

/** What a follower needs to know of a container. */
export interface FollowedContainer {
  id: string;
  /** The engine's word: `created`, `running`, `restarting`, `paused`, `exited`, `dead`, `removing`. */
  status: string;
  tty: boolean;
}

/** How a log is read from the engine. */
export interface FollowOptions {
  /** RFC 3339 with nanoseconds; lines before it are left out. */
  since?: string;
  tty: boolean;
  signal: AbortSignal;
}

/** The engine as a follower sees it. */
export interface FollowEngine {
  inspect(nameOrId: string, signal: AbortSignal): Promise<FollowedContainer | undefined>;
  /** Gives as many lines at once as have come. They are good until the next are asked for. */
  followLogs(id: string, options: FollowOptions): AsyncIterable<readonly LogLine[]>;
}

/** What a follower is built from. */
export interface FollowerDeps {
  containerName: string;
  engine: FollowEngine;
  /** Gets lines that were not given before, at least one; copy what is to stay. */
  onLines(lines: readonly LogLine[]): void;
  clock: Clock;
  /** A number from 0 to 1 for each wait. */
  random(): number;
  log: Log;
}

/** Why following ended. */
export type FollowEnd = "gone" | "exited" | "unreadable" | "canceled";

/** Grows while nothing is read; reading on costs no line, so a slow look is enough. */
const waits = { firstMs: 250, limitMs: 5_000 };

/** Streams in a row that may break without a line before a log counts as unreadable. */
const brokenLimit = 8;

/** Reads the log of one container name; keeps its place between two calls of `run()`. */
export class Follower {
  readonly #parts: FollowerDeps;
  #containerId: string | undefined;
  #reading = new LogReading();
  /** Ends the stream that is being read. */
  #stream: AbortController | undefined;

  constructor(parts: FollowerDeps) {
    this.#parts = parts;
  }

  /**
   * Reads until the container has exited or is gone, or `signal` ends. An engine that is away is waited for. `known` spares the first
   * look at the container. Never throws; the next `run()` goes on behind the last line of the same container.
   */
  async run(signal: AbortSignal, known?: FollowedContainer): Promise<FollowEnd> {
    let fruitless = 0;
    let broken = 0;
    while (!signal.aborted) {
      const turn = await this.#turn(signal, known);
      known = undefined;
      if (turn.kind === "end") return turn.end;
      fruitless = turn.kind === "again" ? 0 : fruitless + 1;
      broken = turn.kind === "broken" ? broken + 1 : 0;
      if (broken > brokenLimit) return "unreadable";
      if (!await this.#wait(fruitless, signal)) break;
    }
    return "canceled";
  }

  /**
   * Leaves the log of a container that is gone or was replaced, however much of it is left; any other is read on. Throws what the engine
   * throws.
   */
  async leaveReplaced(signal: AbortSignal): Promise<void> {
    const stream = this.#stream;
    const seen = await this.#parts.engine.inspect(this.#parts.containerName, signal);
    if (seen?.id !== this.#containerId) stream?.abort();
  }

  async #turn(signal: AbortSignal, known: FollowedContainer | undefined): Promise<Turn> {
    try {
      const seen = known ?? await this.#parts.engine.inspect(this.#parts.containerName, signal);
      if (seen === undefined) return { kind: "end", end: "gone" };
      this.#meet(seen.id);
      const lines = await this.#read(seen, signal);
      if (signal.aborted) return { kind: "end", end: "canceled" };
      return await this.#judge(seen, { lines, signal });
    } catch (error) {
      if (signal.aborted) return { kind: "end", end: "canceled" };
      // What was known may be of yesterday, and another container have the name.
      if (hasCode(error, "container_missing")) {
        return known === undefined ? { kind: "end", end: "gone" } : { kind: "again" };
      }
      const { log, containerName } = this.#parts;
      log.debug("The log stream of a container broke", { container: containerName, error });
      return { kind: hasCode(error, "engine_unreachable") ? "away" : "broken" };
    }
  }

  /** A container that is not the one read so far begins anew. */
  #meet(id: string): void {
    if (id === this.#containerId) return;
    this.#containerId = id;
    this.#reading = new LogReading();
  }

  async #read(seen: FollowedContainer, outer: AbortSignal): Promise<number> {
    const stream = this.#stream = new AbortController();
    const signal = AbortSignal.any([outer, stream.signal]);
    const since = this.#reading.position?.time;
    this.#reading.resume();
    const options = { tty: seen.tty, signal, ...(since === undefined ? {} : { since }) };
    let count = 0;
    for await (const lines of this.#parts.engine.followLogs(seen.id, options)) {
      if (signal.aborted) break;
      const fresh = this.#reading.takeAll(lines);
      if (fresh.length === 0) continue;
      count += fresh.length;
      this.#parts.onLines(fresh);
    }
    return count;
  }

  /** The stream ended without an error: the engine stops at the end of the container, or is going down itself. */
  async #judge(read: FollowedContainer, how: { lines: number; signal: AbortSignal }): Promise<Turn> {
    const seen = await this.#parts.engine.inspect(this.#parts.containerName, how.signal);
    if (seen === undefined) return { kind: "end", end: "gone" };
    if (seen.id !== read.id) return { kind: "again" };
    if (seen.status === "exited" || seen.status === "dead") return { kind: "end", end: "exited" };
    return { kind: how.lines > 0 ? "again" : "idle" };
  }

  /** False when `signal` ended. */
  async #wait(fruitless: number, signal: AbortSignal): Promise<boolean> {
    const { clock, random } = this.#parts;
    try {
      await clock.sleep(spreadWaitMs(waits, { attempt: Math.max(fruitless, 1), random: random() }), signal);
      return true;
    } catch {
      // Only an abort ends a wait early.
      return false;
    }
  }
}

type Turn =
  | { kind: "end"; end: FollowEnd }
  | { kind: "again" }
  /** The container neither runs nor has ended, for example between two starts of its restart policy. */
  | { kind: "idle" }
  | { kind: "away" }
  | { kind: "broken" };
