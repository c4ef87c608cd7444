/** Keeps a session up for ever: dials, waits between dials, restores after a loss, and knows which failures are final. */

import { redialWaitMs } from "../async/backoff.ts";
import type { Clock } from "../async/clock.ts";
import { AgentError, hasCode, isCanceled, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { ConnectTimeout } from "./connect_timeout.ts";
import { dial, type DialOutcome, type LinkIdentity, type Testament } from "./dial.ts";
import type { ConnectionMarker } from "./marker.ts";
import { type ProxySettings, readProxySettings } from "./proxy.ts";
import type { InvocationHandler } from "./invocations.ts";
import type { CallOptions, CallReply, PublishOptions } from "./session.ts";
import type { Registration, Session, Subscription, WireEvent } from "./session.ts";
import { type OnSession, SessionRuns } from "./session_runs.ts";
import { trustSystemCertificates } from "./tls.ts";
import type { Trace } from "./transport.ts";
import type { Wire } from "./wire.ts";

/** Why a link ended for good. */
export type LinkEnd =
  | { kind: "stopped" }
  | { kind: "authRejected" }
  | { kind: "duplicate" }
  | { kind: "testamentRefused" };

/** What a link needs. */
export interface LinkOptions {
  /** Read again for every dial, so that a changed project or endpoint takes effect. */
  identity(): LinkIdentity;
  marker: ConnectionMarker;
  testament(sessionId: number): Testament;
  /**
   * All in milliseconds. `connectMs` is the first bound of a dial and grows while dials time out (0: two minutes);
   * `pingMs` 0 sends no pings; `responseMs` 0 stands for 5000; `askMs` is how long another holder of the marker may
   * take to show that it lives, 3000 when absent.
   */
  timeouts: { connectMs: number; pingMs: number; responseMs: number; askMs?: number };
  onSession: OnSession;
  log: Log;
  clock: Clock;
  /** Gives 0 ≤ x < 1. */
  random(): number;
  /** Changes of the machine's own network; listened to only while there is no session. */
  networkChanges?(signal: AbortSignal): AsyncIterable<void>;
  /** Read from the environment when absent. */
  proxies?: ProxySettings;
  trace?: Trace;
}

const duplicateLimit = 8;
const duplicateWaitMs = 1_000;
const standardResponseMs = 5_000;
const standardAskMs = 3_000;
// A session that ends sooner did not work: the next dial then waits longer, so that a router which throws us out at
// once, or two devices that displace each other, do not dial in a tight loop.
const workingSessionMs = 5_000;
const reconnectFarewellMs = 1_000;
// A dial that has been connecting for this long is begun anew when the network changes below it.
const staleDialMs = 2_000;

/** Invariants: at most one socket is open or being opened; at most one run of `onSession` is alive. */
export class Link implements Wire {
  readonly #options: LinkOptions;
  readonly #proxies: ProxySettings;
  readonly #runs: SessionRuns;
  readonly #bound: ConnectTimeout;
  readonly #stop = new AbortController();
  readonly #ended = Promise.withResolvers<LinkEnd>();
  #session: Session | undefined;
  #loop: Promise<void> | undefined;
  #hurry = new AbortController();
  #dialing: { sinceMs: number; connect: AbortController } | undefined;
  #hasConnected = false;
  #lastTrafficMs: number | undefined;
  #duplicates = 0;
  #attempt = 0;
  #shortSessions = 0;
  #awaySinceMs = 0;
  #dialTookMs = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#proxies = options.proxies ?? readProxySettings(Deno.env);
    this.#runs = new SessionRuns({ work: options.onSession, clock: options.clock, log: options.log });
    this.#bound = new ConnectTimeout(options.timeouts.connectMs);
  }

  /** Resolves when the link has ended for good, with its socket closed. Never rejects. */
  get ended(): Promise<LinkEnd> {
    return this.#ended.promise;
  }

  get isConnected(): boolean {
    return this.#session?.isOpen ?? false;
  }

  get sessionId(): number {
    return this.isConnected ? this.#session?.id ?? 0 : 0;
  }

  /**
   * When anything at all last came in from the router in a session, pongs included; monotonic ms of the clock. Undefined
   * before the first session; between two it stays at the end of the older one.
   */
  lastTrafficAt(): number | undefined {
    return this.#session?.lastHeardMs ?? this.#lastTrafficMs;
  }

  /** Bytes that wait to be sent; 0 while there is no session. */
  waitingBytes(): number {
    return this.#session?.waitingBytes ?? 0;
  }

  /** Begins to dial. Does nothing when it has begun or was stopped. */
  start(): void {
    if (this.#loop !== undefined || this.#stop.signal.aborted) return;
    trustSystemCertificates(Deno.env);
    this.#awaySinceMs = this.#options.clock.now();
    this.#loop = this.#run().then(
      (end) => this.#ended.resolve(end),
      (error) => {
        this.#options.log.error("The connection loop failed", { error });
        this.#ended.resolve({ kind: "stopped" });
      },
    );
  }

  /** Leaves for good: within two seconds while dialling, else after a farewell of a few seconds at most. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#hurry.abort();
    if (this.#loop === undefined) this.#ended.resolve({ kind: "stopped" });
    await this.#loop;
  }

  /** Closes the session that is up, so that a new one is dialled at once. `reason` goes to the log. */
  reconnect(reason: string): void {
    this.#options.log.info("Reconnecting", { reason });
    this.#hurry.abort();
    this.#session?.close({ waitMs: reconnectFarewellMs }).catch((error) => {
      this.#options.log.warn("Cannot leave the old session in order", { error: textOf(error) });
    });
  }

  async call(procedure: string, args?: unknown[], options?: CallOptions): Promise<CallReply> {
    return await this.#current().call(procedure, args, options);
  }

  async publish(topic: string, args: unknown[], options?: PublishOptions): Promise<void> {
    await this.#current().publish(topic, args, options);
  }

  async subscribe(topic: string, handler: (event: WireEvent) => void): Promise<Subscription> {
    return await this.#current().subscribe(topic, handler);
  }

  async register(
    procedure: string,
    handler: InvocationHandler,
    options?: { forceReregister?: boolean },
  ): Promise<Registration> {
    return await this.#current().register(procedure, handler, options);
  }

  #current(): Session {
    if (this.#session === undefined) throw new AgentError("not_connected", "not connected");
    return this.#session;
  }

  async #run(): Promise<LinkEnd> {
    while (!this.#stop.signal.aborted) {
      const outcome = await this.#reach();
      const end = await this.#handle(outcome);
      if (end === undefined) continue;
      await this.#runs.end();
      return end;
    }
    await this.#runs.end();
    return { kind: "stopped" };
  }

  /** Waits for the time of the next dial and dials, with an ear to the network. */
  async #reach(): Promise<DialOutcome> {
    const listening = new AbortController();
    const listener = this.#listenToNetwork(AbortSignal.any([listening.signal, this.#stop.signal]));
    try {
      const { clock, random } = this.#options;
      // From the start of the last dial: on a dead network it was one long wait already.
      await this.#pause(
        redialWaitMs(this.#attempt, { awayMs: clock.now() - this.#awaySinceMs, random: random() }) - this.#dialTookMs,
      );
      return await this.#dial();
    } finally {
      listening.abort();
      await listener;
    }
  }

  async #dial(): Promise<DialOutcome> {
    const { timeouts, clock } = this.#options;
    const dialing = { sinceMs: clock.now(), connect: new AbortController() };
    this.#dialing = dialing;
    try {
      return await dial({
        ...this.#options,
        identity: this.#options.identity(),
        testament: (sessionId) => this.#options.testament(sessionId),
        connectMs: this.#bound.ms,
        pingMs: timeouts.pingMs,
        responseMs: timeouts.responseMs || standardResponseMs,
        askMs: timeouts.askMs ?? standardAskMs,
        isFirst: !this.#hasConnected,
        proxies: this.#proxies,
        signal: this.#stop.signal,
        connectSignal: dialing.connect.signal,
      });
    } catch (error) {
      // Whatever a callback of ours throws must not end the loop: the device would be lost.
      return { kind: "failed", error, hasConnectTimedOut: false };
    } finally {
      this.#dialing = undefined;
      this.#dialTookMs = clock.now() - dialing.sinceMs;
    }
  }

  /** Gives the end when the outcome is final. */
  async #handle(outcome: DialOutcome): Promise<LinkEnd | undefined> {
    switch (outcome.kind) {
      case "connected":
        this.#bound.onConnected(outcome.connectedInMs);
        await this.#serve(outcome.session);
        return undefined;
      case "failed":
        this.#onFailed(outcome);
        return undefined;
      case "duplicate":
        return await this.#onDuplicate();
      case "authRejected":
        this.#options.log.error("The router rejects the device's secret", { error: outcome.text });
        return { kind: "authRejected" };
      case "testamentRefused":
        this.#options.log.error("The router refuses the testament", { error: outcome.text });
        return { kind: "testamentRefused" };
    }
  }

  async #serve(session: Session): Promise<void> {
    const { clock, log } = this.#options;
    const sinceMs = clock.now();
    this.#session = session;
    this.#duplicates = 0;
    this.#hasConnected = true;
    log.info("Connected", { sessionId: session.id });
    this.#runs.begin(session);
    const onStop = () => {
      session.close().catch((error) => log.warn("Cannot leave the session in order", { error: textOf(error) }));
    };
    this.#stop.signal.addEventListener("abort", onStop, { once: true });
    if (this.#stop.signal.aborted) onStop();
    const closed = await session.closed;
    this.#stop.signal.removeEventListener("abort", onStop);
    this.#lastTrafficMs = session.lastHeardMs;
    this.#session = undefined;
    log.info("Disconnected", { ...closed, afterMs: Math.round(clock.now() - sinceMs) });
    this.#shortSessions = clock.now() - sinceMs < workingSessionMs ? this.#shortSessions + 1 : 0;
    this.#attempt = Math.max(0, this.#shortSessions - 1);
    this.#awaySinceMs = clock.now();
  }

  #onFailed(outcome: { error: unknown; hasConnectTimedOut: boolean }): void {
    if (this.#stop.signal.aborted) return;
    if (outcome.hasConnectTimedOut) this.#bound.onTimeout();
    // Canceled: the network changed below the dial, and the next one starts at once.
    if (isCanceled(outcome.error)) return void (this.#attempt = 0);
    this.#attempt += 1;
    const code = hasCode(outcome.error, "protocol_error") ? "protocol" : "dial";
    this.#options.log.warn("Cannot connect", { error: textOf(outcome.error), attempt: this.#attempt, phase: code });
  }

  async #onDuplicate(): Promise<LinkEnd | undefined> {
    this.#duplicates += 1;
    this.#options.log.warn("Another client is connected under this identity", { count: this.#duplicates });
    if (this.#duplicates >= duplicateLimit) return { kind: "duplicate" };
    this.#attempt = 0;
    await this.#pause(duplicateWaitMs);
    return undefined;
  }

  /** Waits; a change of the network, `reconnect` and `stop` cut it short. */
  async #pause(ms: number): Promise<void> {
    if (ms <= 0 || this.#stop.signal.aborted) return;
    this.#hurry = new AbortController();
    try {
      await this.#options.clock.sleep(ms, this.#hurry.signal);
    } catch (error) {
      if (!isCanceled(error)) throw error;
    }
  }

  async #listenToNetwork(signal: AbortSignal): Promise<void> {
    const { networkChanges, clock, log } = this.#options;
    if (networkChanges === undefined) return;
    try {
      for await (const _ of networkChanges(signal)) {
        log.debug("The network has changed");
        this.#attempt = 0;
        this.#hurry.abort();
        const dialing = this.#dialing;
        if (dialing !== undefined && clock.now() - dialing.sinceMs >= staleDialMs) dialing.connect.abort();
      }
    } catch (error) {
      if (!isCanceled(error)) log.warn("Cannot watch the network for changes", { error: textOf(error) });
    }
  }
}
