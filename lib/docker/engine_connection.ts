/** A connection to the engine that belongs to a program after the answer: its output comes in, its input goes out. */

import { AgentError, type ErrorCode } from "../base/errors.ts";
import type { EngineEndpoint } from "./endpoint.ts";
import { engineFailure, unreachable } from "./errors.ts";
import { BodyReader, HeadReader, type ResponseHead } from "./http_body.ts";

/** The input and output of a program in a container. */
export interface EngineConnection {
  /** The next bytes, valid until the next call; undefined at the end, and after `close()`. Never throws. */
  read(): Promise<Uint8Array | undefined>;
  /** Resolves once the engine has taken all of it. Throws `engine_unreachable`. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends it, whatever it is doing. */
  close(): void;
}

/** How a connection is opened. `signal` counts until the answer has arrived. */
export interface ConnectionRequest {
  endpoint: EngineEndpoint;
  /** With version. */
  path: string;
  body: Readonly<Record<string, unknown>>;
  what: string;
  missing: ErrorCode | undefined;
  signal: AbortSignal;
}

const bufferBytes = 64 * 1024;

/** Sends the request and reads the head of the answer. Throws as `engineFailure()`, and `canceled`. */
export async function openEngineConnection(request: ConnectionRequest): Promise<EngineConnection> {
  const { what, signal } = request;
  const socket = await connectTo(request);
  const stream = new SocketStream(socket, what);
  const onAbort = () => stream.close();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    if (signal.aborted) stream.close();
    await stream.write(encodeRequest(request));
    await readHead(stream, request);
    return stream;
  } catch (error) {
    stream.close();
    if (signal.aborted) throw new AgentError("canceled", `${what} was canceled`);
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

async function connectTo({ endpoint, what }: ConnectionRequest): Promise<Deno.Conn> {
  const { socketPath, host = "localhost", port = 2375, protocol, ca, cert, key } = endpoint;
  if (socketPath !== undefined && Deno.build.os === "windows") {
    throw new AgentError("not_available", `${what} is not possible through a named pipe`);
  }
  try {
    if (socketPath !== undefined) return await Deno.connect({ transport: "unix", path: socketPath });
    const hostname = host.replace(/^\[|\]$/g, "");
    if (protocol === "http") return await Deno.connect({ hostname, port });
    const identity = cert === undefined || key === undefined ? {} : { cert, key };
    return await Deno.connectTls({ hostname, port, ...identity, ...(ca === undefined ? {} : { caCerts: [ca] }) });
  } catch (error) {
    throw unreachable(what, error);
  }
}

function encodeRequest({ path, body }: ConnectionRequest): Uint8Array {
  const encoder = new TextEncoder();
  const text = JSON.stringify(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    "Host: docker",
    "Connection: Upgrade",
    "Upgrade: tcp",
    "Content-Type: application/json",
    `Content-Length: ${encoder.encode(text).length}`,
  ];
  return encoder.encode(`${head.join("\r\n")}\r\n\r\n${text}`);
}

async function readHead(stream: SocketStream, { what, missing }: ConnectionRequest): Promise<void> {
  const reader = new HeadReader();
  for (;;) {
    const bytes = await stream.read();
    if (bytes === undefined) throw unreachable(what, "the connection ended early");
    const found = readPart(reader, { bytes, what });
    if (found === undefined) continue;
    const { head, rest } = found;
    if (head.status < 400) return stream.unread(rest);
    throw engineFailure(what, { status: head.status, text: await readRefusal(stream, head, rest), missing });
  }
}

function readPart(
  reader: HeadReader,
  { bytes, what }: { bytes: Uint8Array; what: string },
): { head: ResponseHead; rest: Uint8Array } | undefined {
  try {
    return reader.push(bytes);
  } catch (error) {
    throw unreachable(what, error);
  }
}

async function readRefusal(stream: SocketStream, head: ResponseHead, rest: Uint8Array): Promise<string> {
  const body = new BodyReader(head);
  const decoder = new TextDecoder();
  let text = "";
  for (let bytes: Uint8Array | undefined = rest; bytes !== undefined; bytes = await stream.read()) {
    text += decoder.decode(body.push(bytes), { stream: true });
    if (body.isDone || text.length > bufferBytes) break;
  }
  return text;
}

/** Invariant: the socket is closed once. */
class SocketStream implements EngineConnection {
  readonly #socket: Deno.Conn;
  readonly #what: string;
  readonly #buffer = new Uint8Array(bufferBytes);
  #unread: Uint8Array | undefined;
  #isClosed = false;

  constructor(socket: Deno.Conn, what: string) {
    this.#socket = socket;
    this.#what = what;
  }

  /** Puts bytes back in front of what is read next. */
  unread(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#unread = bytes.slice();
  }

  async read(): Promise<Uint8Array | undefined> {
    const unread = this.#unread;
    this.#unread = undefined;
    if (unread !== undefined) return unread;
    try {
      const size = this.#isClosed ? null : await this.#socket.read(this.#buffer);
      return size === null ? undefined : this.#buffer.subarray(0, size);
    } catch {
      // Closed by us, or a connection that broke: nothing more comes in either case.
      return undefined;
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) done += await this.#socket.write(bytes.subarray(done));
    } catch (error) {
      throw unreachable(this.#what, error);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
  }
}
