/**
 * Joins a realm and gives a session: calls with deadlines, registrations, subscriptions, publications. autobahn keeps
 * the state of the protocol; everything that it answers with a closed connection, a hanging promise or an exception is
 * dealt with here.
 */

// @ts-types="./autobahn_shape.ts"
import * as autobahn from "autobahn/lib/session.js";
import type { Clock } from "../async/clock.ts";
import { AgentError, hasCode, isCanceled, messageOf, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { isDict } from "../base/json.ts";
import { authMethod } from "./auth.ts";
import { MessageFilter, Payload } from "./message_filter.ts";
import { Handshake, helloMessage } from "./handshake.ts";
import { QueuedReplies } from "./queued_replies.ts";
import { type InvocationHandler, Invocations } from "./invocations.ts";
import { messageTypes } from "./message.ts";
import { PendingRequests, type WaitOptions } from "./pending_requests.ts";
import type {
  CallOptions,
  CallReply,
  Closed,
  PublishOptions,
  Registration,
  Session,
  Subscription,
  WireEvent,
} from "./session.ts";
import { errorUris, goodbyeReasons } from "./uris.ts";
import type { Transport } from "./transport.ts";

/** Who joins, and how long the router may take. */
export interface JoinOptions {
  realm: string;
  authid: string;
  secret: string;
  /** Deadline of every answer of the router but results of calls. */
  responseMs: number;
  clock: Clock;
  log: Log;
  /** Ends the join, not the session that came of it. */
  signal: AbortSignal;
}

const callTimeoutMs = 30_000;
const leaveWaitLimitMs = 3_000;

/**
 * Joins the realm over an open transport. Throws `auth_rejected` when the signature is refused, `connect_failed` with
 * the router's reason, `timeout`, `protocol_error` or `canceled`; the transport is left to the caller then.
 */
export async function joinSession(transport: Transport, options: JoinOptions): Promise<Session> {
  const session = new AutobahnSession(transport, options);
  await session.join();
  return session;
}

/** The only place that talks to autobahn. Invariant: nothing reaches it that it would answer by closing the socket. */
class AutobahnSession implements Session {
  readonly #transport: Transport;
  readonly #options: JoinOptions;
  readonly #guard = new MessageFilter();
  readonly #invocations: Invocations;
  readonly #socket: { send(message: unknown[]): void; close(): void; onmessage(message: unknown[]): void };
  readonly #autobahn: autobahn.Session;
  readonly #handshake: Handshake;
  readonly #closed = Promise.withResolvers<Closed>();
  readonly #farewell = new AbortController();
  readonly #pending: PendingRequests;
  /** Answers of our procedures that wait for room on the line. */
  readonly #held = new QueuedReplies();
  #id = 0;
  #state: "joining" | "open" | "ending" = "joining";
  #leaving: Promise<void> | undefined;

  constructor(transport: Transport, options: JoinOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#handshake = new Handshake(options);
    this.#invocations = new Invocations();
    this.#pending = new PendingRequests(options.log);
    this.#socket = {
      send: (message) => this.#send(message),
      close: () => this.#onViolation("autobahn refused a message"),
      onmessage: () => {},
    };
    this.#autobahn = new autobahn.Session(
      this.#socket,
      newDeferred,
      (_session, method, extra) => this.#handshake.answer(method, extra),
      () => {}, // Errors of handlers were logged where they happened.
      (error) => options.log.warn("autobahn reports an internal error", { error }),
    );
    this.#autobahn.onjoin = () => this.#onJoined();
    this.#autobahn.onleave = () => {};
    transport.deliverTo({
      onMessage: (message) => this.#onMessage(message),
      onFault: (why) => this.#onViolation(why),
      onRoom: () => this.#sendHeld(),
    });
    transport.closed.then((end) => this.#onSocketGone(end.reason || `closed with code ${end.code}`));
  }

  get id(): number {
    return this.#id;
  }

  get closed(): Promise<Closed> {
    return this.#closed.promise;
  }

  get lastHeardMs(): number {
    return this.#transport.lastHeardMs;
  }

  get waitingBytes(): number {
    return this.#transport.waitingBytes;
  }

  get isOpen(): boolean {
    return this.#state === "open" && this.#leaving === undefined && this.#transport.isOpen;
  }

  async join(): Promise<void> {
    const { realm, authid, signal } = this.#options;
    const onAbort = () => this.#handshake.fail(new AgentError("canceled", "The dial was canceled"));
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      if (signal.aborted) onAbort();
      else this.#autobahn.join(realm, [authMethod], authid);
      this.#handshake.expectAnswer("HELLO");
      await this.#handshake.done;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async call(procedure: string, args: unknown[] = [], options: CallOptions = {}): Promise<CallReply> {
    this.#assertOpen();
    if (options.signal?.aborted) throw new AgentError("canceled", `The call of "${procedure}" was canceled`);
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
      return await this.#invocations.answer(procedure, payload, handler);
    };
    const request = this.#autobahn.register(
      procedure,
      endpoint,
      options.forceReregister ? { force_reregister: true } : {},
    );
    const made = await this.#settle(request, {
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
    const wireOptions = options.acknowledge ? { acknowledge: true } : {};
    const hasPayload = args.length > 0 || options.kwargs !== undefined;
    const request = this.#autobahn.publish(topic, hasPayload ? args : undefined, options.kwargs, wireOptions);
    if (request !== undefined) await this.#settle(request, { attempt: `publishing to topic '${topic}'` });
  }

  close(options: { waitMs?: number } = {}): Promise<void> {
    // The farewell itself is sent before the assignment, while the session still counts as open.
    return this.#leaving ??= this.#leave(options.waitMs);
  }

  /** Waits for an answer of the router within the response deadline, if no other limit is given. */
  #settle(request: Promise<unknown>, options: Partial<WaitOptions> & { attempt: string }): Promise<unknown> {
    return this.#pending.settle(request, { timeoutMs: this.#options.responseMs, ...options });
  }

  #assertOpen(): void {
    if (!this.isOpen) throw new AgentError("not_connected", "not connected");
  }

  async #unregister(registration: autobahn.Registration): Promise<void> {
    if (!this.isOpen) return;
    try {
      await this.#settle(this.#autobahn.unregister(registration), { attempt: "unregistering" });
    } catch (error) {
      this.#ignoreGone(error);
    }
  }

  async #unsubscribe(subscription: autobahn.Subscription): Promise<void> {
    if (!this.isOpen) return;
    try {
      await this.#settle(this.#autobahn.unsubscribe(subscription), { attempt: "unsubscribing" });
    } catch (error) {
      this.#ignoreGone(error);
    }
  }

  /** autobahn throws text when the router took the thing away before; then there is nothing left to give back. */
  #ignoreGone(error: unknown): void {
    if (typeof error === "string" || error instanceof TypeError || hasCode(error, "not_connected")) return;
    throw error;
  }

  #deliver(handler: (event: WireEvent) => void, event: WireEvent): void {
    const onError = (error: unknown) =>
      this.#options.log.error("An event handler failed", { topic: event.topic, error });
    try {
      const returned: unknown = handler(event);
      if (returned instanceof Promise) returned.catch(onError);
    } catch (error) {
      onError(error);
    }
  }

  #send(message: unknown[]): void {
    const { realm, authid } = this.#options;
    const outbound = message[0] === messageTypes.hello ? helloMessage(realm, authid) : message;
    try {
      if (isAnswer(message) && !this.#transport.hasRoom && this.#held.add(message, { isError: isError(message) })) {
        return;
      }
      this.#transport.send(outbound);
      this.#guard.noteOutbound(outbound);
    } catch (error) {
      // Inside autobahn's own promise chains an exception would end the process; nobody there waits for it.
      if (message[0] === messageTypes.yield) return this.#replaceAnswer(message[1], error);
      if (typeof message[0] === "number" && quietTypes.has(message[0])) return;
      throw error;
    }
  }

  /** Callers wait for their answers; what is merely late must not be lost. */
  #sendHeld(): void {
    while (this.#transport.isOpen && this.#transport.hasRoom) {
      const message = this.#held.take();
      if (message === undefined) return;
      this.#send(message);
    }
  }

  /** An answer that cannot be sent as it is becomes an error, so that the caller does not wait for ever. */
  #replaceAnswer(request: unknown, error: unknown): void {
    this.#options.log.warn("Cannot send the answer of a procedure", { error });
    this.#send([messageTypes.error, messageTypes.invocation, request, {}, errorUris.canceled, [{
      error: messageOf(error),
    }]]);
  }

  #onJoined(): void {
    if (this.#state !== "joining") return;
    this.#state = "open";
    this.#handshake.succeed();
  }

  #onMessage(message: unknown[]): void {
    const verdict = this.#guard.judge(message);
    switch (verdict.kind) {
      case "pass":
        return this.#pass(verdict.message);
      case "drop":
        return this.#options.log.debug("Dropped a message of the router", { why: verdict.why });
      case "answer":
        this.#options.log.warn("Refused an invocation", { why: verdict.why });
        return this.#send(verdict.message);
      case "interrupt":
        return this.#invocations.interrupt(verdict.request);
      case "goodbye":
        return this.#onGoodbye(verdict.reason);
      case "abort":
        return this.#onRouterAbort(verdict);
      case "violation":
        return this.#onViolation(verdict.why);
    }
  }

  #pass(message: unknown[]): void {
    if (this.#state === "ending") return;
    if (message[0] === messageTypes.welcome && typeof message[1] === "number") this.#id = message[1];
    this.#socket.onmessage(message);
  }

  /** The router waits for our answer or the end of the socket before it forgets the session's registrations. */
  #onGoodbye(reason: string): void {
    this.#farewell.abort();
    if (this.#leaving !== undefined || this.#state === "ending") return;
    try {
      this.#transport.send([messageTypes.goodbye, {}, goodbyeReasons.answer]);
    } catch {
      // The socket is going away already, which says the same to the router.
    }
    this.#end({ kind: "goodbye", reason }, { code: 1000, reason: "goodbye" });
  }

  #onRouterAbort(abort: { reason: string; text: string }): void {
    if (this.#state === "joining") return this.#handshake.refuse(abort);
    this.#end({ kind: "aborted", reason: abort.text || abort.reason }, { code: 1000, reason: "aborted" });
  }

  #onViolation(why: string): void {
    if (this.#state === "joining") return this.#handshake.fail(new AgentError("protocol_error", why));
    if (this.#state === "ending") return;
    this.#options.log.warn("The router broke the protocol; closing the connection", { why });
    try {
      this.#transport.send([messageTypes.abort, { message: why }, errorUris.protocolViolation]);
    } catch {
      // Courtesy only; the close says it too.
    }
    this.#end({ kind: "lost", reason: `protocol violation: ${why}` }, { code: 1002, reason: "protocol violation" });
  }

  #onSocketGone(reason: string): void {
    this.#handshake.fail(new AgentError("connect_failed", `The router closed the connection: ${reason}`));
    this.#end({ kind: "lost", reason }, { code: 1000, reason: "" });
  }

  /** Ends the session once: nothing waits any longer, then the socket goes, then `closed` resolves. */
  #end(closed: Closed, farewell: { code: number; reason: string }): void {
    if (this.#state === "ending") return;
    this.#state = "ending";
    this.#farewell.abort();
    this.#pending.rejectAll();
    this.#transport.close(farewell.code, farewell.reason)
      .catch((error) => this.#options.log.warn("Cannot close the connection in order", { error: textOf(error) }))
      .then(() => this.#closed.resolve(closed));
  }

  async #leave(wantedMs: number | undefined): Promise<void> {
    if (this.isOpen) {
      const waitMs = wantedMs ?? Math.min(2 * this.#options.responseMs, leaveWaitLimitMs);
      try {
        this.#transport.send([messageTypes.goodbye, {}, goodbyeReasons.leaving]);
        await this.#options.clock.sleep(waitMs, this.#farewell.signal);
      } catch (error) {
        // Canceled: the router has answered or is gone.
        if (!isCanceled(error) && !hasCode(error, "not_connected")) throw error;
      }
    }
    this.#end({ kind: "left" }, { code: 1000, reason: "goodbye" });
    await this.#closed.promise;
  }
}

/** True for what a caller of one of our procedures waits for. */
function isAnswer(message: unknown[]): boolean {
  return message[0] === messageTypes.yield || (isError(message) && message[1] === messageTypes.invocation);
}

function isError(message: unknown[]): boolean {
  return message[0] === messageTypes.error;
}

/** Types whose loss nobody waits for. */
const quietTypes: ReadonlySet<number> = new Set([
  messageTypes.error,
  messageTypes.cancel,
  messageTypes.authenticate,
  messageTypes.abort,
  messageTypes.goodbye,
]);

/** autobahn's default promises break when bundled, and progressive results need `notify`. */
function newDeferred(): autobahn.Deferred {
  return { ...Promise.withResolvers<unknown>(), notify() {} };
}
