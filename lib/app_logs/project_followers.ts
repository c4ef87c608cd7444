/** Keeps at most one follower of a compose project for each log channel. */

import type { Clock } from "../async/clock.ts";
import { TaskSet } from "../async/task_set.ts";
import type { Log } from "../base/log.ts";
import type { LogLine } from "../docker/log_lines.ts";
import type { FollowEngine } from "./follower.ts";
import type { ProjectPosition, ServicePosition } from "./log_reading.ts";
import { ProjectFollower, type ProjectService } from "./project_follower.ts";

/** Where projects are read, and where their lines go. */
export interface ProjectFollowersDeps {
  engine: FollowEngine;
  /** Where an earlier agent was in the logs of a channel. */
  readPositions(channel: string): ServicePosition[];
  onLines(channel: string, lines: readonly LogLine[], of: { position: ProjectPosition }): void;
  /** Called with lines that an earlier agent has shown. */
  onOldLines(channel: string, lines: readonly LogLine[]): void;
  /** Called when the last stream of a channel has ended, unless the channel was forgotten. */
  onIdle(channel: string): Promise<void>;
  clock: Clock;
  /** Returns a number from 0 to 1. */
  random(): number;
  log: Log;
}

/** The followers of the projects of all channels. */
export class ProjectFollowers implements AsyncDisposable {
  readonly #deps: ProjectFollowersDeps;
  readonly #projects = new Map<string, ProjectFollower>();
  /** Channels whose next containers are ones that nobody has followed yet. */
  readonly #fresh = new Set<string>();
  readonly #tasks: TaskSet;
  #isStopped = false;

  constructor(deps: ProjectFollowersDeps) {
    this.#deps = deps;
    this.#tasks = new TaskSet((error) => deps.log.error("Cannot end the logs of a project", { error }));
  }

  /** True when the log of the channel is that of a project. */
  has(channel: string): boolean {
    return this.#projects.has(channel);
  }

  /** The next containers of the channel are created by this agent, and read from their first lines. */
  expectNew(channel: string): void {
    if (!this.#projects.has(channel)) this.#fresh.add(channel);
  }

  /** See `ProjectFollower.follow()`. */
  follow(channel: string, services: readonly ProjectService[]): void {
    this.#open(channel)?.follow(services);
  }

  /** See `ProjectFollower.add()`. */
  add(channel: string, service: ProjectService): void {
    this.#open(channel)?.add(service);
  }

  /** The engine has reported the exit of a container. */
  noteExit(channel: string, { id, exitCode }: { id: string; exitCode: number }): void {
    this.#projects.get(channel)?.noteExit(id, exitCode);
  }

  /** Resolves when the stream of a container has ended; at once when there is none. */
  async ended(channel: string, id: string): Promise<void> {
    await this.#projects.get(channel)?.ended(id);
  }

  /** Ends the follower of the channel. */
  forget(channel: string): void {
    this.#fresh.delete(channel);
    const project = this.#projects.get(channel);
    if (project === undefined) return;
    this.#projects.delete(channel);
    this.#tasks.add(project[Symbol.asyncDispose]());
  }

  /** Ends all followers. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#projects.values()].map((project) => project[Symbol.asyncDispose]()));
    await this.#tasks.settled();
  }

  #open(channel: string): ProjectFollower | undefined {
    if (this.#isStopped) return undefined;
    const known = this.#projects.get(channel);
    if (known !== undefined) return known;
    const { engine, readPositions, onLines, onOldLines, onIdle, clock, random, log } = this.#deps;
    const project: ProjectFollower = new ProjectFollower({
      engine,
      earlier: readPositions(channel),
      isNew: this.#fresh.delete(channel),
      onLines: (lines, position) => this.#isCurrent(channel, project) && onLines(channel, lines, { position }),
      onOldLines: (lines) => this.#isCurrent(channel, project) && onOldLines(channel, lines),
      onIdle: async () => {
        if (this.#isCurrent(channel, project)) await onIdle(channel);
      },
      ...{ clock, random, log },
    });
    this.#projects.set(channel, project);
    return project;
  }

  /** False for one that was replaced: what it still reads is for nobody. */
  #isCurrent(channel: string, project: ProjectFollower): boolean {
    return this.#projects.get(channel) === project;
  }
}
