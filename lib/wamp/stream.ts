/** Opens the byte stream below a WebSocket: TCP, proxy, TLS. Everything it opened is closed when the dial is given up. */

import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { AgentError, messageOf } from "../base/errors.ts";
import { chooseProxy, openTunnel, proxyAddress, type ProxySettings } from "./proxy.ts";
import { type ClientCertificate, tlsOptions } from "./tls.ts";

/** Where to dial and how. */
export interface StreamOptions {
  proxies: ProxySettings;
  clientCertificate?: ClientCertificate;
  /** Takes any server for the right one; for who only looks at its certificate. */
  isUnverified?: boolean;
  /** Ends the attempt; the socket is destroyed then. */
  signal: AbortSignal;
}

/**
 * A connected stream to the host of `url`, through a proxy when the settings say so. For `wss` and `https` it is a TLS
 * socket whose handshake still runs; its errors show on the stream. Throws `connect_failed` or `canceled`.
 */
export async function openStream(url: URL, options: StreamOptions): Promise<Socket> {
  const isSecure = url.protocol === "wss:" || url.protocol === "https:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || (isSecure ? 443 : 80));
  const trust = options.isUnverified ? { rejectUnauthorized: false } : {};
  const security = isSecure ? { ...tlsOptions(host, options.clientCertificate), ...trust } : undefined;
  const proxy = chooseProxy(url, options.proxies);
  const first = proxy === undefined ? { host, port } : proxyAddress(proxy);
  const socket = await openTcp(first, options.signal);
  try {
    if (proxy === undefined) return security === undefined ? socket : connectTls({ ...security, socket });
    const toProxy = proxy.protocol === "https:" ? connectTls({ ...tlsOptions(first.host, undefined), socket }) : socket;
    await withAbort(toProxy, options.signal, () => openTunnel(toProxy, proxy, { host, port }));
    return security === undefined ? toProxy : connectTls({ ...security, socket: toProxy });
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** A TCP connection. Throws `connect_failed` with the address and the system's text. */
async function openTcp(address: { host: string; port: number }, signal: AbortSignal): Promise<Socket> {
  const socket = connectTcp({ ...address, noDelay: true, autoSelectFamily: isIP(address.host) === 0 });
  await withAbort(socket, signal, () =>
    new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", (error) => {
        const text = `Cannot connect to ${address.host}:${address.port}: ${messageOf(error)}`;
        reject(new AgentError("connect_failed", text));
      });
    }));
  // Nobody else may listen yet when the peer resets; an error without a listener would end the process.
  socket.on("error", () => {});
  return socket;
}

/** Runs `work` on a socket and destroys the socket when the signal ends or the work fails. */
async function withAbort(socket: Socket, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  const canceled = new AgentError("canceled", "The dial was canceled");
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(canceled);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([work(), aborted]);
  } catch (error) {
    socket.on("error", () => {});
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
