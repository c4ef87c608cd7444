/** A server on loopback that writes its answers byte by byte, so that they can be wrong in every way. */

/** A request as it was seen. */
export interface SeenRequest {
  path: string;
  headers: Headers;
}

/** An answer: its head without the empty line, and its body. The connection ends with it. */
export interface RawAnswer {
  head: string;
  body?: Uint8Array;
  /** Nothing more is sent, and the connection stays open. */
  isHanging?: boolean;
}

/** Answers each request with what `answer` returns, and closes the connection. */
export class DownloadServer implements AsyncDisposable {
  readonly requests: SeenRequest[] = [];
  answer: (request: SeenRequest) => RawAnswer;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.TcpConn>();
  readonly #serving: Promise<void>;

  constructor(answer: (request: SeenRequest) => RawAnswer) {
    this.answer = answer;
    this.#serving = this.#serve();
  }

  /** `http://127.0.0.1:<port>` */
  get base(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  /** The paths that were asked for, in order. */
  get paths(): string[] {
    return this.requests.map(({ path }) => path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) close(connection);
    await this.#serving;
  }

  async #serve(): Promise<void> {
    const answering: Promise<void>[] = [];
    for await (const connection of this.#listener) answering.push(this.#serveOne(connection));
    await Promise.all(answering);
  }

  async #serveOne(connection: Deno.TcpConn): Promise<void> {
    this.#open.add(connection);
    try {
      const request = await readRequest(connection);
      if (request === undefined) return;
      this.requests.push(request);
      const { head, body = new Uint8Array(), isHanging = false } = this.answer(request);
      await writeAll(connection, new TextEncoder().encode(`${head}\r\nconnection: close\r\n\r\n`));
      await writeAll(connection, body);
      if (isHanging) await connection.read(new Uint8Array(1));
    } catch {
      // The client went away, or the test has ended.
    } finally {
      close(connection);
    }
  }
}

/** A server of whole files and of parts, as a bucket; `files` is read at each request. */
export function answerFrom(files: ReadonlyMap<string, Uint8Array>, { path, headers }: SeenRequest): RawAnswer {
  const file = files.get(path);
  if (file === undefined) return { head: "HTTP/1.1 404 Not Found\r\ncontent-length: 3", body: new Uint8Array(3) };
  const [, first] = /^bytes=(\d+)-$/.exec(headers.get("range") ?? "") ?? [];
  if (first === undefined) return { head: `HTTP/1.1 200 OK\r\ncontent-length: ${file.length}`, body: file };
  const from = Number(first);
  if (from >= file.length) {
    return { head: `HTTP/1.1 416 No\r\ncontent-range: bytes */${file.length}\r\ncontent-length: 0` };
  }
  const range = `content-range: bytes ${from}-${file.length - 1}/${file.length}`;
  const body = file.subarray(from);
  return { head: `HTTP/1.1 206 Part\r\n${range}\r\ncontent-length: ${body.length}`, body };
}

async function readRequest(connection: Deno.TcpConn): Promise<SeenRequest | undefined> {
  let text = "";
  const block = new Uint8Array(4_096);
  while (!text.includes("\r\n\r\n")) {
    const read = await connection.read(block);
    if (read === null) return undefined;
    text += new TextDecoder().decode(block.subarray(0, read));
  }
  const [first = "", ...lines] = text.split("\r\n");
  const headers = new Headers();
  for (const line of lines) {
    const at = line.indexOf(":");
    if (at > 0) headers.append(line.slice(0, at), line.slice(at + 1).trim());
  }
  return { path: first.split(" ")[1] ?? "", headers };
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await connection.write(bytes.subarray(written));
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
