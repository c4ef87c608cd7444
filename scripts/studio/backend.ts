/** The Studio's backend on a router: joins as `system`, answers and observes devices, and rejoins when it must. */

import { systemClock } from "../../lib/async/clock.ts";
import { throwIfAborted } from "../../lib/async/deadline.ts";
import { AgentError, isCanceled, textOf } from "../../lib/base/errors.ts";
import type { Log } from "../../lib/base/log.ts";
import type { InvocationHandler } from "../../lib/wamp/invocations.ts";
import type { CallOptions, CallReply, Session, WireEvent } from "../../lib/wamp/session.ts";
import { testamentTopic } from "../../lib/backend/uris.ts";
import { openSession, type RouterLogin } from "./open_session.ts";
import { deviceByAuthid, markDisconnected } from "./devices.ts";
import { deviceProcedures, type ProcedureDeps, readTestament } from "./procedures.ts";

/** How a backend is started. */
export interface BackendOptions {
  deps: ProcedureDeps;
  /** A user of any router who may do everything. */
  login: RouterLogin;
  log: Log;
}

interface Subscriber {
  topic: string;
  handler(event: WireEvent): void;
  /** The subscription of the current session. */
  subscription?: { unsubscribe(): Promise<void> };
}

const rejoinMs = 200;

/**
 * A joined backend.
 * - When it loses its session it tries to join five times a second, until it is disposed.
 * - Procedures and subscriptions are restored in each session.
 */
export class StudioBackend implements AsyncDisposable {
  readonly #options: BackendOptions;
  readonly #stop = new AbortController();
  readonly #subscribers = new Set<Subscriber>();
  readonly #procedures = new Map<string, InvocationHandler>();
  #session: Session | undefined;
  #loop: Promise<void> = Promise.resolve();

  private constructor(options: BackendOptions) {
    this.#options = options;
    for (const [uri, procedure] of Object.entries(deviceProcedures)) {
      this.#procedures.set(uri, (call) => Promise.resolve().then(() => procedure(options.deps, call)));
    }
    this.#subscribers.add({ topic: testamentTopic, handler: (event) => this.#onTestament(event) });
  }

  /** Joins and registers. Throws what `openSession` throws. */
  static async start(options: BackendOptions): Promise<StudioBackend> {
    const backend = new StudioBackend(options);
    await backend.#join();
    backend.#loop = backend.#stayJoined();
    return backend;
  }

  /** True while devices can reach it. */
  get isJoined(): boolean {
    return this.#session?.isOpen ?? false;
  }

  /** Calls as `system`. Throws `not_connected` while the backend is not joined. */
  async call(procedure: string, args: unknown[] = [], options: CallOptions = {}): Promise<CallReply> {
    return await this.#open().call(procedure, args, options);
  }

  /** Publishes as `system`; does nothing while the backend is not joined. */
  async publish(topic: string, args: unknown[]): Promise<void> {
    if (this.isJoined) await this.#open().publish(topic, args);
  }

  /** Registers more procedures, by URI, until it is disposed. */
  async serve(procedures: Readonly<Record<string, InvocationHandler>>): Promise<void> {
    const session = this.#open();
    for (const [uri, handler] of Object.entries(procedures)) {
      this.#procedures.set(uri, handler);
      await session.register(uri, handler, { forceReregister: true });
    }
  }

  /** Subscribes to a topic, in all sessions, until the subscription is disposed. */
  async subscribe(topic: string, handler: (event: WireEvent) => void): Promise<AsyncDisposable> {
    const subscriber: Subscriber = { topic, handler };
    const session = this.#open();
    this.#subscribers.add(subscriber);
    await this.#subscribe(session, subscriber);
    return {
      [Symbol.asyncDispose]: async () => {
        this.#subscribers.delete(subscriber);
        // Each session has a subscription of its own.
        await subscriber.subscription?.unsubscribe();
      },
    };
  }

  /** Leaves the router. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#session?.close();
    await this.#loop;
  }

  #open(): Session {
    if (this.#session?.isOpen) return this.#session;
    throw new AgentError("not_connected", "The Studio is not connected to the router");
  }

  async #join(): Promise<void> {
    const { login, log } = this.#options;
    const session = await openSession(login, { signal: this.#stop.signal, log });
    try {
      const procedures = [...this.#procedures].map(([uri, handler]) => {
        return session.register(uri, handler, { forceReregister: true });
      });
      const topics = [...this.#subscribers].map((subscriber) => this.#subscribe(session, subscriber));
      await Promise.all([...procedures, ...topics]);
      throwIfAborted(this.#stop.signal, "Joining");
    } catch (error) {
      await session.close();
      throw error;
    }
    this.#session = session;
  }

  async #subscribe(session: Session, subscriber: Subscriber): Promise<void> {
    subscriber.subscription = await session.subscribe(subscriber.topic, (event) => this.#deliver(subscriber, event));
    // It may have been disposed in the meantime.
    if (!this.#subscribers.has(subscriber)) await subscriber.subscription.unsubscribe();
  }

  /** Events may still arrive after a subscription was disposed. */
  #deliver(subscriber: Subscriber, event: WireEvent): void {
    if (this.#subscribers.has(subscriber)) subscriber.handler(event);
  }

  async #stayJoined(): Promise<void> {
    while (true) {
      const closed = await this.#session?.closed;
      if (this.#stop.signal.aborted) return;
      this.#options.log.warn("Lost the router", { closed });
      if (!await this.#rejoin()) return;
      this.#options.log.info("Joined the router again");
    }
  }

  async #rejoin(): Promise<boolean> {
    while (true) {
      try {
        await systemClock.sleep(rejoinMs, this.#stop.signal);
        await this.#join();
        return true;
      } catch (error) {
        if (this.#stop.signal.aborted) return false;
        if (!isCanceled(error)) this.#options.log.debug("Cannot join the router", { error: textOf(error) });
      }
    }
  }

  #onTestament(event: WireEvent): void {
    const { deps, log } = this.#options;
    const testament = readTestament(event.args);
    if (testament === undefined) return log.warn("Cannot read a testament", { args: event.args });
    // Everybody who may leave one could name another device in it.
    const { publisherAuthid } = event;
    const author = deviceByAuthid(deps.store, publisherAuthid);
    if (author?.deviceKey !== testament.deviceKey) return log.warn("Ignored a foreign testament", { publisherAuthid });
    if (markDisconnected(deps.store, testament)) deps.onChange();
  }
}
