/** A link between a device and its router that is as bad as a test wants: a TCP relay on loopback of the box. */

import { mustRun } from "../programs.ts";
import { requireBox } from "./box.ts";

/** How the link is. `silent`: nothing is carried, nothing is closed. `refused`: connections are cut and refused. */
export type Weather =
  | { kind: "clear" }
  | { kind: "slow"; delayMs: number; bytesPerSecond: number }
  | { kind: "silent" }
  | { kind: "refused" }
  | { kind: "portal"; answer: string };

/** Relays connections to a port until disposed. What `silent` weather held back is carried when it clears. */
export class BadLink implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #targetPort: number;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #accepting: Promise<void>;
  #weather: Weather = { kind: "clear" };
  #cleared = Promise.withResolvers<void>();
  #dropped: string[][] = [];

  private constructor(targetPort: number) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#targetPort = targetPort;
    this.#accepting = this.#accept();
  }

  /** Starts a relay to `127.0.0.1:<targetPort>` on a free port. */
  static listen(targetPort: number): BadLink {
    requireBox();
    return new BadLink(targetPort);
  }

  /** The port that the device dials. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** From now on the link is like this. */
  set weather(weather: Weather) {
    const before = this.#cleared;
    this.#weather = weather;
    this.#cleared = Promise.withResolvers();
    before.resolve();
    if (weather.kind === "refused" || weather.kind === "portal") this.cut();
  }

  /** Cuts the connections that are open. */
  cut(): void {
    for (const connection of [...this.#open]) this.#close(connection);
  }

  /** The kernel loses this share (0 to 1) of the packets in both directions; 0 ends it. */
  async lose(share: number): Promise<void> {
    for (const rule of this.#dropped.splice(0)) await mustRun("iptables", ["-w", "-D", ...rule]);
    if (share === 0) return;
    const chance = share === 1 ? [] : ["-m", "statistic", "--mode", "random", "--probability", `${share}`];
    for (const side of ["--dport", "--sport"]) {
      const rule = ["INPUT", "-i", "lo", "-p", "tcp", side, `${this.port}`, ...chance, "-j", "DROP"];
      await mustRun("iptables", ["-w", "-I", ...rule]);
      this.#dropped.push(rule);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lose(0);
    this.#listener.close();
    this.weather = { kind: "refused" };
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    const carrying: Promise<void>[] = [];
    for await (const client of this.#listener) {
      this.#open.add(client);
      carrying.push(this.#serve(client));
    }
    await Promise.all(carrying);
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    try {
      await this.#whileSilent();
      if (this.#weather.kind === "refused") return;
      if (this.#weather.kind === "portal") {
        await client.read(new Uint8Array(16_384));
        await client.write(new TextEncoder().encode(this.#weather.answer));
        return;
      }
      const target = await Deno.connect({ hostname: "127.0.0.1", port: this.#targetPort });
      this.#open.add(target);
      await Promise.all([this.#pump(client, target), this.#pump(target, client)]);
    } catch {
      // One of the ends has gone, and so does the other.
    } finally {
      this.#close(client);
    }
  }

  async #pump(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(2_048);
    try {
      for (;;) {
        const count = await from.read(buffer);
        if (count === null) return;
        await this.#whileSilent();
        if (this.#weather.kind === "slow") {
          const { delayMs, bytesPerSecond } = this.#weather;
          await new Promise((resolve) => setTimeout(resolve, delayMs + count * 1_000 / bytesPerSecond));
        }
        for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
      }
    } catch {
      // The other direction, or one of the ends, has closed it.
    } finally {
      this.#close(from);
      this.#close(to);
    }
  }

  async #whileSilent(): Promise<void> {
    while (this.#weather.kind === "silent") await this.#cleared.promise;
  }

  #close(connection: Deno.TcpConn): void {
    if (this.#open.delete(connection)) connection.close();
  }
}
