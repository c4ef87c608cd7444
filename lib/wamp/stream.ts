/**
 * Opens the byte stream below a WebSocket: TCP, proxy, TLS. Closes everything that it opened when the dial is
 * aborted.
 */

import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { orAborted } from "../async/deadline.ts";
import { AgentError, messageOf } from "../base/errors.ts";
import { chooseProxy, proxyAddress, type ProxySettings, withoutBrackets } from "./proxy.ts";
import { openTunnel } from "./proxy_tunnel.ts";
import { type ClientCertificate, tlsOptions } from "./tls.ts";

/** Where to dial and how. */
export interface StreamOptions {
  proxies: ProxySettings;
  clientCertificate?: ClientCertificate;
  /** Accepts any server; for callers that only want to read its certificate. */
  isUnverified?: boolean;
  /** Aborts the dial and destroys its socket. */
  signal: AbortSignal;
}

/**
 * A connected stream to the host of `url`, through a proxy when the settings require one. For `wss` and `https` it is
 * a TLS socket whose handshake is still running; its errors appear on the stream. Throws `connect_failed` or
 * `canceled`.
 */
export async function openStream(url: URL, options: StreamOptions): Promise<Socket> {
  const isSecure = url.protocol === "wss:" || url.protocol === "https:";
  const host = withoutBrackets(url.hostname);
  const port = Number(url.port || (isSecure ? 443 : 80));
  const trust = options.isUnverified ? { rejectUnauthorized: false } : {};
  const security = isSecure ? { ...tlsOptions(host, options.clientCertificate), ...trust } : undefined;
  const proxy = chooseProxy(url, options.proxies);
  const first = proxy === undefined ? { host, port } : proxyAddress(proxy);
  const socket = await openTcp(first, options.signal);
  try {
    if (proxy === undefined) return security === undefined ? socket : connectTls({ ...security, socket });
    const toProxy = proxy.protocol === "https:" ? connectTls({ ...tlsOptions(first.host, undefined), socket }) : socket;
    await orDestroy(toProxy, openTunnel(toProxy, { proxy, host, port }), options.signal);
    return security === undefined ? toProxy : connectTls({ ...security, socket: toProxy });
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Opens a TCP connection. Throws `connect_failed` with the address and the system's text. */
async function openTcp(address: { host: string; port: number }, signal: AbortSignal): Promise<Socket> {
  const socket = connectTcp({ ...address, noDelay: true, autoSelectFamily: isIP(address.host) === 0 });
  const connected = new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", (error) => {
      const text = `Cannot connect to ${address.host}:${address.port}: ${messageOf(error)}`;
      reject(new AgentError("connect_failed", text));
    });
  });
  await orDestroy(socket, connected, signal);
  // The peer may reset the connection before anyone else listens; an error without a listener would end the process.
  socket.on("error", () => {});
  return socket;
}

/** Waits for work on a socket, and destroys the socket when the work fails or `signal` is aborted. */
async function orDestroy(socket: Socket, work: Promise<void>, signal: AbortSignal): Promise<void> {
  try {
    await orAborted(work, { what: "The dial", signal });
  } catch (error) {
    socket.on("error", () => {});
    socket.destroy();
    throw error;
  }
}
