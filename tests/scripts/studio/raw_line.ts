/**
 * A plain TCP connection to a server under attack: sends whatever it is told to, and keeps the beginning of the answer.
 */

import { connect, type Socket } from "node:net";
import { pollUntil } from "../../../scripts/testbed/wait.ts";

/** So many bytes are sent at once by `pour`. */
export const mebibyte = 1024 * 1024;

/** One connection. Disposing destroys it. */
export class RawLine implements AsyncDisposable {
  isClosed = false;
  /** The beginning of what has come. */
  answer = "";
  readonly #socket: Socket;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#socket = connect(Number(port), hostname);
    this.#socket.on("error", () => {});
    this.#socket.on("data", (bytes) => {
      if (this.answer.length < 10_000) this.answer += bytes.toString("latin1");
    });
    this.#socket.on("close", () => this.isClosed = true);
  }

  /** Resolves when the system has taken it, or the connection is gone. */
  async send(bytes: string | Uint8Array): Promise<void> {
    if (this.isClosed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.once("close", resolve);
    this.#socket.write(bytes, () => resolve());
    await promise;
    this.#socket.off("close", resolve);
  }

  /** Sends the same bytes until there are so many or the connection is gone. */
  async pour(sizeBytes: number, bytes: Uint8Array = new Uint8Array(mebibyte)): Promise<void> {
    for (let sent = 0; sent < sizeBytes && !this.isClosed; sent += bytes.length) await this.send(bytes);
  }

  /** Waits until the head of an answer is there. */
  async answered(): Promise<string> {
    await pollUntil("an answer", () => Promise.resolve(this.answer.includes("\r\n\r\n") || undefined));
    return this.answer;
  }

  /** Waits until the connection is gone. */
  async closed(): Promise<void> {
    await pollUntil("the line is closed", () => Promise.resolve(this.isClosed || undefined), { limitMs: 20_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    await this.closed();
  }
}

/** A request for a WebSocket with these headers besides or instead of the usual ones. */
export function upgradeRequest(headers: Record<string, string>): string {
  const all = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Protocol": "wamp.2.json",
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET /ws HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** The head of a whole text message of this length. Its mask is zero: the payload stands on the wire as it is. */
export function frameHead(length: number): Uint8Array {
  const head = new Uint8Array(14);
  head.set([128 | 1, 128 | 127]);
  new DataView(head.buffer).setBigUint64(2, BigInt(length));
  return head;
}
