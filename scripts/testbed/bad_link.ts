/** A link between a device and its router that is as bad as a test wants: a TCP relay on the loopback of a box. */

import { mustRun } from "../programs.ts";
import { requireBox } from "./box.ts";

/** The condition of a link. `silent` carries and closes nothing, `refused` closes and refuses connections. */
export type LinkCondition =
  | { kind: "clear" }
  | { kind: "slow"; delayMs: number; bytesPerSecond: number }
  | { kind: "silent" }
  | { kind: "refused" }
  | { kind: "portal"; answer: string };

/** Relays connections to a port until disposed. What a `silent` link holds back is carried when it clears. */
export class BadLink implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #targetPort: number;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #accepting: Promise<void>;
  #condition: LinkCondition = { kind: "clear" };
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

  /** Changes the condition of the link. */
  set condition(condition: LinkCondition) {
    const before = this.#cleared;
    this.#condition = condition;
    this.#cleared = Promise.withResolvers();
    before.resolve();
    if (condition.kind === "refused" || condition.kind === "portal") this.cut();
  }

  /** Closes the open connections. */
  cut(): void {
    for (const connection of [...this.#open]) this.#close(connection);
  }

  /** Makes the kernel drop this share (0 to 1) of the packets in both directions. */
  async losePackets(share: number): Promise<void> {
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
    await this.losePackets(0);
    this.#listener.close();
    this.condition = { kind: "refused" };
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
      if (this.#condition.kind === "refused") return;
      if (this.#condition.kind === "portal") {
        await client.read(new Uint8Array(16_384));
        await client.write(new TextEncoder().encode(this.#condition.answer));
        return;
      }
      const target = await Deno.connect({ hostname: "127.0.0.1", port: this.#targetPort });
      this.#open.add(target);
      await Promise.all([this.#pump(client, target), this.#pump(target, client)]);
    } catch {
      // One of the ends is gone; the other is closed, too.
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
        if (this.#condition.kind === "slow") {
          const { delayMs, bytesPerSecond } = this.#condition;
          await new Promise((resolve) => setTimeout(resolve, delayMs + count * 1_000 / bytesPerSecond));
        }
        for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
      }
    } catch {
      // One of the ends, or the other direction, has closed it.
    } finally {
      this.#close(from);
      this.#close(to);
    }
  }

  async #whileSilent(): Promise<void> {
    while (this.#condition.kind === "silent") await this.#cleared.promise;
  }

  #close(connection: Deno.TcpConn): void {
    if (this.#open.delete(connection)) connection.close();
  }
}
