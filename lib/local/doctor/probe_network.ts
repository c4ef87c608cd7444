/** Looks at the way to the endpoint: names, proxy, certificate, and the time that the server shows. */

import { lookup } from "node:dns/promises";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { orAborted } from "../../async/deadline.ts";
import { messageOf, textOf } from "../../base/errors.ts";
import { chooseProxy, proxyAddress, type ProxySettings, withoutBrackets } from "../../wamp/proxy.ts";
import { openStream } from "../../wamp/stream.ts";
import { noProxies } from "../../wamp/proxy.ts";
import type { ClockProbe, NameProbe, ProxyProbe, TlsProbe } from "./doctor_facts.ts";

interface NetworkOptions {
  proxies: ProxySettings;
  signal: AbortSignal;
}

const httpHeaderChars = 16 * 1024;
const headerMs = 4_000;

/** Looks up the names of the endpoint and of the registry. */
export async function probeNames(
  { url, registryHost, proxies }: { url: URL | null; registryHost: string; proxies: ProxySettings },
): Promise<NameProbe[]> {
  const registry = registryHost === "" ? null : URL.parse(`https://${registryHost}`);
  const hosts = new Map<string, boolean>();
  for (const one of [url, registry]) {
    if (one !== null) hosts.set(withoutBrackets(one.hostname), isProxied(one, proxies));
  }
  return await Promise.all([...hosts].map(([host, proxied]) => probeName(host, proxied)));
}

/** Connects to the proxy, if one is used. */
export async function probeProxy(url: URL | null, { proxies, signal }: NetworkOptions): Promise<ProxyProbe> {
  if (url === null) return { kind: "none" };
  let proxy: URL | undefined;
  try {
    proxy = chooseProxy(url, proxies);
  } catch (error) {
    return { kind: "malformed", reason: messageOf(error) };
  }
  if (proxy === undefined) return { kind: "none" };
  const { host, port } = proxyAddress(proxy);
  const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  try {
    (await openStream(new URL(`http://${address}`), { proxies: noProxies, signal })).destroy();
    return { kind: "answers", address };
  } catch (error) {
    return { kind: "away", address, error: textOf(error) };
  }
}

/** Reads the certificate of the endpoint, and the time that it shows in the header of an answer. */
export async function probeEndpoint(
  url: URL | null,
  options: NetworkOptions,
): Promise<{ tls: TlsProbe; aheadMs: ClockProbe["aheadMs"] }> {
  if (url === null) return { tls: { kind: "unreachable", error: "there is no endpoint" }, aheadMs: [] };
  let stream: Socket;
  try {
    stream = await openStream(url, { ...options, isUnverified: true });
  } catch (error) {
    const isSecure = /^(wss|https):$/.test(url.protocol);
    return { tls: isSecure ? { kind: "unreachable", error: textOf(error) } : { kind: "plain" }, aheadMs: [] };
  }
  try {
    const tls = stream instanceof TLSSocket ? await readCertificate(stream, { url, ...options }) : unencrypted;
    const aheadMs = await readAhead(stream, { url, signal: options.signal });
    return { tls, aheadMs: aheadMs === undefined ? [] : [{ server: url.hostname, ms: aheadMs }] };
  } finally {
    stream.destroy();
  }
}

/** How far the clock is ahead of a server that sent this header; undefined without one. */
export function aheadOf(header: string | null | undefined, nowMs: number): number | undefined {
  const ms = Date.parse(header ?? "");
  // Servers cut their time to a second.
  return Number.isNaN(ms) ? undefined : nowMs - ms - 500;
}

const unencrypted: TlsProbe = { kind: "plain" };

function isProxied(url: URL, proxies: ProxySettings): boolean {
  try {
    return chooseProxy(url, proxies) !== undefined;
  } catch {
    // The check of the proxy says so.
    return true;
  }
}

async function probeName(host: string, proxied: boolean): Promise<NameProbe> {
  try {
    const found = await lookup(host, { all: true });
    return { host, addresses: found.map(({ address }) => address), error: "", isProxied: proxied };
  } catch (error) {
    return { host, addresses: [], error: messageOf(error), isProxied: proxied };
  }
}

async function readCertificate(stream: TLSSocket, options: NetworkOptions & { url: URL }): Promise<TlsProbe> {
  const refusal = await handshakeEnd(stream, options.signal);
  if (refusal !== undefined) return { kind: "unreachable", error: refusal };
  const { valid_from: from, valid_to: to, issuer } = stream.getPeerCertificate();
  const dates = { fromMs: Date.parse(from ?? ""), toMs: Date.parse(to ?? "") };
  // What this runtime says about a certificate that it was told to accept is not to be relied on.
  const error = await findRefusal(options);
  if (error === undefined) return { kind: "trusted", toMs: dates.toMs };
  return { kind: "untrusted", error, ...dates, issuer: String(issuer?.CN ?? issuer?.O ?? "") };
}

/** Connects as the agent does. Undefined when the server is trusted. */
async function findRefusal({ url, proxies, signal }: NetworkOptions & { url: URL }): Promise<string | undefined> {
  const stream = await openStream(url, { proxies, signal });
  try {
    return stream instanceof TLSSocket ? await handshakeEnd(stream, signal) : undefined;
  } finally {
    stream.destroy();
  }
}

/** Undefined at the end of the handshake; the reason when the connection ends before. */
async function handshakeEnd(stream: TLSSocket, signal: AbortSignal): Promise<string | undefined> {
  const done = new Promise<string | undefined>((resolve) => {
    stream.once("secureConnect", () => resolve(undefined));
    stream.once("error", (error) => resolve(messageOf(error)));
    stream.once("close", () => resolve("the connection was closed"));
  });
  return await orAborted(done, { what: "The handshake", signal });
}

async function readAhead(
  stream: Socket,
  { url, signal }: { url: URL; signal: AbortSignal },
): Promise<number | undefined> {
  const answered = new Promise<string>((resolve) => {
    let text = "";
    const timer = setTimeout(() => resolve(text), headerMs);
    const end = () => {
      clearTimeout(timer);
      resolve(text);
    };
    stream.on("data", (bytes) => {
      text += new TextDecoder().decode(bytes);
      if (text.includes("\r\n\r\n") || text.length > httpHeaderChars) end();
    });
    stream.once("error", end);
    stream.once("close", end);
    signal.addEventListener("abort", end, { once: true });
    stream.write(`GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: close\r\n\r\n`);
  });
  return aheadOf(/^date: *(.+?)\r?$/im.exec(await answered)?.[1], Date.now());
}
