/** What the rest of the agent sees of the connection: whichever session is up, or none. */

import type { InvocationHandler } from "./invocations.ts";
import type { CallOptions, CallReply, PublishOptions, Registration, Subscription, WireEvent } from "./session.ts";

/** Uses the session that is up at the moment of the call. Throws `not_connected` while there is none. */
export interface Wire {
  readonly isConnected: boolean;
  /** The id that the router gave the session; 0 while there is none. */
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

/** The wire of an agent that was told to stay offline: nothing is sent, and every call has an empty result. */
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
