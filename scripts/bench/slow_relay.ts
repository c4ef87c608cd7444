/** A link of a given speed: a TCP relay on loopback that limits the bytes per second to its clients. */

import { sleep } from "../testbed/wait.ts";

const chunkBytes = 16_384;

/** How much idle time a link may make up for, because timers are late on a busy machine. */
export const burstMs = 50;

/** When bytes that arrive at `nowMs` have passed a link that is busy until `freeAtMs`. Pure. */
export function freeAfter(
  link: { freeAtMs: number; bytesPerSecond: number },
  offer: { nowMs: number; bytes: number },
): number {
  return Math.max(link.freeAtMs, offer.nowMs - burstMs) + offer.bytes / link.bytesPerSecond * 1_000;
}

/** Relays every connection to a port until disposed. All connections share the speed of the link. */
export class SlowRelay implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #target: { port: number; bytesPerSecond: number };
  readonly #open = new Set<Deno.TcpConn>();
  readonly #accepting: Promise<void>;
  #freeAtMs = 0;

  private constructor(target: { port: number; bytesPerSecond: number }) {
    this.#target = target;
    this.#accepting = this.#accept();
  }

  /** Starts a relay to `127.0.0.1:<port>` on a free port. */
  static listen(target: { port: number; bytesPerSecond: number }): SlowRelay {
    return new SlowRelay(target);
  }

  /** The address for clients: `127.0.0.1:<port>`. */
  get host(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  /** Ends all connections. */
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

  async #serve(client: Deno.TcpConn): Promise<void> {
    this.#open.add(client);
    try {
      const target = await Deno.connect({ hostname: "127.0.0.1", port: this.#target.port });
      this.#open.add(target);
      const answers = this.#pump(target, client, (bytes) => this.#delay(bytes));
      await Promise.all([this.#pump(client, target, () => Promise.resolve()), answers]);
    } catch {
      // One side has closed its connection; the other one is closed as well.
    } finally {
      this.#close(client);
    }
  }

  async #pump(from: Deno.TcpConn, to: Deno.TcpConn, delay: (bytes: number) => Promise<void>): Promise<void> {
    const buffer = new Uint8Array(chunkBytes);
    try {
      for (;;) {
        const count = await from.read(buffer);
        if (count === null) return;
        await delay(count);
        for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
      }
    } catch {
      // Closed by the other direction.
    } finally {
      this.#close(from);
      this.#close(to);
    }
  }

  async #delay(bytes: number): Promise<void> {
    const nowMs = performance.now();
    const link = { freeAtMs: this.#freeAtMs, bytesPerSecond: this.#target.bytesPerSecond };
    this.#freeAtMs = freeAfter(link, { nowMs, bytes });
    await sleep(Math.max(0, this.#freeAtMs - nowMs));
  }

  #close(connection: Deno.TcpConn): void {
    if (this.#open.delete(connection)) connection.close();
  }
}
