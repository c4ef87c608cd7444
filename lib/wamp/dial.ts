/**
 * One dial: socket, session, connection marker, testament. Nothing else uses the connection before it has succeeded.
 */

import type { Clock } from "../async/clock.ts";
import { AgentError, hasCode, messageOf, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { joinSession } from "./join.ts";
import { claimMarker, type ConnectionMarker } from "./marker.ts";
import type { ProxySettings } from "./proxy.ts";
import { hasUri } from "./remote_error.ts";
import type { Session } from "./session.ts";
import type { ClientCertificate } from "./tls.ts";
import { errorUris, routerProcedures } from "./uris.ts";
import { type Trace, Transport } from "./transport.ts";

/** Which router to dial, and with which login. */
export interface LinkIdentity {
  url: string;
  authid: string;
  secret: string;
  realm: string;
  /** Turns off the verification of the server. */
  clientCertificate?: ClientCertificate;
}

/** What the router publishes when the session ends without GOODBYE. */
export interface Testament {
  topic: string;
  args: unknown[];
}

/** Options of one dial. */
export interface DialOptions {
  identity: LinkIdentity;
  /** Limit for name, address, proxy, TLS and upgrade together; not for the WAMP handshake. */
  connectMs: number;
  pingMs: number;
  responseMs: number;
  /** How long another holder of the marker may take to answer. */
  askMs: number;
  marker: ConnectionMarker;
  testament: (sessionId: number) => Testament;
  /** True until a dial has succeeded: until then a refused testament is final. */
  isFirst: boolean;
  proxies: ProxySettings;
  /** Bytes of a message; 16 MiB when absent. */
  sendLimitBytes?: number;
  clock: Clock;
  log: Log;
  trace?: Trace;
  /** Ends the dial. */
  signal: AbortSignal;
  /** Ends the dial only while it connects, because the network has changed. */
  connectSignal: AbortSignal;
}

/** How a dial ended. Unless it is `connected`, its socket is closed. */
export type DialOutcome =
  | { kind: "connected"; session: Session; connectedInMs: number }
  | { kind: "failed"; error: unknown; hasConnectTimedOut: boolean }
  | { kind: "duplicate" }
  | { kind: "authRejected"; text: string }
  | { kind: "testamentRefused"; text: string };

const testamentTimeoutMs = 10_000;
const abortedFarewellMs = 300;

/** Dials once. Never throws; `failed` with `canceled` when the signal is aborted. */
export async function dial(options: DialOptions): Promise<DialOutcome> {
  const startedMs = options.clock.now();
  let transport: Transport;
  try {
    transport = await openTransport(options);
  } catch (error) {
    return { kind: "failed", error, hasConnectTimedOut: hasCode(error, "timeout") };
  }
  const connectedInMs = options.clock.now() - startedMs;
  try {
    const session = await join(transport, options);
    return await prepare(session, { ...options, connectedInMs });
  } catch (error) {
    transport.terminate();
    if (hasCode(error, "auth_rejected")) return { kind: "authRejected", text: error.message };
    return { kind: "failed", error, hasConnectTimedOut: false };
  }
}

/** Opens the socket. Throws `timeout` after `connectMs`. */
async function openTransport(options: DialOptions): Promise<Transport> {
  const { identity, connectMs, signal, connectSignal } = options;
  const deadline = new AbortController();
  const text = `Cannot dial "${identity.url}": not connected in ${connectMs} ms`;
  const timer = setTimeout(() => deadline.abort(), connectMs);
  try {
    return await Transport.open({
      ...options,
      url: identity.url,
      clientCertificate: identity.clientCertificate,
      signal: AbortSignal.any([signal, connectSignal, deadline.signal]),
    });
  } catch (error) {
    throw deadline.signal.aborted && !signal.aborted ? new AgentError("timeout", text) : error;
  } finally {
    clearTimeout(timer);
  }
}

async function join(transport: Transport, options: DialOptions): Promise<Session> {
  const { identity: { realm, authid, secret }, responseMs, clock, log, signal } = options;
  return await joinSession(transport, { realm, authid, secret, responseMs, clock, log, signal });
}

/** Sends the two requests that every connection begins with. Throws when the session ends during them. */
async function prepare(session: Session, options: DialOptions & { connectedInMs: number }): Promise<DialOutcome> {
  const { log, signal, marker, connectedInMs } = options;
  const onAbort = () => {
    session.close({ waitMs: abortedFarewellMs }).catch((error) =>
      log.debug("Cannot leave the session cleanly", { error })
    );
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const claim = await claimMarker(session, { marker, askMs: options.askMs, log, signal });
    if (claim === "held") {
      await session.close();
      return { kind: "duplicate" };
    }
    const refusal = await installTestament(session, options);
    if (refusal !== undefined) {
      await session.close();
      return { kind: "testamentRefused", text: refusal };
    }
    if (signal.aborted) throw new AgentError("canceled", "The dial was canceled");
    return { kind: "connected", session, connectedInMs };
  } catch (error) {
    await session.close({ waitMs: abortedFarewellMs });
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Returns the text of a final refusal. Throws when the connection is lost or when nobody answers the first time. */
async function installTestament(session: Session, options: DialOptions): Promise<string | undefined> {
  const { log, signal, isFirst } = options;
  const { topic, args } = options.testament(session.id);
  try {
    const timing = { timeoutMs: testamentTimeoutMs, signal };
    await session.call(routerProcedures.addTestament, [topic, args, {}], timing);
    return undefined;
  } catch (error) {
    if (hasCode(error, "not_connected", "canceled")) throw error;
    if (hasCode(error, "call_failed") && isFirst && !hasUri(error, errorUris.noSuchProcedure)) return messageOf(error);
    if (isFirst && !hasCode(error, "call_failed")) throw error;
    log.warn("The router did not accept the testament; continuing without it", { error: textOf(error) });
    return undefined;
  }
}
