/**
 * Decides whether a dial goes through a proxy and opens the way through it: HTTP CONNECT and SOCKS5.
 *
 * The agents on npm (https-proxy-agent, socks-proxy-agent) cost 8 ms and 3 MB and cannot be stopped while the proxy is
 * silent; a dial must end within its deadline and leave no socket behind.
 */

import { BlockList, isIP, type Socket } from "node:net";
import { AgentError } from "../base/errors.ts";

/** The proxy variables of the environment, read once per process. Empty text means not set. */
export interface ProxySettings {
  /** For `ws`. */
  http: string;
  /** For `wss`. */
  https: string;
  /** Hosts that are reached directly, separated by commas. */
  none: string;
}

/** Settings that never use a proxy. */
export const noProxies: ProxySettings = { http: "", https: "", none: "" };

/** Reads `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, in upper case first, then in lower case. */
export function readProxySettings(environment: { get(name: string): string | undefined }): ProxySettings {
  const read = (name: string) => environment.get(name) || environment.get(name.toLowerCase()) || "";
  return { http: read("HTTP_PROXY"), https: read("HTTPS_PROXY"), none: read("NO_PROXY") };
}

/**
 * The proxy for a WebSocket URL, or undefined to go directly. `localhost` and loopback addresses are never proxied.
 * Throws `connect_failed` when the variable holds no usable URL.
 */
export function chooseProxy(url: URL, settings: ProxySettings): URL | undefined {
  const isSecure = url.protocol === "wss:" || url.protocol === "https:";
  const text = isSecure ? settings.https : settings.http;
  const host = withoutBrackets(url.hostname);
  if (text === "" || isLoopback(host)) return undefined;
  const port = url.port || (isSecure ? "443" : "80");
  if (settings.none.split(",").some((entry) => isCovered(host, port, entry.trim().toLowerCase()))) return undefined;
  return parseProxy(text);
}

/** The TCP address of a proxy. */
export function proxyAddress(proxy: URL): { host: string; port: number } {
  const standard = proxy.protocol.startsWith("socks") ? 1080 : proxy.protocol === "https:" ? 443 : 80;
  return { host: withoutBrackets(proxy.hostname), port: Number(proxy.port || standard) };
}

/**
 * Asks the proxy at the other end of `socket` for a way to `host:port`; afterwards the socket talks to the target. The
 * proxy resolves the name. Throws `connect_failed` with the proxy's own answer; ends when the socket is destroyed.
 */
export async function openTunnel(socket: Socket, proxy: URL, target: { host: string; port: number }): Promise<void> {
  if (proxy.protocol.startsWith("socks")) await openSocks5(socket, proxy, target);
  else await openConnect(socket, proxy, target);
}

async function openConnect(socket: Socket, proxy: URL, target: { host: string; port: number }): Promise<void> {
  const authority = `${isIP(target.host) === 6 ? `[${target.host}]` : target.host}:${target.port}`;
  const login = proxy.username === "" ? "" : `Proxy-Authorization: Basic ${base64(loginOf(proxy).join(":"))}\r\n`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${login}\r\n`);
  const head = await readUntil(socket, (bytes) => {
    const end = indexOfBlankLine(bytes);
    if (end < 0 && bytes.length > 16_384) throw new AgentError("connect_failed", "The proxy answered no HTTP header");
    return end;
  });
  const status = new TextDecoder("latin1").decode(head).split("\r\n")[0] ?? "";
  if (!/^HTTP\/1\.[01] 2\d\d/.test(status)) {
    throw new AgentError("connect_failed", `The proxy refused CONNECT to ${authority}: ${status.slice(0, 120)}`);
  }
}

async function openSocks5(socket: Socket, proxy: URL, target: { host: string; port: number }): Promise<void> {
  const [user, password] = loginOf(proxy).map((text) => new TextEncoder().encode(text).subarray(0, 255));
  const hasLogin = proxy.username !== "" && user !== undefined && password !== undefined;
  socket.write(new Uint8Array(hasLogin ? [5, 2, 0, 2] : [5, 1, 0]));
  const choice = await readUntil(socket, (bytes) => bytes.length >= 2 ? 2 : -1);
  if (choice[0] !== 5) throw new AgentError("connect_failed", "The proxy does not speak SOCKS5");
  if (choice[1] === 2 && hasLogin) {
    socket.write(new Uint8Array([1, user.length, ...user, password.length, ...password]));
    const verdict = await readUntil(socket, (bytes) => bytes.length >= 2 ? 2 : -1);
    if (verdict[1] !== 0) throw new AgentError("connect_failed", "The SOCKS5 proxy refused the login");
  } else if (choice[1] !== 0) {
    throw new AgentError("connect_failed", "The SOCKS5 proxy wants a login");
  }
  const name = new TextEncoder().encode(target.host).subarray(0, 255);
  socket.write(new Uint8Array([5, 1, 0, 3, name.length, ...name, target.port >> 8, target.port & 255]));
  const reply = await readUntil(socket, socksReplyLength);
  if (reply[1] !== 0) {
    throw new AgentError("connect_failed", `The SOCKS5 proxy refused ${target.host}:${target.port}: code ${reply[1]}`);
  }
}

function socksReplyLength(bytes: Uint8Array): number {
  if (bytes.length < 5) return -1;
  const addressLength = bytes[3] === 1 ? 4 : bytes[3] === 4 ? 16 : 1 + (bytes[4] ?? 0);
  const length = 4 + addressLength + 2;
  return bytes.length >= length ? length : -1;
}

/** Reads until `lengthOf` says how many bytes belong to the answer; what follows is put back for the next reader. */
function readUntil(socket: Socket, lengthOf: (bytes: Uint8Array) => number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let seen = new Uint8Array(0);
    const finish = () => socket.off("readable", onReadable).off("error", onEnd).off("close", onEnd).off("end", onEnd);
    const onEnd = (error?: unknown) => {
      finish();
      const cause = error instanceof Error ? error : undefined;
      reject(new AgentError("connect_failed", "The proxy closed the connection", { cause }));
    };
    // Not `data`: pausing afterwards would leave the stream paused for its next reader.
    const onReadable = () => {
      const chunk: unknown = socket.read();
      if (!(chunk instanceof Uint8Array)) return;
      seen = concat(seen, chunk);
      try {
        const length = lengthOf(seen);
        if (length < 0) return;
        finish();
        if (seen.length > length) socket.unshift(seen.subarray(length));
        resolve(seen.subarray(0, length));
      } catch (error) {
        finish();
        reject(error);
      }
    };
    socket.on("readable", onReadable).on("error", onEnd).on("close", onEnd).on("end", onEnd);
  });
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

function indexOfBlankLine(bytes: Uint8Array): number {
  for (let index = 3; index < bytes.length; index++) {
    if (bytes[index] === 10 && bytes[index - 1] === 13 && bytes[index - 2] === 10) return index + 1;
  }
  return -1;
}

function parseProxy(text: string): URL {
  const known = ["http:", "https:", "socks5:", "socks5h:", "socks:"];
  const full = text.includes("://") ? text : `http://${text}`;
  if (!URL.canParse(full) || !known.includes(new URL(full).protocol) || new URL(full).hostname === "") {
    throw new AgentError("connect_failed", "Cannot use the proxy of the environment: it is no http or socks5 URL");
  }
  return new URL(full);
}

function loginOf(proxy: URL): [string, string] {
  return [decodePart(proxy.username), decodePart(proxy.password)];
}

function decodePart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A password with a bare percent sign is meant as it stands.
    return text;
  }
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "").toLowerCase();
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "::1" ||
    (isIP(host) === 4 && host.startsWith("127."));
}

/** One entry of NO_PROXY: `*`, a name (with its subdomains), `.name` (only those), an address, a subnet; all with `:port`. */
function isCovered(host: string, port: string, entry: string): boolean {
  if (entry === "*") return true;
  if (entry === "") return false;
  if (entry.includes("/")) return isInSubnet(host, entry);
  const withPort = isIP(entry) === 6 ? null : /^(.*):(\d+)$/.exec(entry);
  if (withPort !== null && withPort[2] !== port) return false;
  const name = withoutBrackets(withPort?.[1] ?? entry).replace(/^\*(?=\.)/, "");
  if (isIP(host) !== 0) return host === name;
  return name.startsWith(".") ? host.endsWith(name) : host === name || host.endsWith(`.${name}`);
}

function isInSubnet(host: string, entry: string): boolean {
  const [network = "", bits = ""] = entry.split("/");
  const version = isIP(host);
  if (version === 0 || version !== isIP(network) || !/^\d{1,3}$/.test(bits)) return false;
  if (Number(bits) > (version === 4 ? 32 : 128)) return false;
  const family = version === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(network, Number(bits), family);
  return list.check(host, family);
}
