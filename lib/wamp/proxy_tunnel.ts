/**
 * Opens a connection through a proxy: HTTP CONNECT and SOCKS5.
 *
 * The agents on npm (https-proxy-agent, socks-proxy-agent) cost 8 ms and 3 MB and cannot be aborted while the proxy is
 * silent; a dial must end within its deadline and leave no socket behind.
 */

import { isIP, type Socket } from "node:net";
import { AgentError } from "../base/errors.ts";

/** The proxy, whose URL may hold a login, and what it should connect to. */
export interface TunnelOptions {
  proxy: URL;
  host: string;
  port: number;
}

/**
 * Asks the proxy at the other end of `socket` for a connection to `host:port`; afterwards the socket talks to that
 * target. The proxy resolves the name. Throws `connect_failed` with the proxy's own answer, or when the socket is
 * destroyed.
 */
export async function openTunnel(socket: Socket, target: TunnelOptions): Promise<void> {
  if (target.proxy.protocol.startsWith("socks")) await openSocks5(socket, target);
  else await openConnect(socket, target);
}

async function openConnect(socket: Socket, target: TunnelOptions): Promise<void> {
  const { proxy } = target;
  const authority = `${isIP(target.host) === 6 ? `[${target.host}]` : target.host}:${target.port}`;
  const login = proxy.username === "" ? "" : `Proxy-Authorization: Basic ${base64(loginOf(proxy).join(":"))}\r\n`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${login}\r\n`);
  const head = await readUntil(socket, (bytes) => {
    const end = indexOfBlankLine(bytes);
    if (end < 0 && bytes.length > 16_384) {
      throw new AgentError("connect_failed", "The proxy did not answer with an HTTP header");
    }
    return end;
  });
  const status = new TextDecoder("latin1").decode(head).split("\r\n")[0] ?? "";
  if (!/^HTTP\/1\.[01] 2\d\d/.test(status)) {
    throw new AgentError("connect_failed", `The proxy refused CONNECT to ${authority}: ${status.slice(0, 120)}`);
  }
}

async function openSocks5(socket: Socket, { proxy, host, port }: TunnelOptions): Promise<void> {
  await logInSocks5(socket, proxy);
  const name = new TextEncoder().encode(host).subarray(0, 255);
  socket.write(new Uint8Array([5, 1, 0, 3, name.length, ...name, port >> 8, port & 255]));
  const reply = await readUntil(socket, socksReplyLength);
  if (reply[1] !== 0) {
    throw new AgentError("connect_failed", `The SOCKS5 proxy refused ${host}:${port}: code ${reply[1]}`);
  }
}

/** Offers no login or the one of the proxy's URL, and logs in if the proxy requires it. */
async function logInSocks5(socket: Socket, proxy: URL): Promise<void> {
  const [user, password] = loginOf(proxy).map((text) => new TextEncoder().encode(text).subarray(0, 255));
  const hasLogin = proxy.username !== "" && user !== undefined && password !== undefined;
  socket.write(new Uint8Array(hasLogin ? [5, 2, 0, 2] : [5, 1, 0]));
  const choice = await readUntil(socket, twoBytes);
  if (choice[0] !== 5) throw new AgentError("connect_failed", "The proxy does not speak SOCKS5");
  if (choice[1] === 2 && hasLogin) {
    socket.write(new Uint8Array([1, user.length, ...user, password.length, ...password]));
    const verdict = await readUntil(socket, twoBytes);
    if (verdict[1] !== 0) throw new AgentError("connect_failed", "The SOCKS5 proxy refused the login");
  } else if (choice[1] !== 0) {
    throw new AgentError("connect_failed", "The SOCKS5 proxy requires a login");
  }
}

function twoBytes(bytes: Uint8Array): number {
  return bytes.length >= 2 ? 2 : -1;
}

function socksReplyLength(bytes: Uint8Array): number {
  if (bytes.length < 5) return -1;
  const addressLength = bytes[3] === 1 ? 4 : bytes[3] === 4 ? 16 : 1 + (bytes[4] ?? 0);
  const length = 4 + addressLength + 2;
  return bytes.length >= length ? length : -1;
}

/**
 * Reads until `lengthOf` returns the length of the answer (-1: not complete); what follows is left for the next
 * reader.
 */
function readUntil(socket: Socket, lengthOf: (bytes: Uint8Array) => number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let received = new Uint8Array(0);
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
      received = concat(received, chunk);
      try {
        const length = lengthOf(received);
        if (length < 0) return;
        finish();
        if (received.length > length) socket.unshift(received.subarray(length));
        resolve(received.subarray(0, length));
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
