/** What an area does after every connect. The agent runs the steps of all areas: see `agent/on_connect.ts`. */

import type { Session } from "../wamp/session.ts";

/**
 * When a step runs. `prepare`: before the device reports itself as configuring. `serve`: after that, so that it can be
 * called. Both one after the other, in the order of the areas. `restore`: all at the same time, once Studio's backend
 * has answered anything.
 */
export type ConnectPhase = "prepare" | "serve" | "restore";

/** The connection a step runs on. */
export interface Connection {
  session: Session;
  /** True when the step has failed on this connection before. */
  isRepeated: boolean;
  /** Ends with the session. */
  signal: AbortSignal;
}

/** One thing to do. */
export interface ConnectStep {
  /** Completes "Cannot …" in the log. */
  name: string;
  phase: ConnectPhase;
  /** True when it calls Studio's backend: once such a step has passed, the backend is known to be there. */
  callsBackend: boolean;
  /** Throws when it must be tried again. */
  run(connection: Connection): Promise<void>;
}
