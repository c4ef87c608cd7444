/**
 * A small WAMP router (JSON over WebSocket, WAMP-CRA) for the local Studio, the demo and fast tests. It behaves like
 * Crossbar.io; `tests/contract/` runs the same cases against both. It can also imitate faults of networks and routers.
 * It uses `ws`, because the runtime's own WebSocket can neither drop a connection nor leave a ping unanswered.
 */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { AgentError } from "../../../lib/base/errors.ts";
import { type Log, silentLog } from "../../../lib/base/log.ts";
import { allowAll, type Authorise } from "./action.ts";
import type { User } from "./auth.ts";
import { Connection, type ConnectionHost } from "./connection.ts";
import { Realm } from "./realm.ts";
import type { Session } from "./session.ts";

/** How a router is started. */
export interface RouterOptions {
  hostname: string;
  /** 0 for a free port. */
  port: number;
  realm: string;
  /** The users, by authid. */
  users: Record<string, User>;
  /** Called before each call, register, publish and subscribe; by default everything is allowed. */
  authorise?: Authorise;
  log?: Log;
  /** A session with more unsent bytes is dropped; 64 MiB by default. */
  sendLimitBytes?: number;
  /** A socket without a session is closed after this time; 30 s by default. */
  joinLimitMs?: number;
}

const messageLimitBytes = 16 * 1024 * 1024;

/** How long `closeAll()` waits for clients before it drops them. */
const closeLimitMs = 500;

/** A running router. Invariant: a connection is in the set until its socket, or its stranded session, has ended. */
export class Router implements AsyncDisposable {
  readonly #options: RouterOptions;
  readonly #users: Map<string, User>;
  readonly #realms = new Map<string, Realm>();
  readonly #connections = new Set<Connection>();
  readonly #sockets: WebSocketServer;
  readonly #host: ConnectionHost;
  /** The listening server, undefined while connections are refused, and the ends of all former ones. */
  #server: Server | undefined;
  readonly #ended: Promise<void>[] = [];
  #port: number;
  #whenEmpty: () => void = () => {};
  /** Upgrades that wait until the router is resumed. */
  #waiting: (() => void)[] | undefined;

  private constructor(options: RouterOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#users = new Map(Object.entries(options.users));
    this.#host = this.#createHost();
    this.addRealm(options.realm);
    this.#sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: messageLimitBytes,
      autoPong: false,
      handleProtocols: (offered) => offered.has("wamp.2.json") ? "wamp.2.json" : false,
    });
  }

  /** Starts a router. Throws `io_failed` when it cannot listen on the address. */
  static async listen(options: RouterOptions): Promise<Router> {
    const router = new Router(options);
    await router.accept();
    return router;
  }

  /** The URL for clients, e.g. `ws://127.0.0.1:8080/ws`. */
  get url(): string {
    return `ws://${this.#options.hostname}:${this.#port}/ws`;
  }

  /** The joined sessions of all realms. */
  get sessions(): Session[] {
    return [...this.#realms.values()].flatMap((realm) => [...realm.sessions.values()]);
  }

  /** Adds a user. */
  addUser(authid: string, user: User): void {
    this.#users.set(authid, user);
  }

  /** Removes a user. Its sessions stay. */
  removeUser(authid: string): void {
    this.#users.delete(authid);
  }

  /** Adds a realm. */
  addRealm(name: string): void {
    this.#realms.set(name, new Realm(name, this.#options.authorise ?? allowAll));
  }

  /** Sends GOODBYE to a session, like `wamp.session.kill`. Returns false when there is no such session. */
  goodbye(sessionId: number, { reason, message }: { reason?: string; message?: string } = {}): boolean {
    const session = this.#find(sessionId)?.session;
    session?.goodbye(reason, message);
    return session !== undefined;
  }

  /** Fault: drops the connection of a session. Returns false when there is no such session. */
  dropSession(sessionId: number): boolean {
    const connection = this.#find(sessionId);
    connection?.drop();
    return connection !== undefined;
  }

  /**
   * Fault: drops the connection of a session and keeps the session with its registrations, like a router that has not
   * noticed the loss. See `endStrandedSession()`. Returns false when there is no such session.
   */
  strandSession(sessionId: number): boolean {
    const connection = this.#find(sessionId);
    connection?.strand();
    return connection !== undefined;
  }

  /** Ends a stranded session. Returns false when there is no such session. */
  endStrandedSession(sessionId: number): boolean {
    return this.#find(sessionId)?.endStranded() ?? false;
  }

  /** Fault: accepts connections and answers nothing, not even a ping (a half-open link). */
  pause(): void {
    this.#waiting ??= [];
    for (const connection of this.#connections) connection.pause();
  }

  /** Ends `pause()`. */
  resume(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const connection of this.#connections) connection.resume();
    for (const upgrade of waiting) upgrade();
  }

  /** Fault: refuses new connections; open ones stay. */
  refuse(): void {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    // The callback is called when the last WebSocket has closed, long after the port is free again.
    this.#ended.push(new Promise((resolve) => server.close(() => resolve())));
    server.closeAllConnections();
  }

  /** Ends `refuse()`: listens on the same address again. Throws `io_failed` when that fails. */
  async accept(): Promise<void> {
    if (this.#server) return;
    const server = this.#createServer();
    const { hostname } = this.#options;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) => {
        reject(new AgentError("io_failed", `Cannot listen on ${hostname}:${this.#port}`, { cause }));
      });
      server.listen(this.#port, hostname, () => resolve());
    });
    this.#server = server;
    this.#port = portOf(server.address());
  }

  /**
   * Sends GOODBYE to all sessions and closes their sockets; those that are still open after half a second are dropped.
   * New connections are still accepted.
   */
  async closeAll(): Promise<void> {
    await this.#endAll((connection) => connection.close());
  }

  /** Fault: drops all connections, like a router that was killed. New connections are still accepted. */
  async dropAll(): Promise<void> {
    await this.#endAll((connection) => connection.drop());
  }

  /** Stops the router: refuses new connections, sends GOODBYE to all sessions and closes all sockets. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.resume();
    this.refuse();
    await this.closeAll();
    for (const realm of this.#realms.values()) realm.dealer.close();
    await Promise.all(this.#ended);
    this.#sockets.close();
  }

  #find(sessionId: number): Connection | undefined {
    return [...this.#connections].find((connection) => connection.session?.id === sessionId);
  }

  async #endAll(end: (connection: Connection) => void): Promise<void> {
    if (this.#connections.size === 0) return;
    const gone = new Promise<void>((resolve) => this.#whenEmpty = resolve);
    for (const connection of [...this.#connections]) end(connection);
    const timer = setTimeout(() => {
      for (const connection of [...this.#connections]) connection.drop();
    }, closeLimitMs);
    await gone;
    clearTimeout(timer);
  }

  #createServer(): Server {
    const server = createServer((_request, response) => response.writeHead(426).end("This is a WAMP router\n"));
    server.on("upgrade", (request, socket, head) => {
      const upgrade = () => this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#admit(webSocket));
      if (!this.#waiting) return upgrade();
      // A client that has given up in the meantime is noticed during the upgrade.
      socket.on("error", () => {});
      this.#waiting.push(upgrade);
    });
    return server;
  }

  #admit(webSocket: WebSocket): void {
    if (webSocket.protocol === "wamp.2.json") this.#connections.add(new Connection(webSocket, this.#host));
    else webSocket.close(1002, "only wamp.2.json is spoken here");
  }

  #createHost(): ConnectionHost {
    return {
      users: this.#users,
      realms: this.#realms,
      log: this.#options.log ?? silentLog,
      sendLimitBytes: this.#options.sendLimitBytes ?? 64 * 1024 * 1024,
      joinLimitMs: this.#options.joinLimitMs ?? 30_000,
      closed: (connection) => {
        this.#connections.delete(connection);
        if (this.#connections.size === 0) this.#whenEmpty();
      },
    };
  }
}

function portOf(address: AddressInfo | string | null): number {
  if (address !== null && typeof address === "object") return address.port;
  throw new AgentError("internal", "The router's server has no port");
}
