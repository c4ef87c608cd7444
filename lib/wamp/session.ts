/** What a WAMP session offers. */

import type { Dict } from "../base/json.ts";
import type { InvocationHandler } from "./invocations.ts";

/** The result of a call; what is absent is empty. */
export interface CallReply {
  args: unknown[];
  kwargs: Dict;
}

/** Options of a call. */
export interface CallOptions {
  kwargs?: Dict;
  /** 30 seconds when absent. When it passes, the call is canceled at the router, too. */
  timeoutMs?: number;
  /** Cancels the call at the router. */
  signal?: AbortSignal;
}

/** Options of a publication. */
export interface PublishOptions {
  kwargs?: Dict;
  /** Wait for the router's confirmation, within the response deadline. */
  acknowledge?: boolean;
  /** The only authids whose subscribers get it; everybody's when absent. */
  eligibleAuthids?: readonly string[];
}

/** An event of a subscription. */
export interface WireEvent {
  topic: string;
  /** Who published it, as the router says; undefined when it does not disclose publishers. */
  publisherAuthid?: string;
  args: unknown[];
  kwargs: Dict;
}

/** A procedure that the router routes to this session. */
export interface Registration {
  readonly id: number;
  readonly procedure: string;
  /** Ends it. Does nothing when the session or the registration is gone. */
  unregister(): Promise<void>;
}

/** A topic whose events this session receives. */
export interface Subscription {
  readonly id: number;
  readonly topic: string;
  /** Ends it. Does nothing when the session or the subscription is gone. */
  unsubscribe(): Promise<void>;
}

/** How a session ended. */
export type SessionEnd =
  | { kind: "left" }
  | { kind: "goodbye"; reason: string }
  | { kind: "aborted"; reason: string }
  | { kind: "lost"; reason: string };

/**
 * An open session. Once it is closed, every method throws `not_connected`, and pending requests are rejected with it.
 * Requests throw `RemoteError` when the answer is an error, `timeout`, `canceled`, or `bad_request` for a payload that
 * cannot be sent.
 */
export interface Session {
  readonly id: number;
  /** Resolves when the session has ended and its socket is gone. Never rejects. */
  readonly closed: Promise<SessionEnd>;
  readonly isOpen: boolean;
  /** When the last bytes from the router arrived, pongs included; monotonic ms of the session's clock. */
  readonly lastHeardMs: number;
  /** Bytes that wait to be sent; 0 once the socket is gone. */
  readonly waitingBytes: number;
  call(procedure: string, args?: unknown[], options?: CallOptions): Promise<CallReply>;
  register(
    procedure: string,
    handler: InvocationHandler,
    options?: { forceReregister?: boolean },
  ): Promise<Registration>;
  /** Handlers run one after the other in order of arrival; an error that one throws is logged. */
  subscribe(topic: string, handler: (event: WireEvent) => void): Promise<Subscription>;
  publish(topic: string, args: unknown[], options?: PublishOptions): Promise<void>;
  /**
   * Sends GOODBYE, waits for the router's answer (`waitMs`; at most 3 s when absent), then closes the socket, which
   * takes at most one second more. Further calls wait for the first one.
   */
  close(options?: { waitMs?: number }): Promise<void>;
}
