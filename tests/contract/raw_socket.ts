/**
 * A WebSocket client on a plain TCP connection, for what ordinary clients cannot do: drop the connection, send a ping,
 * send a malformed frame. It uses no code of the project, because it tests that code.
 */

/** What arrives on a socket. */
export type Received =
  | { kind: "text"; text: string }
  | { kind: "pong"; payload: string }
  | { kind: "closed"; code: number; reason: string };

const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/** A WebSocket frame. */
interface WireFrame {
  opcode: number;
  payload: Uint8Array;
}

/** An open WebSocket. Calls `received` for everything that arrives, finally with "closed" (code 1006: no handshake). */
export class RawSocket {
  readonly #conn: Deno.TcpConn;
  readonly #reading: Promise<void>;
  #writing: Promise<void> = Promise.resolve();
  #isCut = false;
  #wake: (() => void) | undefined;
  #frozen: Promise<void> | undefined;

  private constructor(conn: Deno.TcpConn, { rest, received }: { rest: Uint8Array; received: (one: Received) => void }) {
    this.#conn = conn;
    this.#reading = this.#read(new FrameReader(conn, rest), received);
  }

  /** Opens a WebSocket to a `ws://` URL and offers one subprotocol. Throws unless the answer is 101. */
  static async open(
    url: string,
    { protocol, received }: { protocol: string; received: (one: Received) => void },
  ): Promise<RawSocket> {
    const { hostname, port, pathname } = new URL(url);
    const conn = await Deno.connect({ hostname, port: Number(port) });
    conn.setNoDelay(true);
    try {
      const key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
      await writeAll(
        conn,
        new TextEncoder().encode(
          `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
            `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
        ),
      );
      const { head, rest } = await readHead(conn);
      if (!head.startsWith("HTTP/1.1 101")) throw new Error(`No WebSocket at ${url}: ${head.split("\r\n")[0]}`);
      return new RawSocket(conn, { rest, received });
    } catch (error) {
      conn.close();
      throw error;
    }
  }

  /** Sends a text frame. */
  sendText(text: string): void {
    this.#send({ opcode: opcodes.text, payload: new TextEncoder().encode(text) });
  }

  /** Sends a binary frame. */
  sendBinary(payload: Uint8Array): void {
    this.#send({ opcode: opcodes.binary, payload });
  }

  /** Sends a ping. */
  sendPing(payload: string): void {
    this.#send({ opcode: opcodes.ping, payload: new TextEncoder().encode(payload) });
  }

  /** Starts the closing handshake. */
  sendClose(code: number): void {
    this.#send({ opcode: opcodes.close, payload: new Uint8Array([code >> 8, code & 255]) });
  }

  /** Sends bytes as they are, for frames that are not complete. Resolves when the system has taken them. */
  async sendBytes(bytes: Uint8Array): Promise<void> {
    this.#writing = this.#writing.then(() => writeAll(this.#conn, bytes)).catch(() => {});
    await this.#writing;
  }

  /** Stops reading until the connection is dropped, so that the other side's buffers fill up. */
  stopReading(): void {
    this.#frozen ??= new Promise((resolve) => this.#wake = resolve);
  }

  /** Drops the connection without a closing handshake, and waits until reading and writing have ended. */
  async cut(): Promise<void> {
    this.#hangUp();
    await this.#reading;
    await this.#writing;
  }

  #hangUp(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    this.#conn.close();
    this.#wake?.();
  }

  #send(frame: WireFrame): void {
    // The reader notices when the other side is gone, so a failed write needs no report of its own.
    this.#writing = this.#writing.then(() => writeAll(this.#conn, encodeFrame(frame))).catch(() => {});
  }

  async #read(reader: FrameReader, received: (one: Received) => void): Promise<void> {
    const decoder = new TextDecoder();
    for (;;) {
      await this.#frozen;
      const frame = await reader.next();
      if (!frame) return received({ kind: "closed", code: 1006, reason: "" });
      if (frame.opcode === opcodes.text) received({ kind: "text", text: decoder.decode(frame.payload) });
      if (frame.opcode === opcodes.pong) received({ kind: "pong", payload: decoder.decode(frame.payload) });
      if (frame.opcode === opcodes.ping) this.#send({ opcode: opcodes.pong, payload: frame.payload });
      if (frame.opcode !== opcodes.close) continue;
      this.#send(frame);
      await this.#writing;
      this.#hangUp();
      const code = ((frame.payload[0] ?? 3) << 8) | (frame.payload[1] ?? 237);
      return received({ kind: "closed", code, reason: decoder.decode(frame.payload.subarray(2)) });
    }
  }
}

/** Splits a byte stream into frames and joins fragments. */
class FrameReader {
  readonly #conn: Deno.TcpConn;
  #bytes: Uint8Array;

  constructor(conn: Deno.TcpConn, rest: Uint8Array) {
    this.#conn = conn;
    this.#bytes = rest;
  }

  /** The next complete message; undefined when the connection has ended. */
  async next(): Promise<WireFrame | undefined> {
    const parts: Uint8Array[] = [];
    let opcode = 0;
    for (;;) {
      const head = await this.#take(2);
      if (!head) return undefined;
      const [first = 0, second = 0] = head;
      const payload = await this.#takePayload(second & 127);
      if (!payload) return undefined;
      if ((first & 15) !== 0) opcode = first & 15;
      parts.push(payload);
      if ((first & 128) !== 0) return { opcode, payload: join(parts) };
    }
  }

  async #takePayload(short: number): Promise<Uint8Array | undefined> {
    if (short < 126) return await this.#take(short);
    const length = await this.#take(short === 126 ? 2 : 8);
    return length && await this.#take(length.reduce((sum, byte) => sum * 256 + byte, 0));
  }

  async #take(count: number): Promise<Uint8Array | undefined> {
    const chunks = [this.#bytes];
    let have = this.#bytes.length;
    while (have < count) {
      const chunk = new Uint8Array(65536);
      // A dropped connection reads as ended.
      const size = await this.#conn.read(chunk).catch(() => null);
      if (size === null) return undefined;
      chunks.push(chunk.subarray(0, size));
      have += size;
    }
    const all = chunks.length === 1 ? this.#bytes : join(chunks);
    this.#bytes = all.subarray(count);
    return all.subarray(0, count);
  }
}

function encodeFrame({ opcode, payload }: WireFrame): Uint8Array {
  const { length } = payload;
  const size = length < 126
    ? [length]
    : length < 65536
    ? [126, length >> 8, length & 255]
    : [127, ...bigEndian(length)];
  const mask = crypto.getRandomValues(new Uint8Array(4));
  const [first = 0, ...rest] = size;
  const masked = payload.map((byte, index) => byte ^ (mask[index & 3] ?? 0));
  return join([new Uint8Array([128 | opcode, 128 | first, ...rest]), mask, masked]);
}

function bigEndian(length: number): number[] {
  return Array.from({ length: 8 }, (_, index) => Math.floor(length / 256 ** (7 - index)) % 256);
}

function join(parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length) at += await conn.write(bytes.subarray(at));
}

async function readHead(conn: Deno.TcpConn): Promise<{ head: string; rest: Uint8Array }> {
  let bytes = new Uint8Array(0);
  for (;;) {
    const text = new TextDecoder("latin1").decode(bytes);
    const end = text.indexOf("\r\n\r\n");
    if (end >= 0) return { head: text.slice(0, end), rest: bytes.subarray(end + 4) };
    const chunk = new Uint8Array(4096);
    const size = await conn.read(chunk);
    if (size === null || bytes.length > 65536) throw new Error("The server ended the connection before it answered");
    bytes = new Uint8Array(join([bytes, chunk.subarray(0, size)]));
  }
}
