/**
 * Long answers of an engine on a unix socket, read without the runtime's HTTP client: the client wakes the agent and
 * runs through its layers for every single line of a log, which costs three times as much as everything that the agent
 * itself does with the line.
 */

import { AgentError } from "../base/errors.ts";
import type { EngineStream } from "./engine_stream.ts";
import { unreachable } from "./errors.ts";
import { BodyReader, HeadReader } from "./http_body.ts";

/** A GET request. */
export interface StreamRequest {
  socketPath: string;
  /** With version and query. */
  path: string;
  what: string;
  /** Ends the connection, whatever it is doing. */
  signal: AbortSignal;
}

const readBytes = 64 * 1024;

/**
 * A log arrives line by line, and each read costs. After a read of fewer bytes than this, the next lines get some time
 * to gather in the socket, which holds about 280 short lines; an app that prints that many in the time makes reads that
 * are not short.
 */
const scarceBytes = 8 * 1024;

/** The pause doubles while reads return less than half of that, and is short again after one that returned more. */
const gatherMs = { first: 10, limit: 40 };

/**
 * Sends the request and returns the answer when its head has arrived. A chunk holds what has arrived, and is
 * overwritten by the next. Throws `engine_unreachable` and `canceled`.
 */
export async function openUnixSocketStream(request: StreamRequest): Promise<EngineStream> {
  const connection = new StreamConnection(request, await connect(request));
  try {
    return await connection.ask();
  } catch (error) {
    connection.close();
    throw error;
  }
}

async function connect({ socketPath, what, signal }: StreamRequest): Promise<Deno.UnixConn> {
  try {
    if (signal.aborted) throw new AgentError("canceled", `${what} was canceled`);
    return await Deno.connect({ transport: "unix", path: socketPath });
  } catch (error) {
    throw error instanceof AgentError ? error : unreachable(what, error);
  }
}

/**
 * One request and its answer. Invariant: the connection is closed once: at its end, by an error, its reader or the
 * signal.
 */
class StreamConnection {
  readonly #request: StreamRequest;
  readonly #connection: Deno.UnixConn;
  readonly #buffer = new Uint8Array(readBytes);
  readonly #closed = new AbortController();
  #pauseMs = gatherMs.first;

  constructor(request: StreamRequest, connection: Deno.UnixConn) {
    this.#request = request;
    this.#connection = connection;
    request.signal.addEventListener("abort", this.#onAbort);
    if (request.signal.aborted) this.close();
  }

  async ask(): Promise<EngineStream> {
    try {
      await this.#write(`GET ${this.#request.path} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n`);
      const reader = new HeadReader();
      for (;;) {
        const bytes = await this.#read();
        if (bytes === undefined) throw new Error("the connection ended early");
        const found = reader.push(bytes);
        if (found !== undefined) {
          const { status, contentType } = found.head;
          return { status, contentType, chunks: () => this.#chunks(new BodyReader(found.head), found.rest) };
        }
      }
    } catch (error) {
      throw this.#failure(error);
    }
  }

  close(): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.#request.signal.removeEventListener("abort", this.#onAbort);
    this.#connection.close();
  }

  readonly #onAbort = (): void => this.close();

  async *#chunks(body: BodyReader, first: Uint8Array): AsyncGenerator<Uint8Array, void> {
    try {
      for (let bytes: Uint8Array | undefined = first; bytes !== undefined; bytes = await this.#read()) {
        const size = bytes.length;
        const chunk = body.push(bytes);
        if (chunk.length > 0) yield chunk;
        if (body.isDone) return;
        await this.#gather(size);
      }
      if (!body.mayEnd) throw new Error("the connection ended early");
    } catch (error) {
      throw this.#failure(error);
    } finally {
      this.close();
    }
  }

  /** Undefined at the end of the connection. The bytes are valid until the next read. */
  async #read(): Promise<Uint8Array | undefined> {
    const size = await this.#connection.read(this.#buffer);
    return size === null ? undefined : this.#buffer.subarray(0, size);
  }

  async #write(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    for (let done = 0; done < bytes.length;) done += await this.#connection.write(bytes.subarray(done));
  }

  /** Waits for more to gather after a read of `size` bytes that was short. */
  async #gather(size: number): Promise<void> {
    const pauseMs = this.#pauseMs;
    if (size >= scarceBytes) this.#pauseMs = gatherMs.first;
    else if (size < scarceBytes / 2) this.#pauseMs = Math.min(2 * pauseMs, gatherMs.limit);
    if (size > 0 && size < scarceBytes) await this.#pause(pauseMs);
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#closed;
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener("abort", end);
      if (signal.aborted) end();
    });
  }

  #failure(error: unknown): AgentError {
    const { what, signal } = this.#request;
    if (signal.aborted) return new AgentError("canceled", `${what} was canceled`);
    return error instanceof AgentError ? error : unreachable(what, error);
  }
}
