/** Keeps exactly one follower for each log channel, and its place in the container's log between two lives of the container. */

import type { Clock } from "../async/clock.ts";
import { TaskSet } from "../async/task_set.ts";
import type { Log } from "../base/log.ts";
import type { LogLine } from "../docker/log_lines.ts";
import { type FollowedContainer, type FollowEnd, type FollowEngine, Follower } from "./follower.ts";

/** What the followers are built from. */
export interface FollowersDeps {
  engine: FollowEngine;
  onLines(channel: string, lines: readonly LogLine[]): void;
  /** Called when a stream has ended, unless the channel was forgotten. The channel counts as followed until it resolves. */
  onEnd(channel: string, end: { containerName: string; why: FollowEnd }): Promise<void>;
  clock: Clock;
  /** A number from 0 to 1. */
  random(): number;
  log: Log;
}

interface Following {
  containerName: string;
  follower: Follower;
  controller: AbortController;
  /** Somebody asked again while it ran: the container may have been started anew. */
  isAskedAgain: boolean;
  isForgotten: boolean;
  done: Promise<void>;
}

/** The last words of a container that was removed are worth so long. */
const leaveMs = 2_000;

/** The followers of all channels. Invariant: at most one runs for a channel that is not being replaced. */
export class Followers implements AsyncDisposable {
  readonly #parts: FollowersDeps;
  readonly #running = new Map<string, Following>();
  /** Followers that have ended keep their place, for the next start of the same container. */
  readonly #resting = new Map<string, { containerName: string; follower: Follower }>();
  readonly #tasks: TaskSet;
  #isStopped = false;

  constructor(parts: FollowersDeps) {
    this.#parts = parts;
    this.#tasks = new TaskSet((error, about) => {
      parts.log.error("Following a container's log failed", { ...about, error });
    });
  }

  /** True while the channel is followed. */
  has(channel: string): boolean {
    return this.#running.has(channel);
  }

  /**
   * Follows a container under a channel. A follower of the same container name keeps running and looks once more before it ends;
   * one of another name is replaced. `known` spares a follower that is begun its first look.
   */
  follow(channel: string, containerName: string, known?: FollowedContainer): void {
    const running = this.#running.get(channel);
    if (running?.containerName === containerName) {
      running.isAskedAgain = true;
      this.#tasks.add(this.#leaveReplaced(running), { container: containerName });
      return;
    }
    running?.controller.abort();
    if (!this.#isStopped) this.#start(channel, containerName, known);
  }

  /** The container of a channel was removed: what is left of its log is read for two seconds at most. */
  leave(channel: string): void {
    const running = this.#running.get(channel);
    if (running !== undefined) this.#tasks.add(this.#leaveLater(running), { container: running.containerName });
  }

  /** Resolves when the channel's follower has ended; at once when there is none. */
  async ended(channel: string): Promise<void> {
    await this.#running.get(channel)?.done;
  }

  /** Ends the channel's follower without `onEnd`, and forgets its place. */
  forget(channel: string): void {
    const running = this.#running.get(channel);
    this.#running.delete(channel);
    this.#resting.delete(channel);
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

  #start(channel: string, containerName: string, known?: FollowedContainer): void {
    const running: Following = {
      containerName,
      follower: this.#wake(channel, containerName),
      controller: new AbortController(),
      isAskedAgain: false,
      isForgotten: false,
      done: Promise.resolve(),
    };
    this.#running.set(channel, running);
    running.done = this.#tasks.add(this.#run(channel, running, known), { container: containerName });
  }

  async #leaveLater(running: Following): Promise<void> {
    try {
      await this.#parts.clock.sleep(leaveMs, running.controller.signal);
    } catch {
      // It was left by another way.
      return;
    }
    await this.#leaveReplaced(running);
  }

  async #leaveReplaced({ follower, controller, containerName }: Following): Promise<void> {
    try {
      await follower.leaveReplaced(controller.signal);
    } catch (error) {
      // The stream ends with the engine, or by itself.
      this.#parts.log.debug("Cannot see whether a container was replaced", { container: containerName, error });
    }
  }

  #wake(channel: string, containerName: string): Follower {
    const resting = this.#resting.get(channel);
    this.#resting.delete(channel);
    if (resting?.containerName === containerName) return resting.follower;
    const { engine, clock, random, log, onLines } = this.#parts;
    return new Follower({ containerName, engine, onLines: (lines) => onLines(channel, lines), clock, random, log });
  }

  async #run(channel: string, running: Following, known: FollowedContainer | undefined): Promise<void> {
    const { follower, controller, containerName } = running;
    let why: FollowEnd;
    do {
      running.isAskedAgain = false;
      why = await follower.run(controller.signal, known);
      known = undefined;
    } while (running.isAskedAgain && why !== "canceled");
    // What has ended need not be left any more; the end of the agent would wait for that.
    controller.abort();
    if (running.isForgotten) return;
    try {
      await this.#parts.onEnd(channel, { containerName, why });
    } finally {
      this.#rest(channel, running);
    }
  }

  #rest(channel: string, running: Following): void {
    if (this.#running.get(channel) !== running) return;
    this.#running.delete(channel);
    const { containerName, follower } = running;
    this.#resting.set(channel, { containerName, follower });
    // Asked for while the end was being told: the container runs again.
    if (running.isAskedAgain && !this.#isStopped) this.#start(channel, containerName);
  }
}
