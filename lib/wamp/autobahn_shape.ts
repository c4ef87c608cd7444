/**
 * What we use of autobahn's session: the package brings no types, and those of @types/autobahn lack `cancel`,
 * `force_reregister` and a deferred of one's own. Only a description; this file is never run.
 */

/** The socket that a session talks through. It sets `onmessage`; whoever reads frames calls it. */
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

/** A WAMP error as autobahn throws and takes it. It is not an `Error` of the language. */
export declare class Error {
  constructor(error: string, args?: unknown[], kwargs?: Record<string, unknown>);
  readonly error: unknown;
  readonly args: unknown;
  readonly kwargs: unknown;
}

/** What a handler gives back when it has keyword results or not exactly one positional one. */
export declare class Result {
  constructor(args: unknown[], kwargs: Record<string, unknown>);
}

/** A registration that the router confirmed. */
export declare class Registration {
  readonly id: number;
}

/** A subscription that the router confirmed. */
export declare class Subscription {
  readonly id: number;
}

/** One WAMP session on one socket. Methods throw a plain string when the session is not open. */
export declare class Session {
  constructor(
    socket: AutobahnSocket,
    defer: () => Deferred,
    onChallenge: (session: unknown, method: unknown, extra: unknown) => Promise<string>,
    onUserError: (error: unknown, text?: unknown) => void,
    onInternalError: (error: unknown, text?: unknown) => void,
  );
  onjoin: (details: unknown) => void;
  onleave: (reason: unknown, details: unknown) => void;
  join(realm: string, methods: string[], authid: string): void;
  leave(reason: string): void;
  call(procedure: string, args?: unknown[], kwargs?: Record<string, unknown>, options?: object): AutobahnCall;
  publish(
    topic: string,
    args?: unknown[],
    kwargs?: Record<string, unknown>,
    options?: object,
  ): Promise<unknown> | undefined;
  subscribe(
    topic: string,
    handler: (args: unknown, kwargs: unknown, details: { topic: unknown }) => void,
    options?: object,
  ): Promise<unknown>;
  register(
    procedure: string,
    endpoint: (args: unknown[]) => Promise<unknown>,
    options?: object,
  ): Promise<unknown>;
  unsubscribe(subscription: Subscription): Promise<unknown>;
  unregister(registration: Registration): Promise<unknown>;
}
