/** Keeps a session open forever: dials, restores the session after a loss, and knows which failures are final. */

import { AgentError, textOf } from "../base/errors.ts";
import type { DialOutcome } from "./dial.ts";
import { RouterDialer, type RouterDialerOptions } from "./router_dialer.ts";
import type { InvocationHandler } from "./invocations.ts";
import type { CallOptions, CallReply, PublishOptions } from "./session.ts";
import type { Registration, Session, Subscription, WireEvent } from "./session.ts";
import { type OnSession, SessionRuns } from "./session_runs.ts";
import { trustSystemCertificates } from "./tls.ts";
import type { Wire } from "./wire.ts";

/** Why a link has ended for good. `duplicate`: another client with the same identity holds the connection marker. */
export type LinkEnd =
  | { kind: "stopped" }
  | { kind: "authRejected" }
  | { kind: "duplicate" }
  | { kind: "testamentRefused" };

/** How to dial, and what to do on every new session. */
export interface LinkOptions extends RouterDialerOptions {
  onSession: OnSession;
}

const duplicateLimit = 8;
const duplicateWaitMs = 1_000;
const reconnectFarewellMs = 1_000;

/** Invariants: at most one socket is open or being opened; at most one run of `onSession` is active. */
export class Link implements Wire {
  readonly #options: LinkOptions;
  readonly #dialer: RouterDialer;
  readonly #runs: SessionRuns;
  readonly #stop = new AbortController();
  readonly #ended = Promise.withResolvers<LinkEnd>();
  #session: Session | undefined;
  #loop: Promise<void> | undefined;
  #lastTrafficMs: number | undefined;
  #sinceMs: number | undefined;
  #duplicates = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#dialer = new RouterDialer(options);
    this.#runs = new SessionRuns({ work: options.onSession, clock: options.clock, log: options.log });
  }

  /** Resolves when the link has ended for good and its socket is closed. Never rejects. */
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
   * When the last bytes from the router arrived in a session, pongs included; monotonic ms of the clock. Undefined
   * before the first session; between two sessions it is the time of the older one.
   */
  lastTrafficAt(): number | undefined {
    return this.#session?.lastHeardMs ?? this.#lastTrafficMs;
  }

  /** When the session began; monotonic ms of the clock. Undefined while there is none. */
  connectedAt(): number | undefined {
    return this.isConnected ? this.#sinceMs : undefined;
  }

  /** Bytes that wait to be sent; 0 while there is no session. */
  waitingBytes(): number {
    return this.#session?.waitingBytes ?? 0;
  }

  /** Begins to dial. Does nothing when it has begun already or was stopped. */
  start(): void {
    if (this.#loop !== undefined || this.#stop.signal.aborted) return;
    trustSystemCertificates(Deno.env);
    this.#loop = this.#run().then(
      (end) => this.#ended.resolve(end),
      (error) => {
        this.#options.log.error("The connection loop failed", { error });
        this.#ended.resolve({ kind: "stopped" });
      },
    );
  }

  /** Ends the link for good: within two seconds during a dial, otherwise after a farewell of a few seconds at most. */
  async stop(): Promise<void> {
    this.#stop.abort();
    if (this.#loop === undefined) this.#ended.resolve({ kind: "stopped" });
    await this.#loop;
  }

  /** Closes the session, if there is one, and dials at once. `reason` goes to the log. */
  reconnect(reason: string): void {
    this.#options.log.info("Reconnecting", { reason });
    this.#dialer.dialNow();
    this.#session?.close({ waitMs: reconnectFarewellMs }).catch((error) => {
      this.#options.log.warn("Cannot leave the old session cleanly", { error: textOf(error) });
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
    const { signal } = this.#stop;
    let end: LinkEnd | undefined;
    while (end === undefined && !signal.aborted) end = await this.#handle(await this.#dialer.next(signal));
    await this.#runs.end();
    return end ?? { kind: "stopped" };
  }

  /** Returns the end when the outcome is final. */
  async #handle(outcome: DialOutcome): Promise<LinkEnd | undefined> {
    switch (outcome.kind) {
      case "connected":
        await this.#serve(outcome.session);
        return undefined;
      case "failed":
        return undefined;
      case "duplicate":
        return await this.#onDuplicate();
      case "authRejected":
        this.#options.log.error("The router rejects the secret", { error: outcome.text });
        return { kind: "authRejected" };
      case "testamentRefused":
        this.#options.log.error("The router refuses the testament", { error: outcome.text });
        return { kind: "testamentRefused" };
    }
  }

  /** Makes the session the current one until it ends. */
  async #serve(session: Session): Promise<void> {
    const { clock, log } = this.#options;
    const sinceMs = clock.now();
    this.#session = session;
    this.#sinceMs = sinceMs;
    this.#duplicates = 0;
    log.info("Connected", { sessionId: session.id });
    this.#runs.begin(session);
    const onStop = () => {
      session.close().catch((error) => log.warn("Cannot leave the session cleanly", { error: textOf(error) }));
    };
    this.#stop.signal.addEventListener("abort", onStop, { once: true });
    if (this.#stop.signal.aborted) onStop();
    const end = await session.closed;
    this.#stop.signal.removeEventListener("abort", onStop);
    this.#lastTrafficMs = session.lastHeardMs;
    this.#session = undefined;
    log.info("Disconnected", { ...end, afterMs: Math.round(clock.now() - sinceMs) });
    this.#dialer.onSessionEnd(clock.now() - sinceMs);
  }

  async #onDuplicate(): Promise<LinkEnd | undefined> {
    this.#duplicates += 1;
    this.#options.log.warn("Another client is connected under this identity", { count: this.#duplicates });
    if (this.#duplicates >= duplicateLimit) return { kind: "duplicate" };
    await this.#dialer.wait(duplicateWaitMs, this.#stop.signal);
    return undefined;
  }
}
