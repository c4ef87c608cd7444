/** The sockets that have not joined: how many there may be, and for how long. */

import type { Server, Socket } from "node:net";

/** How a socket without a session is ended. */
export interface PendingSocket {
  /** Others have come since: at once. */
  evict(): void;
  /** Its time is over. */
  expire(): void;
}

interface Entry {
  pending: PendingSocket;
  timer: ReturnType<typeof setTimeout>;
}

/**
 * The sockets without a session, oldest first.
 * - There are at most `limit`. The oldest goes for a newer one, so that idle sockets keep nobody out.
 * - Each has `limitMs` from its opening, or from the end of its session.
 */
export class PendingSockets {
  readonly #limit: number;
  readonly #limitMs: number;
  readonly #entries = new Map<Socket, Entry>();

  constructor({ limit, limitMs }: { limit: number; limitMs: number }) {
    this.#limit = limit;
    this.#limitMs = limitMs;
  }

  /** Adds every connection of a server, from its first moment until it is closed or removed. */
  watch(server: Server): void {
    server.on("connection", (socket: Socket) => {
      const end = () => socket.destroy();
      this.add(socket, { evict: end, expire: end });
      socket.once("close", () => this.remove(socket));
    });
  }

  /** Adds a socket, or changes how it is ended; its time runs on then. */
  add(socket: Socket, pending: PendingSocket): void {
    const known = this.#entries.get(socket);
    if (known !== undefined) {
      known.pending = pending;
      return;
    }
    const timer = setTimeout(() => this.#entries.get(socket)?.pending.expire(), this.#limitMs);
    this.#entries.set(socket, { pending, timer });
    if (this.#entries.size > this.#limit) this.#evictOldest();
  }

  /** Takes a socket out that has joined or is closed. */
  remove(socket: Socket): void {
    clearTimeout(this.#entries.get(socket)?.timer);
    this.#entries.delete(socket);
  }

  #evictOldest(): void {
    for (const [socket, { pending }] of this.#entries) {
      this.remove(socket);
      return pending.evict();
    }
  }
}
