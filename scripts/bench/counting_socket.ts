/** A unix socket in front of the engine's own that counts the agent's requests. */

import { RequestCounter, type RequestName } from "./request_counter.ts";

/** Forwards every connection unchanged until disposed. */
export class CountingSocket implements AsyncDisposable {
  readonly #listener: Deno.UnixListener;
  readonly #path: string;
  readonly #target: string;
  readonly #open = new Set<Deno.UnixConn>();
  readonly #counts = new Map<RequestName, number>();
  readonly #accepting: Promise<void>;

  private constructor(path: string, target: string) {
    this.#path = path;
    this.#target = target;
    this.#listener = Deno.listen({ transport: "unix", path });
    this.#accepting = this.#accept();
  }

  /** Listens next to the engine's socket. */
  static listen(target: string): CountingSocket {
    return new CountingSocket(`${target}.counted`, target);
  }

  /** The value for DOCKER_HOST. */
  get host(): string {
    return `unix://${this.#path}`;
  }

  /** The requests so far, by name. */
  counts(): ReadonlyMap<RequestName, number> {
    return new Map(this.#counts);
  }

  /** The number of requests so far. */
  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Closes all connections and the socket. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of [...this.#open]) this.#close(connection);
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    const serving: Promise<void>[] = [];
    for await (const client of this.#listener) serving.push(this.#serve(client));
    await Promise.all(serving);
  }

  async #serve(client: Deno.UnixConn): Promise<void> {
    this.#open.add(client);
    const counter = new RequestCounter((name) => this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1));
    try {
      const engine = await Deno.connect({ transport: "unix", path: this.#target });
      this.#open.add(engine);
      const sent = this.#pump(client, engine, (bytes) => counter.feed(bytes));
      await Promise.all([sent, this.#pump(engine, client, () => {})]);
    } catch {
      // One side has closed its connection; the other one is closed as well.
    } finally {
      this.#close(client);
    }
  }

  async #pump(from: Deno.UnixConn, to: Deno.UnixConn, look: (bytes: Uint8Array) => void): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (;;) {
        const count = await from.read(buffer);
        if (count === null) return;
        look(buffer.subarray(0, count));
        for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
      }
    } catch {
      // Closed by the other direction.
    } finally {
      this.#close(from);
      this.#close(to);
    }
  }

  #close(connection: Deno.UnixConn): void {
    if (this.#open.delete(connection)) connection.close();
  }
}
