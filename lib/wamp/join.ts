/**
 * Joins a realm and returns the session. autobahn keeps the state of the protocol; everything that it would answer
 * with a closed connection, a promise that never settles or an exception is handled here and in the files next to
 * this one.
 */

// @ts-types="./autobahn_shape.ts"
import * as autobahn from "autobahn/lib/session.js";
import type { Clock } from "../async/clock.ts";
import { foreignLines, LineQuota } from "../async/line_quota.ts";
import { orAborted, throwIfAborted } from "../async/deadline.ts";
import { AgentError, hasCode, isCanceled, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { authMethod } from "./auth.ts";
import { Handshake, helloMessage } from "./handshake.ts";
import type { InvocationHandler } from "./invocations.ts";
import { messageTypes } from "./message.ts";
import { MessageFilter } from "./message_filter.ts";
import type {
  CallOptions,
  CallReply,
  PublishOptions,
  Registration,
  Session,
  SessionEnd,
  Subscription,
  WireEvent,
} from "./session.ts";
import { SessionRequests } from "./session_requests.ts";
import { SessionSocket } from "./session_socket.ts";
import type { Transport } from "./transport.ts";
import { errorUris, goodbyeReasons } from "./uris.ts";

/** Who joins, and how long the router may take. */
export interface JoinOptions {
  realm: string;
  authid: string;
  secret: string;
  /** Deadline of every answer of the router except results of calls. */
  responseMs: number;
  clock: Clock;
  log: Log;
  /** Aborts the join, not the session that it leads to. */
  signal: AbortSignal;
}

const leaveWaitLimitMs = 3_000;

/**
 * Joins the realm over an open transport. Throws `auth_rejected` when the signature is refused, `connect_failed` with
 * the router's reason, `timeout`, `protocol_error` or `canceled`; closing the transport is left to the caller then.
 */
export async function joinSession(transport: Transport, options: JoinOptions): Promise<Session> {
  const session = new JoinedSession(transport, options);
  await session.join();
  return session;
}

/** Invariant: nothing reaches autobahn that it would answer by closing the socket. */
class JoinedSession implements Session {
  readonly #transport: Transport;
  readonly #options: JoinOptions;
  readonly #filter = new MessageFilter();
  readonly #socket: SessionSocket;
  readonly #autobahn: autobahn.Session;
  readonly #requests: SessionRequests;
  readonly #handshake: Handshake;
  readonly #closed = Promise.withResolvers<SessionEnd>();
  /** Aborted when the router has answered our GOODBYE or is gone. */
  readonly #farewell = new AbortController();
  readonly #dropped: LineQuota;
  readonly #refused: LineQuota;
  #id = 0;
  #state: "joining" | "open" | "ending" = "joining";
  #leaving: Promise<void> | undefined;

  constructor(transport: Transport, options: JoinOptions) {
    this.#transport = transport;
    this.#options = options;
    const { realm, authid, responseMs, clock, log } = options;
    this.#dropped = new LineQuota(foreignLines, clock);
    this.#refused = new LineQuota(foreignLines, clock);
    this.#handshake = new Handshake(options);
    this.#socket = new SessionSocket({
      transport,
      filter: this.#filter,
      hello: helloMessage(realm, authid),
      onRefused: () => this.#onViolation("autobahn refused a message"),
      clock,
      log,
    });
    this.#autobahn = new autobahn.Session(
      this.#socket,
      newDeferred,
      (_session, method, extra) => this.#handshake.answer(method, extra),
      () => {}, // Errors of handlers have been logged where they happened.
      (error) => log.warn("autobahn reports an internal error", { error }),
    );
    this.#autobahn.onjoin = () => this.#onJoined();
    this.#autobahn.onleave = () => {};
    this.#requests = new SessionRequests(this.#autobahn, { isOpen: () => this.isOpen, responseMs, clock, log });
    transport.setReceiver({
      onMessage: (message) => this.#onMessage(message),
      onBadFrame: (why) => this.#onViolation(why),
      onDrain: () => this.#socket.sendQueued(),
    });
    transport.closed.then((end) => this.#onSocketGone(end.reason || `closed with code ${end.code}`));
  }

  get id(): number {
    return this.#id;
  }

  get closed(): Promise<SessionEnd> {
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
    throwIfAborted(signal, "The dial");
    this.#autobahn.join(realm, [authMethod], authid);
    this.#handshake.expectAnswer("HELLO");
    try {
      await orAborted(this.#handshake.done, { what: "The dial", signal });
    } catch (error) {
      this.#handshake.fail(error);
      throw error;
    }
  }

  call(procedure: string, args?: unknown[], options?: CallOptions): Promise<CallReply> {
    return this.#requests.call(procedure, args, options);
  }

  register(
    procedure: string,
    handler: InvocationHandler,
    options?: { forceReregister?: boolean },
  ): Promise<Registration> {
    return this.#requests.register(procedure, handler, options);
  }

  subscribe(topic: string, handler: (event: WireEvent) => void): Promise<Subscription> {
    return this.#requests.subscribe(topic, handler);
  }

  publish(topic: string, args: unknown[], options?: PublishOptions): Promise<void> {
    return this.#requests.publish(topic, args, options);
  }

  close(options: { waitMs?: number } = {}): Promise<void> {
    // GOODBYE is sent before the assignment, while the session still counts as open.
    return this.#leaving ??= this.#leave(options.waitMs);
  }

  #onJoined(): void {
    if (this.#state !== "joining") return;
    this.#state = "open";
    this.#handshake.succeed();
  }

  #onMessage(message: unknown[]): void {
    const verdict = this.#filter.classify(message);
    switch (verdict.kind) {
      case "pass":
        return this.#pass(verdict.message);
      case "drop":
        return this.#dropped.run((omitted) => {
          this.#options.log.debug("Dropped a message from the router", { why: verdict.why, ...omitted });
        });
      case "answer":
        this.#refused.run((omitted) => {
          this.#options.log.warn("Refused an invocation", { why: verdict.why, ...omitted });
        });
        return this.#socket.send(verdict.message);
      case "interrupt":
        return this.#requests.interrupt(verdict.request);
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

  /** The router keeps the session's registrations until we answer or the socket ends. */
  #onGoodbye(reason: string): void {
    this.#farewell.abort();
    if (this.#leaving !== undefined || this.#state === "ending") return;
    try {
      this.#transport.send([messageTypes.goodbye, {}, goodbyeReasons.answer]);
    } catch {
      // The socket is closing already, and the router takes that as the answer.
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
      // ABORT is a courtesy; closing the socket says the same.
    }
    this.#end({ kind: "lost", reason: `protocol violation: ${why}` }, { code: 1002, reason: "protocol violation" });
  }

  #onSocketGone(reason: string): void {
    this.#handshake.fail(new AgentError("connect_failed", `The router closed the connection: ${reason}`));
    this.#end({ kind: "lost", reason }, { code: 1000, reason: "" });
  }

  /** Ends the session once: rejects what is pending, then closes the socket, then resolves `closed`. */
  #end(end: SessionEnd, farewell: { code: number; reason: string }): void {
    if (this.#state === "ending") return;
    this.#state = "ending";
    this.#farewell.abort();
    this.#requests.rejectAll();
    this.#transport.close(farewell.code, farewell.reason)
      .catch((error) => this.#options.log.warn("Cannot close the connection cleanly", { error: textOf(error) }))
      .then(() => this.#closed.resolve(end));
  }

  async #leave(requestedMs: number | undefined): Promise<void> {
    if (this.isOpen) {
      const waitMs = requestedMs ?? Math.min(2 * this.#options.responseMs, leaveWaitLimitMs);
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

/** autobahn's own deferreds are not the same in a bundle; see docs/autobahn.md, 10. */
function newDeferred(): autobahn.Deferred {
  return { ...Promise.withResolvers<unknown>(), notify() {} };
}
