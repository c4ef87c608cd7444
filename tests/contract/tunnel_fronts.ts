/** What may stand between a device and its tunnel server: a front that ends TLS, and a proxy that connects. */

import { TestCa } from "../../scripts/testbed/certificate_authority.ts";

/** Where a front listens, and what is behind it on this machine. */
export interface FrontOptions {
  hostname: string;
  port: number;
  targetPort: number;
}

/** Ends TLS and passes on what is in it, as the web server of an appliance does. */
export class TlsFront implements AsyncDisposable {
  connections = 0;
  readonly #listener: Deno.TlsListener;
  readonly #passing = new Set<Promise<void>>();
  readonly #open = new Set<Deno.Conn>();

  private constructor(listener: Deno.TlsListener, targetPort: number) {
    this.#listener = listener;
    this.#passing.add(this.#accept(targetPort));
  }

  /** Starts a front with a certificate that nobody knows. */
  static async start(folder: string, { hostname, port, targetPort }: FrontOptions): Promise<TlsFront> {
    const ca = await TestCa.create(folder);
    const { certificateFile, keyFile } = await ca.sign("front", { names: [`IP:${hostname}`] });
    const [cert, key] = [await Deno.readTextFile(certificateFile), await Deno.readTextFile(keyFile)];
    return new TlsFront(Deno.listenTls({ hostname, port, cert, key }), targetPort);
  }

  async #accept(targetPort: number): Promise<void> {
    for (;;) {
      const outer = await this.#listener.accept().catch(() => undefined);
      if (outer === undefined) return;
      this.connections += 1;
      const inner = await Deno.connect({ hostname: "127.0.0.1", port: targetPort });
      this.#passing.add(pass(outer, inner, this.#open));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) closeQuietly(connection);
    await Promise.all(this.#passing);
  }
}

/** An HTTP proxy that connects to whatever it is asked for, and notes it. */
export class ConnectProxy implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #passing = new Set<Promise<void>>();
  readonly #open = new Set<Deno.Conn>();

  constructor() {
    this.#passing.add(this.#accept());
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  async #accept(): Promise<void> {
    for (;;) {
      const outer = await this.#listener.accept().catch(() => undefined);
      if (outer === undefined) return;
      this.#passing.add(this.#serve(outer));
    }
  }

  async #serve(outer: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(4_096);
    const size = await outer.read(buffer) ?? 0;
    const [, hostname, port] = /^CONNECT ([^:]+):(\d+) /.exec(new TextDecoder().decode(buffer.subarray(0, size))) ?? [];
    if (hostname === undefined || port === undefined) return outer.close();
    this.asked.push(`${hostname}:${port}`);
    const inner = await Deno.connect({ hostname, port: Number(port) });
    await outer.write(new TextEncoder().encode("HTTP/1.1 200 Connection established\r\n\r\n"));
    await pass(outer, inner, this.#open);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) closeQuietly(connection);
    await Promise.all(this.#passing);
  }
}

async function pass(one: Deno.Conn, other: Deno.Conn, open: Set<Deno.Conn>): Promise<void> {
  open.add(one).add(other);
  const end = () => {
    for (const connection of [one, other]) {
      closeQuietly(connection);
      open.delete(connection);
    }
  };
  const copy = (from: Deno.Conn, to: Deno.Conn) => from.readable.pipeTo(to.writable).catch(() => {}).finally(end);
  await Promise.all([copy(one, other), copy(other, one)]);
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // The other direction has closed it.
  }
}
