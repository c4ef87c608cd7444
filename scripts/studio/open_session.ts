/** Joins a router as one of its users. */

import { systemClock } from "../../lib/async/clock.ts";
import { type Log, silentLog } from "../../lib/base/log.ts";
import { joinSession } from "../../lib/wamp/join.ts";
import { noProxies } from "../../lib/wamp/proxy.ts";
import type { Session } from "../../lib/wamp/session.ts";
import { realm } from "../../lib/backend/uris.ts";
import { Transport } from "../../lib/wamp/transport.ts";

/** A router and one of its users. */
export interface RouterLogin {
  url: string;
  authid: string;
  secret: string;
}

const limitMs = 10_000;
const defaultPingMs = 5_000;

/** Dials and joins. Throws `connect_failed`, `auth_rejected`, `timeout` or `canceled`. */
export async function openSession(
  login: RouterLogin,
  options: { signal?: AbortSignal; log?: Log; pingMs?: number } = {},
): Promise<Session> {
  const { authid, secret, url } = login;
  const limit = AbortSignal.timeout(limitMs);
  const deps = {
    clock: systemClock,
    log: options.log ?? silentLog,
    signal: options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]),
  };
  // Pings detect a router that has disappeared without closing the connection.
  const transport = await Transport.open({ url, proxies: noProxies, pingMs: options.pingMs ?? defaultPingMs, ...deps });
  try {
    return await joinSession(transport, { realm, authid, secret, responseMs: limitMs, ...deps });
  } catch (error) {
    transport.terminate();
    throw error;
  }
}
