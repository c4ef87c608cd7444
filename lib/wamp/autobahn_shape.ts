/**
 * The members of autobahn's session that we use. The package has no types of its own, and those of @types/autobahn lack
 * `cancel`, `force_reregister` and custom deferreds. Only a description: this file is never run.
 */

/** The socket that a session uses. The session sets `onmessage`; whoever reads frames calls it. */
export interface AutobahnSocket {
  send(message: unknown[]): void;
  close(code?: number, reason?: string): void;
  onmessage(message: unknown[]): void;
}

/** A promise with its two ends. `notify` takes progressive results. */
export interface Deferred {
  promise: Promise<unknown>;
  resolve(value?: unknown): void;
  reject(reason?: unknown): void;
  notify(value?: unknown): void;
}

/** A pending call; `cancel` sends CANCEL. */
export interface AutobahnCall extends Promise<unknown> {
  cancel(options: { mode: "kill" | "killnowait" | "skip" }): void;
}

/** A WAMP error as autobahn throws and accepts it. It is not an `Error` of the language. */
declare class AutobahnError {
  constructor(error: string, ...payload: [args?: unknown[], kwargs?: Record<string, unknown>]);
  readonly error: unknown;
  readonly args: unknown;
  readonly kwargs: unknown;
}

/** What a handler returns when it has keyword results, or not exactly one positional result. */
declare class AutobahnResult {
  constructor(args: unknown[], kwargs: Record<string, unknown>);
}

/** A registration that the router has confirmed. */
declare class AutobahnRegistration {
  readonly id: number;
}

/** A subscription that the router has confirmed. */
declare class AutobahnSubscription {
  readonly id: number;
}

/** What a session is made with. */
type SessionArguments = [
  socket: AutobahnSocket,
  defer: () => Deferred,
  onChallenge: (session: unknown, method: unknown, extra: unknown) => Promise<string>,
  onUserError: (error: unknown, text?: unknown) => void,
  onInternalError: (error: unknown, text?: unknown) => void,
];

/** Arguments and options of a message. */
type MessagePayload = [args?: unknown[], kwargs?: Record<string, unknown>, options?: object];

type EventHandler = (args: unknown, kwargs: unknown, details: { topic: unknown; publisher_authid: unknown }) => void;

/** One WAMP session on one socket. Methods throw a plain string when the session is not open. */
declare class AutobahnSession {
  constructor(...args: SessionArguments);
  onjoin: (details: unknown) => void;
  onleave: (reason: unknown, details: unknown) => void;
  join(realm: string, ...login: [methods: string[], authid: string]): void;
  leave(reason: string): void;
  call(procedure: string, ...payload: MessagePayload): AutobahnCall;
  publish(topic: string, ...payload: MessagePayload): Promise<unknown> | undefined;
  subscribe(topic: string, handler: EventHandler): Promise<unknown>;
  register(
    procedure: string,
    ...endpoint: [run: (args: unknown[]) => Promise<unknown>, options?: object]
  ): Promise<unknown>;
  unsubscribe(subscription: AutobahnSubscription): Promise<unknown>;
  unregister(registration: AutobahnRegistration): Promise<unknown>;
}

export {
  AutobahnError as Error,
  AutobahnRegistration as Registration,
  AutobahnResult as Result,
  AutobahnSession as Session,
  AutobahnSubscription as Subscription,
};
