/** What a WAMP session offers to the rest of the agent. */

import type { Dict } from "../base/json.ts";
import type { InvocationHandler } from "./invocations.ts";

/** The answer of a call; absent parts are empty. */
export interface CallReply {
  args: unknown[];
  kwargs: Dict;
}

/** What a call may take. */
export interface CallOptions {
  kwargs?: Dict;
  /** 30 seconds when absent. The call is canceled at the router when it passes. */
  timeoutMs?: number;
  /** Cancels the call at the router. */
  signal?: AbortSignal;
}

/** What a publication may take. */
export interface PublishOptions {
  kwargs?: Dict;
  /** Wait for the router's confirmation, within the response deadline. */
  acknowledge?: boolean;
}

/** An event of a subscription. */
export interface WireEvent {
  topic: string;
  args: unknown[];
  kwargs: Dict;
}

/** A procedure that the router routes to us. */
export interface Registration {
  readonly id: number;
  readonly procedure: string;
  /** Gives it back. Does nothing when the session or the registration is gone. */
  unregister(): Promise<void>;
}

/** A topic whose events we get. */
export interface Subscription {
  readonly id: number;
  readonly topic: string;
  /** Gives it back. Does nothing when the session or the subscription is gone. */
  unsubscribe(): Promise<void>;
}

/** How a session ended. */
export type Closed =
  | { kind: "left" }
  | { kind: "goodbye"; reason: string }
  | { kind: "aborted"; reason: string }
  | { kind: "lost"; reason: string };

/**
 * An open session. Every method throws `not_connected` once it is closed, and requests that wait then are rejected with
 * it. Requests throw `RemoteError` for an answered error, `timeout`, `canceled`, or `bad_request` for a payload that
 * cannot be sent.
 */
export interface Session {
  readonly id: number;
  /** Resolves when the session has ended and its socket is gone. Never rejects. */
  readonly closed: Promise<Closed>;
  readonly isOpen: boolean;
  /** When anything at all last came in from the router, pongs included; monotonic ms of the session's clock. */
  readonly lastHeardMs: number;
  /** Bytes that wait to be sent; 0 once the socket is gone. */
  readonly waitingBytes: number;
  call(procedure: string, args?: unknown[], options?: CallOptions): Promise<CallReply>;
  register(
    procedure: string,
    handler: InvocationHandler,
    options?: { forceReregister?: boolean },
  ): Promise<Registration>;
  /** Handlers run one after the other in the order of arrival; one that throws is logged. */
  subscribe(topic: string, handler: (event: WireEvent) => void): Promise<Subscription>;
  publish(topic: string, args: unknown[], options?: PublishOptions): Promise<void>;
  /**
   * Says GOODBYE, waits for the router's answer (`waitMs`; at most 3 s when absent), then closes the socket, which takes
   * at most one second more. Safe to call any number of times; the first call decides.
   */
  close(options?: { waitMs?: number }): Promise<void>;
}
