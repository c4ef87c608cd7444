/** A TCP relay on loopback whose connections can be frozen or cut: a link that goes dead. */

/** Relays every connection to a port until disposed. */
export class Relay implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #targetPort: number;
  readonly #lines = new Set<Line>();
  readonly #accepting: Promise<void>;

  private constructor(listener: Deno.TcpListener, targetPort: number) {
    this.#listener = listener;
    this.#targetPort = targetPort;
    this.#accepting = this.#accept();
  }

  /** Starts a relay to `127.0.0.1:<targetPort>` on a free port. */
  static listen(targetPort: number): Relay {
    return new Relay(Deno.listen({ hostname: "127.0.0.1", port: 0 }), targetPort);
  }

  /** The port that clients dial. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** The number of open connections. */
  get size(): number {
    return this.#lines.size;
  }

  /** Freezes the open connections: they stay open on both sides and carry nothing. New ones are relayed. */
  freeze(): void {
    for (const line of this.#lines) line.isFrozen = true;
  }

  /** Closes the open connections. */
  cut(): void {
    for (const line of [...this.#lines]) this.#close(line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    const carrying: Promise<void>[] = [];
    try {
      for await (const client of this.#listener) carrying.push(this.#carry(client));
    } finally {
      await Promise.all(carrying);
    }
  }

  async #carry(client: Deno.TcpConn): Promise<void> {
    let target: Deno.TcpConn;
    try {
      target = await Deno.connect({ hostname: "127.0.0.1", port: this.#targetPort });
    } catch {
      // Nobody listens on the target port: the client sees its connection closed.
      return client.close();
    }
    const line: Line = { client, target, isFrozen: false, isClosed: false };
    this.#lines.add(line);
    await Promise.all([this.#pump(line, client, target), this.#pump(line, target, client)]);
  }

  async #pump(line: Line, from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (;;) {
        const count = await from.read(buffer);
        if (count === null) break;
        for (let sent = 0; !line.isFrozen && sent < count;) sent += await to.write(buffer.subarray(sent, count));
      }
    } catch {
      // One of the ends, or the other direction, has closed it.
    }
    // With a frozen line, neither side learns that the other has gone.
    if (!line.isFrozen) this.#close(line);
  }

  #close(line: Line): void {
    this.#lines.delete(line);
    if (line.isClosed) return;
    line.isClosed = true;
    line.client.close();
    line.target.close();
  }
}

interface Line {
  client: Deno.TcpConn;
  target: Deno.TcpConn;
  isFrozen: boolean;
  isClosed: boolean;
}
