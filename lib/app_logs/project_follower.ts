/** Follows the logs of all containers of one compose project, each in a stream of its own, as one log. */

import type { Clock } from "../async/clock.ts";
import { TaskSet } from "../async/task_set.ts";
import type { Log } from "../base/log.ts";
import type { LogLine } from "../docker/log_lines.ts";
import { type FollowedContainer, type FollowEnd, type FollowEngine, Follower } from "./follower.ts";
import type { ProjectPosition, ServicePosition } from "./log_reading.ts";
import { MergedLines } from "./merged_lines.ts";
import { exitLine, prefixLines, servicePrefix } from "./service_lines.ts";

/** A container of a project. */
export interface ProjectService {
  id: string;
  /** As it stands before its lines: `web-1`. */
  name: string;
  /** True saves the first inspection of the container. */
  isRunning?: boolean;
}

/** What is followed, and where its lines go. */
export interface ProjectFollowerDeps {
  engine: FollowEngine;
  /** Where an earlier agent was. */
  earlier: readonly ServicePosition[];
  /** The containers were created by this agent, so that nobody has read their first lines. */
  isNew: boolean;
  onLines(lines: readonly LogLine[], position: ProjectPosition): void;
  onOldLines(lines: readonly LogLine[]): void;
  /** Called when the last stream has ended. */
  onIdle(): Promise<void>;
  clock: Clock;
  /** Returns a number from 0 to 1. */
  random(): number;
  log: Log;
}

interface FollowedService {
  /** It was listed as running, and its log has not been read since. */
  isListedRunning: boolean;
  readonly service: ProjectService;
  readonly follower: Follower;
  readonly controller: AbortController;
  isRunning: boolean;
  isRequestedAgain: boolean;
  done: Promise<unknown>;
  /** From the engine's event, for a container that is removed before it can be inspected. */
  exitCode: number | undefined;
  onExitCode: (() => void) | undefined;
}

/** Containers of one project whose logs are read. */
export const servicesLimit = 64;

/** How long the log of a removed container is still read. */
const leaveServiceAfterMs = 2_000;

/** The engine reports the exit of a container at about the time at which its log ends. */
const exitCodeWaitMs = 500;
const restartWaitMs = 2_000;

/**
 * Invariants: one stream for each container; a line is handed over once; memory is bounded by `MergedLines` and what
 * each stream has in hand.
 */
export class ProjectFollower implements AsyncDisposable {
  readonly #deps: ProjectFollowerDeps;
  readonly #services = new Map<string, FollowedService>();
  readonly #positions: Map<string, ServicePosition>;
  readonly #merged: MergedLines;
  readonly #tasks: TaskSet;
  #width = 0;
  /** From the second list on, what is not known is new. */
  #isListed = false;
  /** The containers of the last list, and those that were added to it. */
  #listed: ReadonlySet<string> = new Set();
  #isEnded = false;

  constructor(deps: ProjectFollowerDeps) {
    this.#deps = deps;
    this.#positions = new Map(deps.earlier.map((position) => [position.containerId, position]));
    this.#merged = new MergedLines({
      onLines: (lines, positions) => this.#handOver(lines, positions),
      onOldLines: (lines) => deps.onOldLines(lines),
      clock: deps.clock,
    });
    this.#tasks = new TaskSet((error, about) =>
      deps.log.error("Cannot follow the log of a service", { ...about, error })
    );
  }

  /** True while at least one stream is read. */
  get isRunning(): boolean {
    return [...this.#services.values()].some(({ isRunning }) => isRunning);
  }

  /**
   * Follows these containers, which are all that the project has. Those that are followed keep their stream and are
   * inspected once more before it ends; of those that are gone the rest is read for at most two seconds.
   */
  follow(services: readonly ProjectService[]): void {
    if (this.#isEnded) return;
    const listed = services.slice(0, servicesLimit);
    if (listed.length < services.length) {
      this.#deps.log.warn("A project has too many containers to follow all", { containers: services.length });
    }
    this.#listed = new Set(listed.map(({ id }) => id));
    for (const [id, following] of this.#services) if (!this.#listed.has(id)) this.#leave(id, following);
    for (const id of [...this.#positions.keys()]) {
      if (!this.#listed.has(id) && !this.#services.has(id)) this.#positions.delete(id);
    }
    this.#width = Math.max(...listed.map(({ name }) => name.length), 0);
    for (const service of listed) this.add(service);
    this.#isListed = true;
  }

  /** Follows one container more. */
  add(service: ProjectService): void {
    if (this.#isEnded) return;
    this.#width = Math.max(this.#width, service.name.length);
    this.#listed = new Set([...this.#listed, service.id]);
    const known = this.#services.get(service.id);
    if (known?.isRunning === true) {
      known.isRequestedAgain = true;
      return;
    }
    if (known === undefined && this.#services.size >= servicesLimit * 2) return;
    const following = known ?? this.#create(service);
    this.#services.set(service.id, following);
    following.isRunning = true;
    following.isListedRunning = service.isRunning === true;
    this.#merged.open(service.id);
    following.done = this.#tasks.add(this.#run(following), { service: service.name });
  }

  /** Resolves when the stream of a container has ended; at once when there is none. */
  async ended(id: string): Promise<void> {
    await this.#services.get(id)?.done;
  }

  /** The engine has reported the exit of a container. */
  noteExit(id: string, exitCode: number): void {
    const following = this.#services.get(id);
    if (following === undefined) return;
    following.exitCode = exitCode;
    following.onExitCode?.();
    this.#tasks.add(this.#sayRestart(following), { service: following.service.name });
  }

  /** Ends all streams. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true;
    for (const { controller } of this.#services.values()) controller.abort();
    await this.#tasks.settled();
    await this.#merged[Symbol.asyncDispose]();
  }

  #create(service: ProjectService): FollowedService {
    const { engine, clock, random, log, isNew } = this.#deps;
    const earlier = this.#positions.get(service.id);
    const follower = new Follower({
      containerName: service.id,
      engine,
      earlier: earlier === undefined || earlier.time === "" ? undefined : earlier,
      // A container that an earlier agent has followed and that has printed nothing then.
      isNew: isNew || this.#isListed || earlier?.time === "",
      onLines: (lines, position) => {
        const endedAt = this.#positions.get(service.id)?.endedAt;
        this.#merged.take(service.id, this.#prefixed(service, lines), {
          position: position && { ...plainService(position), ...(endedAt === undefined ? {} : { endedAt }) },
        });
      },
      onOldLines: (lines) => this.#merged.take(service.id, this.#prefixed(service, lines), { isOld: true }),
      ...{ clock, random, log },
    });
    const done = Promise.resolve();
    const controller = new AbortController();
    return {
      ...{ service, follower, controller, done },
      isRunning: false,
      isListedRunning: false,
      isRequestedAgain: false,
      exitCode: undefined,
      onExitCode: undefined,
    };
  }

  async #run(following: FollowedService): Promise<void> {
    const { service: { id }, controller } = following;
    let isCanceled = false;
    do {
      following.isRequestedAgain = false;
      isCanceled = await this.#runOnce(following);
    } while (following.isRequestedAgain && !isCanceled);
    this.#merged.close(id);
    following.isRunning = false;
    if (controller.signal.aborted) this.#services.delete(id);
    else if (!this.#listed.has(id)) this.#forget(id);
    if (!this.isRunning) await this.#deps.onIdle();
  }

  /** True when it was canceled. */
  async #runOnce(following: FollowedService): Promise<boolean> {
    const { service: { id }, follower, controller: { signal } } = following;
    const listed = following.isListedRunning ? { id, status: "running", tty: undefined } : undefined;
    following.isListedRunning = false;
    const known: FollowedContainer | undefined = listed ?? await this.#tryInspect(id, signal);
    if (known !== undefined && hasEnded(known) && known.finishedAt === this.#positions.get(id)?.endedAt) return false;
    const why = await follower.run({ signal, known });
    await this.#sayExit(following, why);
    return why.kind === "canceled";
  }

  async #sayExit(following: FollowedService, why: FollowEnd): Promise<void> {
    const { id } = following.service;
    if (why.kind === "gone" && following.exitCode === undefined) await this.#awaitExitCode(following);
    const exitCode = why.kind === "exited" ? why.container.exitCode ?? following.exitCode : following.exitCode;
    following.exitCode = undefined;
    if ((why.kind !== "exited" && why.kind !== "gone") || exitCode === undefined) return;
    const endedAt = why.kind === "exited" ? why.container.finishedAt : undefined;
    const at = this.#positions.get(id) ?? { containerId: id, time: "", lines: 0, bytes: 0 };
    // What was listed as running may have ended before it was read.
    if (endedAt !== undefined && endedAt === at.endedAt) return;
    const line = exitLine(following.service.name, exitCode);
    const position = endedAt === undefined ? at : { ...at, endedAt };
    this.#merged.take(id, [{ line, time: endedAt ?? "" }], { position });
  }

  async #awaitExitCode(following: FollowedService): Promise<void> {
    const { clock } = this.#deps;
    const known = new AbortController();
    following.onExitCode = () => known.abort();
    try {
      await clock.sleep(exitCodeWaitMs, AbortSignal.any([known.signal, following.controller.signal]));
    } catch {
      // It was reported meanwhile, or nobody waits for it any more.
    } finally {
      following.onExitCode = undefined;
    }
  }

  /** Undefined when the engine does not answer; the follower asks again. */
  async #tryInspect(id: string, signal: AbortSignal): Promise<FollowedContainer | undefined> {
    try {
      return await this.#deps.engine.inspect(id, signal);
    } catch (error) {
      if (!signal.aborted) this.#deps.log.debug("Cannot inspect a service", { error });
      return undefined;
    }
  }

  /** A container that its restart policy has started again is read on without an end. */
  async #sayRestart(following: FollowedService): Promise<void> {
    try {
      await this.#deps.clock.sleep(restartWaitMs, following.controller.signal);
    } catch {
      // Nobody follows it any more.
      return;
    }
    const { exitCode, service, isRunning } = following;
    following.exitCode = undefined;
    if (exitCode === undefined || !isRunning) return;
    this.#merged.take(service.id, [{ line: exitLine(service.name, exitCode), time: "" }]);
  }

  #forget(id: string): void {
    this.#services.delete(id);
    this.#positions.delete(id);
  }

  #leave(id: string, following: FollowedService): void {
    if (!following.isRunning) return this.#forget(id);
    this.#tasks.add(this.#leaveLater(following), { service: following.service.name });
  }

  async #leaveLater({ follower, controller }: FollowedService): Promise<void> {
    try {
      await this.#deps.clock.sleep(leaveServiceAfterMs, controller.signal);
      await follower.leaveReplaced(controller.signal);
    } catch (error) {
      // It has ended meanwhile, or ends with the engine.
      this.#deps.log.debug("A service has not been left", { error });
    }
  }

  #prefixed({ name }: ProjectService, lines: readonly LogLine[]) {
    return prefixLines(lines, servicePrefix(name, this.#width));
  }

  #handOver(lines: readonly LogLine[], positions: readonly ServicePosition[]): void {
    for (const position of positions) this.#positions.set(position.containerId, position);
    this.#deps.onLines(lines, { services: [...this.#positions.values()] });
  }
}

function hasEnded({ status }: FollowedContainer): boolean {
  return status === "exited" || status === "dead";
}

function plainService({ containerId, time, lines, bytes }: ServicePosition): ServicePosition {
  return { containerId, time, lines, bytes };
}
