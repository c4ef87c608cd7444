/**
 * What apps say and what is said about them: agent messages, lines of containers and of pulls, and the history of both. All of it
 * is best effort: nothing here fails or delays a transition, and nothing is gathered without a bound.
 */

import type { AppId } from "../model/app.ts";
import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { TaskSet } from "../async/task_set.ts";
import { AgentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { LogLine } from "../docker/log_lines.ts";
import { readApp } from "../store/app_rows.ts";
import type { Database } from "../store/database.ts";
import { clearLogHistory, deleteLogHistory, readLogHistory, writeLogHistory } from "../store/log_rows.ts";
import { logTopic } from "../backend/uris.ts";
import type { NamedApp } from "../model/app_names.ts";
import { normalizeChannel, parseChannel } from "../model/channel_names.ts";
import type { FollowedContainer, FollowEnd, FollowEngine } from "./follower.ts";
import { Followers } from "./followers.ts";
import { type MetaSession, Subscribers } from "./subscribers.ts";
import { History, historyBytes, trimFront } from "./history.ts";
import { PendingMessages } from "./pending_messages.ts";
import { Publisher } from "./publisher.ts";

/** The engine as the logs see it. */
export interface LogEngine extends FollowEngine {
  /** The last lines of a container, without times. Throws `container_missing`, `engine_unreachable`, `engine_failed`. */
  readLogs(id: string, options: { tail: number; tty: boolean; signal: AbortSignal }): Promise<string[]>;
}

/** What the logs are built from. */
export interface AppLogsDeps {
  serialNumber: string;
  engine: LogEngine;
  database: Database;
  /** Sends one payload on a topic, without acknowledgement. */
  publish(topic: string, payload: unknown): Promise<void>;
  isConnected(): boolean;
  /** Bytes that wait to be sent on the link. */
  waitingBytes(): number;
  /** The ids of the subscriptions that match a topic. */
  match(topic: string): Promise<number[]>;
  clock: Clock;
  /** A number from 0 to 1. */
  random(): number;
  log: Log;
}

/** Lines of a pull, push or build on their way to the viewer. */
export interface Feed {
  /** Takes one line as the engine sent it. Never blocks. */
  push(line: string): void;
  /** Sends what waits (at most 1 s) and stores the history. Never throws. */
  end(): Promise<void>;
}

interface Channel {
  history: History;
  outlet: Publisher;
}

/** Token that makes a viewer forget what it shows. */
const clearToken = "LOGGER_CLEAR";

/** Lines are held back while more than this waits on the link: calls, replies and pings queue behind them. */
const congestionBytes = 524_288;

const catchUpLines = 50;
const readLimitMs = 10_000;
const flushLimitMs = 1_000;

/** Creates the area; nothing is followed or sent before it is asked for. */
export function createAppLogs(deps: AppLogsDeps): AppLogs {
  return new AppLogs(deps);
}

/**
 * All log channels of the device. Invariants: one follower a channel; the history of a channel is written when a stream of it ends
 * and when the agent stops; what is told about a channel after `forget()` starts with an empty history.
 */
export class AppLogs implements AsyncDisposable {
  readonly #parts: AppLogsDeps;
  readonly #gate: Subscribers;
  readonly #followers: Followers;
  readonly #channels = new Map<string, Channel>();
  readonly #kept: PendingMessages;
  readonly #tasks: TaskSet;

  constructor(parts: AppLogsDeps) {
    this.#parts = parts;
    const { serialNumber, match, engine, clock, random, log } = parts;
    this.#tasks = new TaskSet((error) => log.error("Work on an app log failed", { error }));
    this.#kept = new PendingMessages(parts);
    this.#gate = new Subscribers({
      serialNumber,
      match,
      onSettled: (channel) => this.#channels.get(channel)?.outlet.resume(),
      log,
    });
    this.#followers = new Followers({
      engine,
      onLines: (channel, lines) => this.#takeLines(channel, lines),
      onEnd: (channel, end) => this.#endStream(channel, end),
      clock,
      random,
      log,
    });
  }

  /** Shows an agent message to whoever listens, and keeps it in the history. */
  say(channel: string, text: string): void {
    const { history, outlet } = this.#channel(normalizeChannel(channel));
    history.push(text, "AGENT");
    outlet.addMessage({ type: "build", chunk: text });
  }

  /** Makes viewers forget what they show. */
  clearViewer(channel: string): void {
    this.#channel(normalizeChannel(channel)).outlet.addMessage({ type: "build", chunk: clearToken });
  }

  /** Empties the history of an app, in memory and stored. */
  clearHistory(id: AppId, channel: string): void {
    this.#channels.get(normalizeChannel(channel))?.history.clear();
    this.#tryStore("clear", channel, () => clearLogHistory(this.#parts.database, id));
  }

  /**
   * Follows the log of a container until it ends. A channel that is followed already keeps its follower, which looks once more
   * before it ends; the same container goes on where it was left, a new one is read from its first line. `known` spares a look at it.
   */
  follow(channel: string, containerName: string, known?: FollowedContainer): void {
    const name = normalizeChannel(channel);
    this.#watch(name);
    this.#followers.follow(name, containerName, known);
  }

  /** The container of the channel was removed: what is left of its log is read for two seconds at most. */
  leave(channel: string): void {
    this.#followers.leave(normalizeChannel(channel));
  }

  /** Opens the channel for the lines of a pull, push or build. */
  openFeed(channel: string): Feed {
    const name = normalizeChannel(channel);
    this.#watch(name);
    const { history, outlet } = this.#channel(name);
    let isEnded = false;
    const push = (line: string) => {
      if (isEnded) return;
      history.push(line, "CONTAINER");
      outlet.addLine(line);
    };
    const end = async () => {
      if (isEnded) return;
      isEnded = true;
      await outlet.flush(flushLimitMs);
      this.#store(name);
    };
    return { push, end };
  }

  /** Shows the log of a container that has exited already. Resolves when it was read, after 10 s, or when `signal` ends. */
  async showExited(channel: string, containerName: string, signal: AbortSignal): Promise<void> {
    this.follow(channel, containerName);
    const name = normalizeChannel(channel);
    try {
      await within(readLimitMs, () => this.#followers.ended(name), { what: "Reading the log of a container", signal });
    } catch {
      // It is read in the background then; a transition does not wait longer for a log.
    }
  }

  /** Removes an app's channel: its follower, what is remembered and what is stored. Messages on their way are still sent. */
  forget(id: AppId, channel: string): void {
    const name = normalizeChannel(channel);
    this.#followers.forget(name);
    this.#gate.forget(name);
    const outlet = this.#channels.get(name)?.outlet;
    this.#channels.delete(name);
    if (outlet !== undefined) this.#tasks.add(outlet.flush(readLimitMs).then(() => outlet.end()));
    this.#tryStore("delete", channel, () => deleteLogHistory(this.#parts.database, id));
  }

  /**
   * To be called after every connect: learns who listens, sends what waited, and follows the containers of `channels` that are
   * not followed yet (a channel has the name of its container). Throws when the router's events cannot be subscribed; all else
   * is done then all the same, and the call can be repeated.
   */
  async attach(session: MetaSession, channels: readonly string[]): Promise<void> {
    try {
      await this.#gate.attach(session);
    } finally {
      this.revive(channels);
      for (const { channel, chunk, rowId } of this.#kept.takeOver()) {
        this.#channel(channel).outlet.restore(chunk, rowId);
      }
      for (const { outlet } of this.#channels.values()) outlet.resume();
      await this.#gate.settled();
    }
  }

  /**
   * To be called when the link is lost: agent messages that left after the router was last heard (`heardMs`, monotonic) are sent again
   * after the next connect.
   */
  detach(heardMs: number | undefined): void {
    for (const { outlet } of this.#channels.values()) outlet.lose(heardMs);
  }

  /** Follows the containers of these channels that are not followed yet. */
  revive(channels: readonly string[]): void {
    for (const channel of channels) {
      const name = normalizeChannel(channel);
      if (!this.#followers.has(name)) this.follow(name, name);
    }
  }

  /**
   * The last lines of a channel, oldest first: what is in memory, else what is stored; when the app itself has said nothing in it,
   * the last 50 lines of its container are added. At most 1 MiB of each. Throws `bad_request` ("invalid container name") when the
   * name has to be understood and cannot.
   */
  async readHistory(channel: string, signal: AbortSignal): Promise<string[]> {
    const name = normalizeChannel(channel);
    const history = this.#channels.get(name)?.history;
    if (history?.hasContainerLine) return history.texts();
    const app = parseChannel(name);
    if (app === undefined) throw new AgentError("bad_request", "invalid container name");
    const told = history?.texts() ?? [];
    const stored = told.length === 0 ? this.#readStored(app) : [];
    return stored.length > 0 ? stored : [...told, ...await this.#readLast(name, signal)];
  }

  /** Ends all followers and stores what they read. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#followers[Symbol.asyncDispose]();
    await this.#gate.settled();
    await Promise.all([...this.#channels.values()].map(({ outlet }) => outlet.end()));
    await this.#tasks.settled();
  }

  #channel(name: string): Channel {
    const found = this.#channels.get(name);
    if (found !== undefined) return found;
    const { serialNumber, publish, isConnected, waitingBytes, clock, log } = this.#parts;
    const topic = logTopic(serialNumber, name);
    const outlet = new Publisher({
      publish: (payload) => publish(topic, payload),
      gate: () => this.#gate.state(name),
      isConnected,
      isCongested: () => waitingBytes() > congestionBytes,
      shelf: {
        keep: (chunk) => this.#kept.keep({ channel: name, chunk }),
        drop: (row) => this.#kept.drop(row),
        release: (row) => this.#kept.release(row),
      },
      clock,
      log,
    });
    const made = { history: new History(), outlet };
    this.#channels.set(name, made);
    return made;
  }

  #watch(name: string): void {
    this.#channel(name);
    this.#tasks.add(this.#gate.watch(name));
  }

  #takeLines(name: string, lines: readonly LogLine[]): void {
    const channel = this.#channels.get(name);
    channel?.history.pushLines(lines);
    channel?.outlet.addLines(lines);
  }

  async #endStream(name: string, end: { containerName: string; why: FollowEnd }): Promise<void> {
    const channel = this.#channels.get(name);
    if (channel === undefined) return;
    await channel.outlet.flush(flushLimitMs);
    this.#store(name);
    if (end.why === "canceled" || channel.history.hasContainerLine) return;
    // No follower saw the end of a very short life: it is shown whoever listens.
    for (const line of await this.#readLast(end.containerName)) channel.outlet.addMessage(line);
  }

  async #readLast(containerName: string, signal?: AbortSignal): Promise<string[]> {
    const { engine, log } = this.#parts;
    const read = async (limit: AbortSignal) => {
      const seen = await engine.inspect(containerName, limit);
      if (seen === undefined) return [];
      return await engine.readLogs(seen.id, { tail: catchUpLines, tty: seen.tty, signal: limit });
    };
    try {
      const lines = await within(readLimitMs, read, { what: "Reading the last lines of a container", signal });
      return trimFront(lines, historyBytes).lines;
    } catch (error) {
      log.debug("Cannot read the last lines of a container", { container: containerName, error });
      return [];
    }
  }

  #readStored(app: NamedApp): string[] {
    const { database, log } = this.#parts;
    try {
      const lines = readApp(database, app.id) === undefined ? [] : readLogHistory(database, app.id) ?? [];
      return trimFront(lines, historyBytes).lines;
    } catch (error) {
      log.warn("Cannot read the stored log history", { app: app.appName, error });
      return [];
    }
  }

  #store(name: string): void {
    const history = this.#channels.get(name)?.history;
    const app = parseChannel(name);
    // Nothing was read: what an earlier life of the agent stored is worth more.
    if (history === undefined || history.size === 0 || app === undefined) return;
    this.#tryStore("write", name, () => writeLogHistory(this.#parts.database, app, { lines: history.texts() }));
  }

  #tryStore(what: string, channel: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#parts.log.warn(`Cannot ${what} the log history of an app`, { channel, error });
    }
  }
}
