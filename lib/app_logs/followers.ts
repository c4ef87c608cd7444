/**
 * Keeps exactly one follower per log channel, and its position in the container's log between two runs of the
 * container.
 */

import type { Clock } from "../async/clock.ts";
import { TaskSet } from "../async/task_set.ts";
import type { Log } from "../base/log.ts";
import type { LogLine } from "../docker/log_lines.ts";
import { type FollowedContainer, type FollowEnd, type FollowEngine, Follower } from "./follower.ts";
import type { ContainerPosition, LogPosition } from "./log_reading.ts";

/** Where followers read, and where their lines go. */
export interface FollowersDeps {
  engine: FollowEngine;
  /** Where an earlier agent was in the log of a channel. */
  readPosition(channel: string): ContainerPosition | undefined;
  onLines(channel: string, lines: readonly LogLine[], of: { position: LogPosition | undefined }): void;
  /** Called with the last lines before the position of an earlier agent. */
  onOldLines(channel: string, lines: readonly LogLine[]): void;
  /**
   * Called when a stream has ended, unless the channel was forgotten. The channel counts as followed until it resolves.
   */
  onEnd(channel: string, end: { containerName: string; why: FollowEnd }): Promise<void>;
  clock: Clock;
  /** Returns a number from 0 to 1. */
  random(): number;
  log: Log;
}

/** Which container is followed. */
export interface FollowTarget {
  containerName: string;
  /** The container as just inspected, which saves the follower its first inspection. */
  known?: FollowedContainer | undefined;
}

interface Following {
  containerName: string;
  follower: Follower;
  controller: AbortController;
  /** `follow()` was called while it ran: the container may have been started again. */
  isRequestedAgain: boolean;
  isForgotten: boolean;
  done: Promise<unknown>;
}

/** How long the log of a removed container is still read. */
const leaveAfterMs = 2_000;

/** The followers of all channels. Invariant: at most one runs for a channel, except while it is being replaced. */
export class Followers implements AsyncDisposable {
  readonly #deps: FollowersDeps;
  readonly #running = new Map<string, Following>();
  /** Followers that have ended keep their position for the next start of the same container. */
  readonly #idle = new Map<string, { containerName: string; follower: Follower }>();
  /** Channels whose next container is one that nobody has followed yet. */
  readonly #fresh = new Set<string>();
  readonly #tasks: TaskSet;
  #isStopped = false;

  constructor(deps: FollowersDeps) {
    this.#deps = deps;
    this.#tasks = new TaskSet((error, about) =>
      deps.log.error("Cannot follow the log of a container", { ...about, error })
    );
  }

  /** True while the channel is followed. */
  has(channel: string): boolean {
    return this.#running.has(channel);
  }

  /** The next container of the channel is created by this agent, and read from its first line. */
  expectNew(channel: string): void {
    this.#fresh.add(channel);
  }

  /**
   * Follows a container in a channel. A follower of the same container name keeps running and inspects the container
   * once more before it ends; one of another name is replaced.
   */
  follow(channel: string, target: FollowTarget): void {
    const running = this.#running.get(channel);
    if (running?.containerName === target.containerName) {
      running.isRequestedAgain = true;
      this.#tasks.add(this.#leaveReplaced(running), { container: target.containerName });
      return;
    }
    running?.controller.abort();
    if (!this.#isStopped) this.#start(channel, target);
  }

  /** The container of a channel was removed: the rest of its log is read for at most two seconds. */
  leave(channel: string): void {
    const running = this.#running.get(channel);
    if (running !== undefined) this.#tasks.add(this.#leaveLater(running), { container: running.containerName });
  }

  /** Resolves when the channel's follower has ended; at once when there is none. */
  async ended(channel: string): Promise<void> {
    await this.#running.get(channel)?.done;
  }

  /** Ends the channel's follower without `onEnd`, and forgets its position. */
  forget(channel: string): void {
    const running = this.#running.get(channel);
    this.#running.delete(channel);
    this.#idle.delete(channel);
    this.#fresh.delete(channel);
    if (running === undefined) return;
    running.isForgotten = true;
    running.controller.abort();
  }

  /** Ends all followers. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    for (const running of this.#running.values()) running.controller.abort();
    await this.#tasks.settled();
  }

  #start(channel: string, { containerName, known }: FollowTarget): void {
    const running: Following = {
      containerName,
      follower: this.#takeFollower(channel, containerName),
      controller: new AbortController(),
      isRequestedAgain: false,
      isForgotten: false,
      done: Promise.resolve(),
    };
    this.#running.set(channel, running);
    running.done = this.#tasks.add(this.#run(channel, running, known), { container: containerName });
  }

  async #leaveLater(running: Following): Promise<void> {
    try {
      await this.#deps.clock.sleep(leaveAfterMs, running.controller.signal);
    } catch {
      // It has ended meanwhile.
      return;
    }
    await this.#leaveReplaced(running);
  }

  async #leaveReplaced({ follower, controller, containerName }: Following): Promise<void> {
    try {
      await follower.leaveReplaced(controller.signal);
    } catch (error) {
      // The stream ends with the engine, or by itself.
      this.#deps.log.debug("Cannot find out whether a container was replaced", { container: containerName, error });
    }
  }

  #takeFollower(channel: string, containerName: string): Follower {
    const idle = this.#idle.get(channel);
    this.#idle.delete(channel);
    if (idle?.containerName === containerName) return idle.follower;
    const { engine, clock, random, log } = this.#deps;
    return new Follower({
      containerName,
      engine,
      earlier: this.#deps.readPosition(channel),
      isNew: this.#fresh.delete(channel),
      onLines: (lines, position) => this.#deps.onLines(channel, lines, { position }),
      onOldLines: (lines) => this.#deps.onOldLines(channel, lines),
      ...{ clock, random, log },
    });
  }

  async #run(channel: string, running: Following, known: FollowedContainer | undefined): Promise<void> {
    const { follower, controller, containerName } = running;
    let why: FollowEnd;
    do {
      running.isRequestedAgain = false;
      why = await follower.run({ signal: controller.signal, known });
      known = undefined;
    } while (running.isRequestedAgain && why.kind !== "canceled");
    // Ends a pending `leave()`, for which the end of the agent would wait.
    controller.abort();
    if (running.isForgotten) return;
    try {
      await this.#deps.onEnd(channel, { containerName, why });
    } finally {
      this.#setIdle(channel, running);
    }
  }

  #setIdle(channel: string, running: Following): void {
    if (this.#running.get(channel) !== running) return;
    this.#running.delete(channel);
    const { containerName, follower } = running;
    this.#idle.set(channel, { containerName, follower });
    // Requested again during `onEnd`: the container is running again.
    if (running.isRequestedAgain && !this.#isStopped) this.#start(channel, { containerName });
  }
}
