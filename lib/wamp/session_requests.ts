/** The requests of one session: calls, registrations, subscriptions, publications, each with a deadline. */

// @ts-types="./autobahn_shape.ts"
import * as autobahn from "autobahn/lib/session.js";
import type { Clock } from "../async/clock.ts";
import { foreignLines, LineQuota } from "../async/line_quota.ts";
import { throwIfAborted } from "../async/deadline.ts";
import { AgentError, hasCode } from "../base/errors.ts";
import { isDict } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import { type InvocationHandler, Invocations } from "./invocations.ts";
import { Payload } from "./payload.ts";
import { PendingRequests, type WaitOptions } from "./pending_requests.ts";
import type { CallOptions, CallReply, PublishOptions, Registration, Subscription, WireEvent } from "./session.ts";
import { errorUris } from "./uris.ts";

/** What the requests work with. */
export interface SessionRequestsOptions {
  isOpen(): boolean;
  /** Deadline of every answer of the router except results of calls. */
  responseMs: number;
  clock: Pick<Clock, "now">;
  log: Log;
}

const callTimeoutMs = 30_000;

/** Every method throws `not_connected` unless the session is open. */
export class SessionRequests {
  readonly #autobahn: autobahn.Session;
  readonly #options: SessionRequestsOptions;
  readonly #invocations = new Invocations();
  readonly #pending: PendingRequests;
  readonly #failedEvents: LineQuota;

  constructor(session: autobahn.Session, options: SessionRequestsOptions) {
    this.#autobahn = session;
    this.#options = options;
    this.#pending = new PendingRequests(options.log);
    this.#failedEvents = new LineQuota(foreignLines, options.clock);
  }

  async call(procedure: string, args: unknown[] = [], options: CallOptions = {}): Promise<CallReply> {
    this.#assertOpen();
    throwIfAborted(options.signal, `The call of "${procedure}"`);
    const { kwargs } = options;
    const hasPayload = args.length > 0 || kwargs !== undefined;
    const call = this.#autobahn.call(procedure, hasPayload ? args : undefined, kwargs);
    const payload = await this.#settle(call, {
      attempt: `calling remote procedure '${procedure}'`,
      timeoutMs: options.timeoutMs ?? callTimeoutMs,
      signal: options.signal,
      onGiveUp: () => call.cancel({ mode: "killnowait" }),
    });
    return payload instanceof Payload ? { args: payload.args, kwargs: payload.kwargs } : { args: [], kwargs: {} };
  }

  async register(
    procedure: string,
    handler: InvocationHandler,
    options: { forceReregister?: boolean } = {},
  ): Promise<Registration> {
    this.#assertOpen();
    const endpoint = async (args: unknown[]) => {
      const payload = args[0];
      if (!(payload instanceof Payload)) throw new autobahn.Error(errorUris.invalidArgument);
      return await this.#invocations.answer(payload, { procedure, handler });
    };
    const wireOptions = options.forceReregister ? { force_reregister: true } : {};
    const made = await this.#settle(this.#autobahn.register(procedure, endpoint, wireOptions), {
      attempt: `registering procedure '${procedure}'`,
      onLate: (late) => late instanceof autobahn.Registration ? this.#unregister(late) : Promise.resolve(),
    });
    if (!(made instanceof autobahn.Registration)) throw new AgentError("protocol_error", "REGISTERED without an id");
    return { id: made.id, procedure, unregister: () => this.#unregister(made) };
  }

  async subscribe(topic: string, handler: (event: WireEvent) => void): Promise<Subscription> {
    this.#assertOpen();
    const request = this.#autobahn.subscribe(topic, (args, kwargs, details) => {
      this.#deliver(handler, {
        topic: typeof details.topic === "string" ? details.topic : topic,
        ...(typeof details.publisher_authid === "string" ? { publisherAuthid: details.publisher_authid } : {}),
        args: Array.isArray(args) ? args : [],
        kwargs: isDict(kwargs) ? kwargs : {},
      });
    });
    const made = await this.#settle(request, {
      attempt: `subscribing to topic '${topic}'`,
      onLate: (late) => late instanceof autobahn.Subscription ? this.#unsubscribe(late) : Promise.resolve(),
    });
    if (!(made instanceof autobahn.Subscription)) throw new AgentError("protocol_error", "SUBSCRIBED without an id");
    return { id: made.id, topic, unsubscribe: () => this.#unsubscribe(made) };
  }

  async publish(topic: string, args: unknown[], options: PublishOptions = {}): Promise<void> {
    this.#assertOpen();
    const { acknowledge, eligibleAuthids } = options;
    const wireOptions = {
      ...(acknowledge ? { acknowledge: true } : {}),
      ...(eligibleAuthids === undefined ? {} : { eligible_authid: eligibleAuthids }),
    };
    const hasPayload = args.length > 0 || options.kwargs !== undefined;
    const request = this.#autobahn.publish(topic, hasPayload ? args : undefined, options.kwargs, wireOptions);
    if (request !== undefined) await this.#settle(request, { attempt: `publishing to topic '${topic}'` });
  }

  /** Aborts the handler that runs for this request of a caller. */
  interrupt(request: number): void {
    this.#invocations.interrupt(request);
  }

  /** Rejects everything that waits with `not_connected`, and tells handlers that the session has ended. */
  rejectAll(): void {
    this.#invocations.end();
    this.#pending.rejectAll();
  }

  /** Waits for an answer of the router, within the response deadline unless another one is given. */
  #settle(request: Promise<unknown>, options: Partial<WaitOptions> & { attempt: string }): Promise<unknown> {
    return this.#pending.settle(request, { timeoutMs: this.#options.responseMs, ...options });
  }

  #assertOpen(): void {
    if (!this.#options.isOpen()) throw new AgentError("not_connected", "not connected");
  }

  async #unregister(registration: autobahn.Registration): Promise<void> {
    if (!this.#options.isOpen()) return;
    try {
      await this.#settle(this.#autobahn.unregister(registration), { attempt: "unregistering" });
    } catch (error) {
      ignoreIfGone(error);
    }
  }

  async #unsubscribe(subscription: autobahn.Subscription): Promise<void> {
    if (!this.#options.isOpen()) return;
    try {
      await this.#settle(this.#autobahn.unsubscribe(subscription), { attempt: "unsubscribing" });
    } catch (error) {
      ignoreIfGone(error);
    }
  }

  #deliver(handler: (event: WireEvent) => void, event: WireEvent): void {
    const onError = (error: unknown) => {
      this.#failedEvents.run((omitted) => {
        this.#options.log.error("An event handler failed", { topic: event.topic, error, ...omitted });
      });
    };
    try {
      const returned: unknown = handler(event);
      if (returned instanceof Promise) returned.catch(onError);
    } catch (error) {
      onError(error);
    }
  }
}

/**
 * autobahn throws a string when the router has already ended the registration or subscription; nothing is left to
 * undo then.
 */
function ignoreIfGone(error: unknown): void {
  if (typeof error === "string" || error instanceof TypeError || hasCode(error, "not_connected")) return;
  throw error;
}
