/**
 * Follows the log of one container until the container ends, across broken streams and restarts of the engine, without
 * a gap and without repeated lines. A container of the same name with another id is a new one, and is read from its
 * first line.
 */

import { spreadWaitMs } from "../async/backoff.ts";
import type { Clock } from "../async/clock.ts";
import { hasCode } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { LogLine } from "../docker/log_lines.ts";
import { LogReading } from "./log_reading.ts";

/** What a follower needs to know of a container. */
export interface FollowedContainer {
  id: string;
  /** As the engine reports it: `created`, `running`, `restarting`, `paused`, `exited`, `dead`, `removing`. */
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
  /** Called with one or more new lines; copy those that are kept. */
  onLines(lines: readonly LogLine[]): void;
  clock: Clock;
  /** Returns a number from 0 to 1. */
  random(): number;
  log: Log;
}

/** Why following ended. */
export type FollowEnd = "gone" | "exited" | "unreadable" | "canceled";

/** Between two attempts; grows while nothing is read. Waiting is harmless, because no line is lost. */
const followWaits = { firstMs: 250, limitMs: 5_000 };

/** A log counts as unreadable after so many streams in a row broke without a line. */
const brokenLimit = 8;

/** Reads the log of one container name, and remembers its position between calls of `run()`. */
export class Follower {
  readonly #deps: FollowerDeps;
  #containerId: string | undefined;
  #reading = new LogReading();
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
      if (broken > brokenLimit) return "unreadable";
      if (!await this.#wait(fruitless, signal)) break;
    }
    return "canceled";
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
      if (container === undefined) return { kind: "end", end: "gone" };
      this.#setContainer(container.id);
      const lines = await this.#read(container, signal);
      if (signal.aborted) return { kind: "end", end: "canceled" };
      return await this.#judgeEnd(container, { lines, signal });
    } catch (error) {
      if (signal.aborted) return { kind: "end", end: "canceled" };
      // `known` may be outdated, and another container may have the name.
      if (hasCode(error, "container_missing")) {
        return known === undefined ? { kind: "end", end: "gone" } : { kind: "again" };
      }
      const { log, containerName } = this.#deps;
      log.debug("The log stream of a container broke", { container: containerName, error });
      return { kind: hasCode(error, "engine_unreachable") ? "away" : "broken" };
    }
  }

  /** Another container is read from its start. */
  #setContainer(id: string): void {
    if (id === this.#containerId) return;
    this.#containerId = id;
    this.#reading = new LogReading();
  }

  async #read(container: FollowedContainer, outer: AbortSignal): Promise<number> {
    const stream = this.#stream = new AbortController();
    const signal = AbortSignal.any([outer, stream.signal]);
    const since = this.#reading.position?.time;
    this.#reading.resume();
    const options = { tty: container.tty, signal, ...(since === undefined ? {} : { since }) };
    let count = 0;
    for await (const lines of this.#deps.engine.followLogs(container.id, options)) {
      if (signal.aborted) break;
      const fresh = this.#reading.takeAll(lines);
      if (fresh.length === 0) continue;
      count += fresh.length;
      this.#deps.onLines(fresh);
    }
    return count;
  }

  /** The stream ended without an error: the container has ended, or the engine is shutting down. */
  async #judgeEnd(read: FollowedContainer, how: { lines: number; signal: AbortSignal }): Promise<Pass> {
    const current = await this.#deps.engine.inspect(this.#deps.containerName, how.signal);
    if (current === undefined) return { kind: "end", end: "gone" };
    if (current.id !== read.id) return { kind: "again" };
    if (current.status === "exited" || current.status === "dead") return { kind: "end", end: "exited" };
    return { kind: how.lines > 0 ? "again" : "idle" };
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
  | { kind: "broken" };
