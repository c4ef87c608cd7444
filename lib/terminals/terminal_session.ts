/** One terminal: a shell, its topics, and the viewer it belongs to. */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { foreignLines, LineQuota } from "../async/line_quota.ts";
import { AgentError, hasCode, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { TerminalSize } from "../docker/exec.ts";
import type { Invocation, Reply } from "../wamp/invocations.ts";
import type { WireEvent } from "../wamp/session.ts";
import type { Wire } from "../wamp/wire.ts";
import { foreignTerminalText, mayType, mayUse, outputOptions } from "./audience.ts";
import { Gate } from "./gate.ts";
import { InputQueue } from "./input_queue.ts";
import { endOfOutput, OutputPump } from "./output_pump.ts";
import { Resizer } from "./resizer.ts";
import type { Shell } from "./shell.ts";

/** What a caller learns of a terminal. */
export interface TerminalTopics {
  sessionID: string;
  writeTopic: string;
  dataTopic: string;
  resizeTopic: string;
}

/** How the two kinds of terminals differ on the wire. */
export interface TerminalKind {
  name: "container" | "device";
  /** What goes onto the data topic for bytes of the shell. */
  encode(bytes: Uint8Array): string;
  /** How many of the first bytes may make a message of their own. */
  messageEnd(bytes: Uint8Array): number;
  /** Reads the arguments of a change of the size. Undefined for a size that is ignored. */
  readSize(args: readonly unknown[]): TerminalSize | undefined;
  /** The answer to a change of the size after the end. */
  endedText: string;
  /** How long it goes on while nobody is subscribed to its output. */
  unwatchedMs: number;
}

/** Why a terminal has ended, for the log. */
export type TerminalEnd = "shell ended" | "stopped" | "never started" | "nobody watches" | "agent ends";

/** What a terminal works with. */
export interface TerminalDeps {
  wire: Pick<Wire, "publish" | "subscribe" | "register">;
  /** The caller whose rights count; see `effectiveCaller()`. */
  callerOf(invocation: Invocation): string | undefined;
  /** The ids of all subscriptions that match a topic. */
  match(topic: string, signal?: AbortSignal): Promise<number[]>;
  /** When the router was last heard; monotonic ms. */
  lastTrafficAt(): number | undefined;
  clock: Clock;
  log: Log;
}

/** One terminal and its owner. */
export interface TerminalOptions {
  kind: TerminalKind;
  topics: TerminalTopics;
  owner: string;
  /** The container; for the log. */
  container?: string;
  shell: Shell;
}

/** How long the end of a terminal waits for the router, while there is a connection. */
const farewellLimitMs = 5_000;

/** How long the last output of a shell is kept while there is no connection. */
const lastOutputLimitMs = 600_000;

/** After a connect, a viewer that has to connect as well gets this long before output is sent to nobody. */
export const audienceLimitMs = 60_000;
const audiencePollMs = { first: 50, limit: 1_000 };
const watchedLimitMs = 10_000;

/** Invariants: it ends once; its topics are there on at most one connection; nobody else's input reaches the shell. */
export class TerminalSession {
  readonly #deps: TerminalDeps;
  readonly #options: TerminalOptions;
  readonly #gate = new Gate();
  readonly #pump: OutputPump;
  readonly #input: InputQueue;
  readonly #resizer: Resizer;
  readonly #life = new AbortController();
  readonly #quota: LineQuota;
  readonly #openedAt: number;
  #connection: AbortSignal | undefined;
  #topicEnds: (() => Promise<void>)[] = [];
  #sending: Promise<void> | undefined;
  #end: TerminalEnd | undefined;
  #ended: Promise<void> | undefined;
  /** Called when the shell is gone, or is about to be ended. */
  onEnd: () => void = () => {};
  /** Called when nothing of it is left. */
  onForgotten: () => void = () => {};

  constructor(options: TerminalOptions, deps: TerminalDeps) {
    this.#deps = deps;
    this.#options = options;
    this.#openedAt = deps.clock.now();
    this.#quota = new LineQuota(foreignLines, deps.clock);
    const { shell, kind } = options;
    this.#pump = new OutputPump({
      read: () => shell.read(),
      messageEnd: (bytes) => kind.messageEnd(bytes),
      isOpen: () => this.#gate.isOpen,
      untilOpen: () => this.#gate.wait(),
      publish: (message) => this.#publish(message),
      onLost: (error) => this.#warn("Output of a terminal is lost", { error: textOf(error) }),
      clock: deps.clock,
    });
    this.#input = new InputQueue({
      write: (bytes) => shell.write(bytes),
      onDropped: (bytes) => this.#warn("Input of a terminal is dropped", { bytes }),
    });
    this.#resizer = new Resizer((size) => shell.resize(size, this.#life.signal));
    this.#deps.log.info("A terminal was opened", this.#fields());
  }

  get topics(): TerminalTopics {
    return this.#options.topics;
  }

  get kind(): TerminalKind["name"] {
    return this.#options.kind.name;
  }

  get owner(): string {
    return this.#options.owner;
  }

  /** True once its output is on the way to the viewer. */
  get isStarted(): boolean {
    return this.#sending !== undefined;
  }

  get isEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Aborted when nothing of it is left. */
  get endSignal(): AbortSignal {
    return this.#life.signal;
  }

  /** Throws `denied` for a caller whose terminal it is not. */
  assertUsableBy(caller: string | undefined): void {
    if (!mayUse(this.owner, caller)) throw new AgentError("denied", foreignTerminalText);
  }

  /** Begins to pass on output. A second call does nothing. */
  start(): void {
    if (this.#sending !== undefined || this.isEnded) return;
    this.#send();
    this.#pump.read().then(() => this.end("shell ended")).catch((error) => {
      this.#warn("Cannot end a terminal", { error: textOf(error) });
    });
  }

  /**
   * Takes input and sizes on this connection, which ends with `signal`, and sends output over it as soon as somebody is
   * subscribed. A second call for a connection does nothing. Throws what the router refuses; it can be repeated.
   */
  async attach(signal: AbortSignal): Promise<void> {
    if (this.isEnded && this.#end !== "shell ended") return;
    if (this.#connection === signal || signal.aborted) return;
    this.#connection = signal;
    signal.addEventListener("abort", () => this.#detach(signal), { once: true });
    try {
      await this.#addTopics(signal);
    } catch (error) {
      if (this.#connection === signal) this.#connection = undefined;
      throw error;
    }
    this.#openGate(signal).catch((error) => this.#warn("Cannot send output of a terminal", { error: textOf(error) }));
  }

  /** Ends the shell, reports the end, and removes the topics. Resolves when that is done. Further calls wait for it. */
  async end(why: TerminalEnd): Promise<void> {
    this.#ended ??= this.#finish(why);
    await this.#ended;
  }

  #send(): Promise<void> {
    this.#sending ??= this.#pump.send();
    // Given up with the gate: there is nobody left to send to.
    this.#sending.catch(() => {});
    return this.#sending;
  }

  async #finish(why: TerminalEnd): Promise<void> {
    const { clock, log } = this.#deps;
    this.#end = why;
    this.onEnd();
    this.#input.end();
    await this.#options.shell.end();
    const durationMs = Math.round(clock.now() - this.#openedAt);
    log.info("A terminal has ended", { ...this.#fields(), why, durationMs });
    await this.#sayGoodbye(why);
    this.#gate.giveUp();
    this.#pump.wake();
    this.#life.abort();
    await this.#removeTopics();
    this.onForgotten();
  }

  /** Sends the end, behind what a shell that has ended by itself has printed last: that waits for a connection. */
  async #sayGoodbye(why: TerminalEnd): Promise<void> {
    const isLate = why === "shell ended";
    if (!isLate) {
      this.#pump.discard();
      this.#gate.open();
    }
    try {
      const limitMs = isLate ? lastOutputLimitMs : farewellLimitMs;
      await within(limitMs, async () => await this.#send(), { what: "The end of a terminal" });
    } catch (error) {
      this.#deps.log.debug("The end of a terminal did not reach the router", { ...this.#fields(), error });
    }
  }

  #detach(signal: AbortSignal): void {
    if (this.#connection !== signal) return;
    this.#connection = undefined;
    this.#topicEnds = [];
    this.#gate.close();
    this.#pump.wake();
  }

  async #addTopics(signal: AbortSignal): Promise<void> {
    const { wire } = this.#deps;
    const { writeTopic, resizeTopic } = this.topics;
    const made = await Promise.allSettled([
      wire.subscribe(writeTopic, (event) => this.#onInput(event)).then((it) => () => it.unsubscribe()),
      wire.register(resizeTopic, (invocation) => this.#onResize(invocation), { forceReregister: true })
        .then((it) => () => it.unregister()),
    ]);
    if (signal.aborted) return;
    this.#topicEnds = made.flatMap((result) => result.status === "fulfilled" ? [result.value] : []);
    const failed = made.find((result) => result.status === "rejected");
    if (failed === undefined && !this.#life.signal.aborted) return;
    await this.#removeTopics();
    if (failed !== undefined) throw failed.reason;
  }

  async #removeTopics(): Promise<void> {
    const ends = this.#topicEnds;
    this.#topicEnds = [];
    for (const result of await Promise.allSettled(ends.map((end) => end()))) {
      if (result.status === "rejected") this.#deps.log.debug("Cannot end a topic", { error: result.reason });
    }
  }

  /** Opens the gate once somebody is subscribed, or after a minute. */
  async #openGate(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    const until = clock.now() + audienceLimitMs;
    for (
      let pauseMs = audiencePollMs.first;
      clock.now() < until;
      pauseMs = Math.min(2 * pauseMs, audiencePollMs.limit)
    ) {
      if (signal.aborted || this.#life.signal.aborted) return;
      if (await this.isWatched() !== "no") break;
      await clock.sleep(pauseMs, AbortSignal.any([signal, this.#life.signal])).catch(() => {});
    }
    if (signal.aborted || this.#life.signal.aborted) return;
    this.#gate.open();
    this.#pump.wake();
  }

  /** Whether anybody is subscribed to the output; `unknown` when the router does not say. */
  async isWatched(): Promise<"yes" | "no" | "unknown"> {
    const what = "Querying the subscriptions of a terminal";
    try {
      const ids = await within(watchedLimitMs, (signal) => this.#deps.match(this.topics.dataTopic, signal), { what });
      return ids.length > 0 ? "yes" : "no";
    } catch {
      return "unknown";
    }
  }

  async #publish(message: Uint8Array | typeof endOfOutput): Promise<void> {
    const { wire, clock, lastTrafficAt } = this.#deps;
    const { kind, owner } = this.#options;
    const bytes = message === endOfOutput ? new TextEncoder().encode("TERMINAL_EOF") : message;
    const connection = this.#connection;
    try {
      await wire.publish(this.topics.dataTopic, [kind.encode(bytes)], outputOptions(owner));
    } catch (error) {
      if (hasCode(error, "not_connected")) this.#gate.close();
      if (!hasCode(error, "timeout") || connection === undefined) throw error;
      // What a router has not confirmed arrives all the same, unless the link is dead: what it sends later tells.
      const sinceMs = clock.now();
      while ((lastTrafficAt() ?? 0) <= sinceMs && !connection.aborted) {
        await clock.sleep(100, this.#life.signal);
      }
      if (connection.aborted) throw new AgentError("not_connected", "not connected");
    }
  }

  #onInput({ args, publisherAuthid }: WireEvent): void {
    if (this.isEnded) return;
    if (!mayType(this.owner, publisherAuthid)) {
      return this.#warn("Somebody else has typed into a terminal", { publisher: publisherAuthid?.slice(0, 100) });
    }
    const [text] = args;
    if (typeof text === "string") return this.#input.push(text);
    this.#warn("Input of a terminal is not text", {});
  }

  async #onResize(invocation: Invocation): Promise<Reply> {
    this.assertUsableBy(this.#deps.callerOf(invocation));
    const { kind } = this.#options;
    const size = kind.readSize(invocation.args);
    if (this.isEnded) throw new AgentError("bad_request", kind.endedText);
    if (size !== undefined) await this.#resizer.set(size);
    return {};
  }

  #warn(message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#quota.run((omitted) => this.#deps.log.warn(message, { ...this.#fields(), ...fields, ...omitted }));
  }

  #fields(): Readonly<Record<string, unknown>> {
    const { kind, topics, owner, container } = this.#options;
    return {
      kind: kind.name,
      session: topics.sessionID,
      owner: owner.slice(0, 100),
      ...(container === undefined ? {} : { container }),
    };
  }
}
