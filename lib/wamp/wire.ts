/** The connection as users of a link see it: the session that is open at the moment, if any. */

import type { InvocationHandler } from "./invocations.ts";
import type { CallOptions, CallReply, PublishOptions, Registration, Subscription, WireEvent } from "./session.ts";

/** Every method uses the session that is open at that moment, and throws `not_connected` when there is none. */
export interface Wire {
  readonly isConnected: boolean;
  /** The id of the session; 0 while there is none. */
  readonly sessionId: number;
  call(procedure: string, args?: unknown[], options?: CallOptions): Promise<CallReply>;
  publish(topic: string, args: unknown[], options?: PublishOptions): Promise<void>;
  /** The subscription ends with the session. */
  subscribe(topic: string, handler: (event: WireEvent) => void): Promise<Subscription>;
  /** The registration ends with the session. */
  register(
    procedure: string,
    handler: InvocationHandler,
    options?: { forceReregister?: boolean },
  ): Promise<Registration>;
}

/** A wire without a router: nothing is sent, and every call has an empty result. */
export function offlineWire(): Wire {
  return {
    isConnected: false,
    sessionId: 0,
    call: () => Promise.resolve({ args: [], kwargs: {} }),
    publish: () => Promise.resolve(),
    subscribe: (topic) => Promise.resolve({ id: 0, topic, unsubscribe: () => Promise.resolve() }),
    register: (procedure) => Promise.resolve({ id: 0, procedure, unregister: () => Promise.resolve() }),
  };
}
