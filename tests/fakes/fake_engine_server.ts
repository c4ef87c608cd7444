/**
 * A small real server on a socket that answers as an engine would in situations that a real one cannot be brought into.
 */

import { silentLog } from "../../lib/base/log.ts";
import { Engine } from "../../lib/docker/engine.ts";
import type { EngineLimits } from "../../lib/docker/engine_limits.ts";

/** Writes the raw bytes of an answer; the connection closes when it returns. */
export type RawAnswer = (connection: Deno.Conn, requestHead: string) => Promise<void>;

/** Serves one answer to every request. Raw, because half an answer is what most tests need. */
export class ScriptedEngine implements AsyncDisposable {
  readonly #folder = Deno.makeTempDirSync({ prefix: "se-" });
  readonly #listener: Deno.Listener;
  readonly #running = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  readonly requests: string[] = [];

  constructor(answer: RawAnswer) {
    this.#listener = Deno.listen({ transport: "unix", path: `${this.#folder}/s` });
    this.#accepting = this.#accept(answer);
  }

  /** For DOCKER_HOST. */
  get host(): string {
    return `unix://${this.#folder}/s`;
  }

  /** An engine client for it. */
  client(limits: Partial<EngineLimits> = {}): Engine {
    return new Engine({ log: silentLog, env: { DOCKER_HOST: this.host }, limits });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    await Promise.all(this.#running);
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #accept(answer: RawAnswer): Promise<void> {
    for await (const connection of this.#listener) {
      const run = this.#serve(connection, answer);
      this.#running.add(run);
    }
  }

  async #serve(connection: Deno.Conn, answer: RawAnswer): Promise<void> {
    using _ = connection;
    const buffer = new Uint8Array(65_536);
    const size = await connection.read(buffer) ?? 0;
    const head = new TextDecoder().decode(buffer.subarray(0, size));
    this.requests.push(head);
    try {
      await answer(connection, head);
    } catch (error) {
      // The client went first, as some tests want it to.
      if (!(error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset)) throw error;
    }
  }
}

/** An answer with a body of known length. */
export function answerWith(status: number, body: string): RawAnswer {
  return async (connection) => {
    const length = new TextEncoder().encode(body).length;
    await write(
      connection,
      `HTTP/1.1 ${status} X\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`,
    );
  };
}

/** The head of an answer that comes in chunks. */
export const chunkedHead = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";

/** One chunk of such an answer. */
export function chunk(text: string): string {
  return `${new TextEncoder().encode(text).length.toString(16)}\r\n${text}\r\n`;
}

/** Writes all of a text. */
export async function write(connection: Deno.Conn, text: string): Promise<void> {
  const writer = connection.writable.getWriter();
  await writer.write(new TextEncoder().encode(text));
  writer.releaseLock();
}

/** Returns when the client has closed its side. */
export async function untilClosed(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(1024);
  while (await connection.read(buffer) !== null);
}
