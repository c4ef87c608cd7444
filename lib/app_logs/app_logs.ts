/**
 * The logs of apps on their way to viewers: messages of the agent, lines of containers and of pulls, and the history of
 * all of them. Everything is best effort: nothing here fails or delays a transition, and everything that gathers has a
 * limit.
 */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { SharedJobs } from "../async/shared_jobs.ts";
import { TaskSet } from "../async/task_set.ts";
import { fitNewest } from "../backend/answer_size.ts";
import type { ConnectStep } from "../backend/connect_step.ts";
import { AgentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { LogLine } from "../docker/log_lines.ts";
import type { AppId } from "../model/app.ts";
import { normalizeChannel, parseChannel } from "../model/channel_names.ts";
import type { Database } from "../store/database.ts";
import type { FollowEnd, FollowEngine } from "./follower.ts";
import { Followers, type FollowersDeps, type FollowTarget } from "./followers.ts";
import { readLastLines, type TailEngine } from "./last_lines.ts";
import type { AppLogQuery, FoundLogLines } from "./log_query.ts";
import type { ProjectLogEngine } from "./project_window.ts";
import { LogChannels } from "./log_channels.ts";
import { LogPositions } from "./log_positions.ts";
import type { LogPosition } from "./log_reading.ts";
import type { ProgressMessage } from "./message_queue.ts";
import { PendingMessages } from "./pending_messages.ts";
import { splitLines, splitText } from "./pieces.ts";
import type { ProjectService } from "./project_follower.ts";
import { ProjectFollowers } from "./project_followers.ts";
import { StoredHistories } from "./stored_histories.ts";
import { type MetaSession, Subscribers } from "./subscribers.ts";
import { unreadableText } from "./unreadable.ts";

/** What the area needs of the rest of the agent. */
export interface AppLogsDeps {
  serialNumber: string;
  engine: FollowEngine & TailEngine & ProjectLogEngine;
  database: Database;
  /** Sends one payload on a topic, without acknowledgement. */
  publish(topic: string, payload: unknown): Promise<void>;
  isConnected(): boolean;
  /** Bytes that wait to be sent on the link. */
  waitingBytes(): number;
  /** Returns the ids of the subscriptions that match a topic. */
  match(topic: string): Promise<number[]>;
  /** Folder for what is remembered of how far logs have been shown. */
  positionsDir: string;
  /** The containers whose logs are followed after a connect. */
  containersToFollow(): readonly ChannelContainer[];
  clock: Clock;
  /** Returns a number from 0 to 1. */
  random(): number;
  log: Log;
}

/** Lines of a pull, push or build on their way to viewers. */
export interface LogFeed {
  /** Takes one line as the engine sent it. Never blocks. */
  push(line: string): void;
  /** Sends what waits (at most 1 s) and stores the history. Never throws. */
  end(): Promise<void>;
}

/** A container whose log goes to a channel. */
export interface ChannelContainer {
  channel: string;
  containerName: string;
}

/** Makes viewers forget what they show. */
const clearToken = "LOGGER_CLEAR";

/** Reads of the engine for callers, who may name containers that are not there. */
export const tailLimits = { what: "read the log of a container", atOnce: 4, queueLimit: 100, callerLimit: 1_000 };

/** Queries of stored logs, each of which keeps up to 12 MiB of lines. */
export const queryLimits = { what: "query the log of an app", atOnce: 2, queueLimit: 100, callerLimit: 1_000 };

const showLimitMs = 10_000;
const forgetLimitMs = 10_000;
const endFlushLimitMs = 1_000;

/** Creates the area. Nothing is followed or sent before it is asked for. */
export function createAppLogs(deps: AppLogsDeps): AppLogs {
  return new AppLogs(deps);
}

/**
 * All log channels of the device. Invariants: one follower per channel; the history of a channel is stored when a
 * stream of it ends and when the agent stops; after `forget()` a channel starts with an empty history.
 */
export class AppLogs implements AsyncDisposable {
  /** What has to be done after every connect. */
  readonly connectSteps: readonly ConnectStep[];
  readonly #deps: AppLogsDeps;
  readonly #subscribers: Subscribers;
  readonly #followers: Followers;
  readonly #projects: ProjectFollowers;
  readonly #channels: LogChannels;
  readonly #pending: PendingMessages;
  readonly #stored: StoredHistories;
  readonly #positions: LogPositions;
  /** The containers of which viewers know that their logs cannot be read, by channel. */
  readonly #unreadable = new Map<string, string>();
  readonly #tasks: TaskSet;
  readonly #tails = new SharedJobs<string[]>(tailLimits);
  readonly #queries = new SharedJobs<FoundLogLines>(queryLimits);

  constructor(deps: AppLogsDeps) {
    this.#deps = deps;
    this.connectSteps = [{
      name: "learn who listens to logs",
      phase: "restore",
      callsBackend: false,
      run: ({ session }) => this.attach(session, deps.containersToFollow()),
    }];
    this.#pending = new PendingMessages(deps);
    this.#stored = new StoredHistories(deps);
    this.#positions = new LogPositions(deps);
    this.#tasks = new TaskSet((error) => deps.log.error("Work on an app log failed", { error }));
    const { serialNumber, match, engine, clock, random, log } = deps;
    const audience = (channel: string) => this.#subscribers.audience(channel);
    this.#channels = new LogChannels({ ...deps, audience, pending: this.#pending, positions: this.#positions });
    this.#subscribers = new Subscribers({
      serialNumber,
      match,
      onKnown: (channel) => this.#channels.get(channel)?.publisher.resume(),
      log,
    });
    const onLines: FollowersDeps["onLines"] = (channel, lines, { position }) => {
      this.#takeLines(channel, splitLines(lines), position);
    };
    const onOldLines: FollowersDeps["onOldLines"] = (channel, lines) => {
      this.#channels.get(channel)?.history.pushLines(splitLines(lines));
    };
    this.#followers = new Followers({
      ...{ engine, clock, random, log, onLines, onOldLines },
      readPosition: (channel) => this.#positions.read(channel),
      onEnd: (channel, end) => this.#endStream(channel, end),
    });
    this.#projects = new ProjectFollowers({
      ...{ engine, clock, random, log, onLines, onOldLines },
      readPositions: (channel) => this.#positions.readServices(channel),
      onIdle: (channel) => this.#endProject(channel),
    });
  }

  /** Shows an agent message to viewers, and adds it to the history. */
  say(channel: string, text: string): void {
    const { history, publisher } = this.#channels.open(normalizeChannel(channel));
    for (const chunk of splitText(text)) {
      history.push(chunk, "AGENT");
      publisher.addMessage({ type: "build", chunk });
    }
  }

  /** Shows viewers how far an upload has come. Nothing is kept of it, and while the link is down nothing is sent. */
  showProgress(channel: string, progress: ProgressMessage): void {
    if (this.#deps.isConnected()) this.#channels.open(normalizeChannel(channel)).publisher.addMessage(progress);
  }

  /** Makes viewers forget what they show. */
  clearViewer(channel: string): void {
    this.#channels.open(normalizeChannel(channel)).publisher.addMessage({ type: "build", chunk: clearToken });
  }

  /**
   * Empties the history of an app, in memory and stored, before it gets a container: the log of a new one is read from
   * its first line.
   */
  clearHistory(id: AppId, channel: string): void {
    const name = normalizeChannel(channel);
    this.#channels.get(name)?.history.clear();
    this.#followers.expectNew(name);
    this.#projects.expectNew(name);
    this.#stored.clear(id, channel);
  }

  /**
   * Follows the log of a container until it ends. A channel that is followed already keeps its follower, which inspects
   * the container once more before it ends. The same container is read on from where it was left, by an earlier agent,
   * too; a new one from its first line. Of one that is there already and was never followed, the last 100 lines are
   * read.
   */
  follow(channel: string, target: FollowTarget): void {
    const name = normalizeChannel(channel);
    this.#watch(name);
    this.#projects.forget(name);
    this.#followers.follow(name, target);
  }

  /**
   * Follows the logs of all containers of a compose project in one channel, each line with the name of its container
   * before it. To be called with all of them whenever one has been started, has ended or was removed: those that are
   * followed already keep their stream. What is read is as with `follow()`; old lines are put in the order of their
   * times.
   */
  followProject(channel: string, services: readonly ProjectService[]): void {
    const name = normalizeChannel(channel);
    this.#watch(name);
    this.#followers.forget(name);
    this.#projects.follow(name, services);
  }

  /** The engine has reported that a container of a followed project has exited. */
  noteServiceExit(channel: string, exited: { id: string; exitCode: number }): void {
    this.#projects.noteExit(normalizeChannel(channel), exited);
  }

  /** As `showExited()`, for one container of a project. */
  async showExitedService(channel: string, service: ProjectService, signal: AbortSignal): Promise<void> {
    const name = normalizeChannel(channel);
    this.#watch(name);
    this.#followers.forget(name);
    this.#projects.add(name, service);
    await this.#awaitEnd(() => this.#projects.ended(name, service.id), signal);
  }

  /** The container of the channel was removed: the rest of its log is read for at most two seconds. */
  leave(channel: string): void {
    this.#followers.leave(normalizeChannel(channel));
  }

  /** Opens the channel for the lines of a pull, push or build. */
  openFeed(channel: string): LogFeed {
    const name = normalizeChannel(channel);
    this.#watch(name);
    const { history, publisher } = this.#channels.open(name);
    let isEnded = false;
    const push = (line: string) => {
      if (isEnded) return;
      for (const piece of splitText(line)) {
        history.push(piece, "CONTAINER");
        publisher.addLine(piece);
      }
    };
    const end = async () => {
      if (isEnded) return;
      isEnded = true;
      await publisher.flush(endFlushLimitMs);
      this.#store(name);
    };
    return { push, end };
  }

  /**
   * Shows the log of a container that has exited. Resolves when it was read, after 10 s, or when `signal` is aborted.
   */
  async showExited(channel: string, containerName: string, signal: AbortSignal): Promise<void> {
    this.follow(channel, { containerName });
    await this.#awaitEnd(() => this.#followers.ended(normalizeChannel(channel)), signal);
  }

  /**
   * Removes an app's channel: its follower and its history, in memory and stored. Messages that wait are still sent.
   */
  forget(id: AppId, channel: string): void {
    const name = normalizeChannel(channel);
    this.#followers.forget(name);
    this.#projects.forget(name);
    this.#subscribers.forget(name);
    this.#positions.forget(name);
    this.#unreadable.delete(name);
    const publisher = this.#channels.remove(name);
    if (publisher !== undefined) this.#tasks.add(publisher.flush(forgetLimitMs).then(() => publisher.end()));
    this.#stored.delete(id, channel);
  }

  /**
   * Continues on a new session: finds out who listens, sends what waits, and follows those of `containers` that are not
   * followed yet. Throws when the router's events cannot be subscribed; the rest is done nevertheless, and the call can
   * be repeated.
   */
  async attach(session: MetaSession, containers: readonly ChannelContainer[]): Promise<void> {
    try {
      await this.#subscribers.attach(session);
    } finally {
      this.#followMissing(containers);
      for (const { channel, chunk, rowId } of this.#pending.claimAll()) {
        // Older agents stored them whole.
        const [start = ""] = splitText(chunk);
        this.#channels.open(channel).publisher.restore(start, rowId);
      }
      for (const publisher of this.#channels.publishers()) publisher.resume();
      await this.#subscribers.settled();
    }
  }

  /**
   * The link is lost: agent messages that were sent after the router was last heard (`lastHeardMs`, monotonic) are sent
   * again after the next connect.
   */
  detach(lastHeardMs: number | undefined): void {
    for (const publisher of this.#channels.publishers()) publisher.linkLost(lastHeardMs);
  }

  /**
   * The last lines of a channel, oldest first: those in memory, else the stored ones; when none of them is from the app
   * itself, the last 50 lines of its container are added. Above 1 MB of JSON the oldest are left out, and a line in
   * their place says so. Throws `bad_request` ("invalid container name") when the name has to be parsed and cannot be,
   * and `busy`.
   */
  async readHistory(channel: string, signal: AbortSignal): Promise<string[]> {
    return fitNewest(await this.#readLines(normalizeChannel(channel), signal));
  }

  /** See `queryAppLog()` in log_query.ts. Also throws `busy`. */
  async query(query: AppLogQuery, signal: AbortSignal): Promise<FoundLogLines> {
    const { queryAppLog } = await import("./log_query.ts");
    const readHistory = (name: string, life: AbortSignal) => this.#readLines(name, life);
    const read = (life: AbortSignal) => queryAppLog(query, { engine: this.#deps.engine, readHistory }, life);
    return await this.#queries.run(JSON.stringify(query), read, signal);
  }

  /** Ends all followers and stores what they have read. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#followers[Symbol.asyncDispose](), this.#projects[Symbol.asyncDispose]()]);
    await this.#subscribers.settled();
    await Promise.all(this.#channels.publishers().map((publisher) => publisher.end()));
    await this.#tasks.settled();
  }

  async #readLines(name: string, signal: AbortSignal): Promise<string[]> {
    const history = this.#channels.get(name)?.history;
    if (history?.hasContainerLine) return history.texts();
    const app = parseChannel(name);
    if (app === undefined) throw new AgentError("bad_request", "invalid container name");
    const messages = history?.texts() ?? [];
    const stored = messages.length === 0 ? this.#stored.read(app) : [];
    if (stored.length > 0) return stored;
    const readTail = (life: AbortSignal) => readLastLines(this.#deps, name, life);
    const tail = await this.#tails.run(name, readTail, signal);
    // Why a log cannot be read is said once.
    return [...messages, ...tail.filter((line) => tail.length > 1 || !messages.includes(line))];
  }

  #takeLines(name: string, lines: readonly LogLine[], position: LogPosition | undefined): void {
    const channel = this.#channels.get(name);
    channel?.history.pushLines(lines);
    channel?.publisher.addLines(lines, position);
  }

  #followMissing(containers: readonly ChannelContainer[]): void {
    for (const { channel, containerName } of containers) {
      const name = normalizeChannel(channel);
      if (!this.#followers.has(name) && !this.#projects.has(name)) this.follow(channel, { containerName });
    }
  }

  #watch(name: string): void {
    this.#channels.open(name);
    this.#tasks.add(this.#subscribers.watch(name));
  }

  async #endStream(name: string, { containerName, why }: { containerName: string; why: FollowEnd }): Promise<void> {
    const channel = this.#channels.get(name);
    if (channel === undefined) return;
    await channel.publisher.flush(endFlushLimitMs);
    this.#store(name);
    this.#positions.flush(name);
    if (why.kind === "canceled") return;
    // No follower could read the log of a very short life: its end is shown whether or not anybody listens.
    const lines = channel.history.hasContainerLine ? [] : await readLastLines(this.#deps, containerName);
    if (why.kind !== "unreadable") return lines.forEach((line) => channel.publisher.addMessage(line));
    const text = unreadableText(why.because);
    if (lines.every((line) => line === text)) this.#sayUnreadable(name, { text, containerId: why.containerId });
    else lines.forEach((line) => channel.publisher.addMessage(line));
  }

  /** Once for each container, whether or not the agent was restarted meanwhile. */
  #sayUnreadable(name: string, { text, containerId }: { text: string; containerId: string }): void {
    if (this.#unreadable.get(name) === containerId) return;
    this.#unreadable.set(name, containerId);
    const app = parseChannel(name);
    if (app !== undefined && this.#stored.read(app).includes(text)) return;
    this.say(name, text);
    this.#store(name);
  }

  async #awaitEnd(ended: () => Promise<void>, signal: AbortSignal): Promise<void> {
    try {
      await within(showLimitMs, ended, { what: "Reading the log of a container", signal });
    } catch {
      // It is read in the background; a transition does not wait longer for a log.
    }
  }

  async #endProject(name: string): Promise<void> {
    await this.#channels.get(name)?.publisher.flush(endFlushLimitMs);
    this.#store(name);
    this.#positions.flush(name);
  }

  #store(name: string): void {
    const history = this.#channels.get(name)?.history;
    if (history !== undefined) this.#stored.write(name, history);
  }
}
