/** Opens sessions for the tests of this folder. */

import { type Clock, systemClock } from "../../../lib/async/clock.ts";
import { type Log, silentLog } from "../../../lib/base/log.ts";
import { joinSession } from "../../../lib/wamp/join.ts";
import { noProxies } from "../../../lib/wamp/proxy.ts";
import type { Session } from "../../../lib/wamp/session.ts";
import { type Trace, Transport } from "../../../lib/wamp/transport.ts";
import { Router } from "../../../scripts/studio/router/router.ts";
import { FakeRouter, type Peer } from "../../fakes/fake_router.ts";

/** What a test may change. */
export interface OpenOptions {
  authid?: string;
  secret?: string;
  pingMs?: number;
  responseMs?: number;
  clock?: Clock;
  log?: Log;
  trace?: Trace;
  signal?: AbortSignal;
}

/** A signal that is never aborted. */
export const never = new AbortController().signal;

/** Dials. */
export function openTransport(url: string, options: OpenOptions = {}): Promise<Transport> {
  return Transport.open({
    url,
    proxies: noProxies,
    pingMs: options.pingMs ?? 0,
    clock: options.clock ?? systemClock,
    log: options.log ?? silentLog,
    trace: options.trace,
    signal: options.signal ?? never,
  });
}

/** Dials and joins. */
export async function openSession(url: string, options: OpenOptions = {}): Promise<Session> {
  const transport = await openTransport(url, options);
  try {
    return await joinSession(transport, {
      realm: "realm1",
      authid: options.authid ?? "12-345",
      secret: options.secret ?? "s",
      responseMs: options.responseMs ?? 5_000,
      clock: options.clock ?? systemClock,
      log: options.log ?? silentLog,
      signal: options.signal ?? never,
    });
  } catch (error) {
    transport.terminate();
    throw error;
  }
}

/** The embedded router with two users, `12-345` and `system`. */
export function startRouter(): Promise<Router> {
  const users = { "12-345": { secret: "s" }, "system": { secret: "s" } };
  return Router.listen({ hostname: "127.0.0.1", port: 0, realm: "realm1", users, pendingLimit: 1_000 });
}

/** A session and the router's end of its connection. Disposing ends both. */
export interface SessionWithPeer extends AsyncDisposable {
  session: Session;
  peer: Peer;
}

/** Opens a session on a fake router, which welcomes it without a challenge. */
export async function openWithPeer(options: OpenOptions = {}): Promise<SessionWithPeer> {
  const router = await FakeRouter.listen();
  const [session, peer] = await Promise.all([
    openSession(router.url, options),
    router.accept().then(async (accepted) => {
      await accepted.welcome();
      return accepted;
    }),
  ]);
  return {
    session,
    peer,
    async [Symbol.asyncDispose]() {
      await router[Symbol.asyncDispose]();
      await session.closed;
    },
  };
}

/** A log that records the messages at `warn` and above. */
export function recordingLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const keep = (message: string) => void lines.push(message);
  return { lines, log: { ...silentLog, warn: keep, error: keep, fatal: keep } };
}
