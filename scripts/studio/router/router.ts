/**
 * A small WAMP router (JSON over WebSocket, WAMP-CRA) for the local Studio, the demo and fast tests. It behaves as
 * Crossbar.io does; `tests/contract/` runs the same cases on both. Besides it can be made to fail the way networks and
 * routers fail. The WebSocket part is `ws`, because the runtime's own can neither cut a socket nor leave a ping unanswered.
 */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { AgentError } from "../../../lib/base/errors.ts";
import { type Log, silentLog } from "../../../lib/base/log.ts";
import type { User } from "./auth.ts";
import { Connection, type ConnectionHost } from "./connection.ts";
import { allowAll, type Authorise, Realm } from "./realm.ts";
import type { Session } from "./session.ts";

export type { User } from "./auth.ts";
export type { ActionRequest, Authorise } from "./realm.ts";

/** What a router is started with. */
export interface RouterOptions {
  hostname: string;
  /** 0 takes a free one. */
  port: number;
  realm: string;
  /** Who may join, by authid. */
  users: Record<string, User>;
  /** Asked before each call, register, publish and subscribe; everything is allowed when absent. */
  authorise?: Authorise;
  log?: Log;
  /** A session is dropped when more than this waits to be sent to it; 64 MiB when absent. */
  sendLimitBytes?: number;
  /** A socket without a session is closed after this; 30 s when absent. */
  joinLimitMs?: number;
}

const messageLimitBytes = 16 * 1024 * 1024;

/** How long `close` waits for clients before it cuts them. */
const closeLimitMs = 500;

/** A running router. Invariant: a connection is in the set until its socket is closed, or its stranded session buried. */
export class Router implements AsyncDisposable {
  readonly #options: RouterOptions;
  readonly #users: Map<string, User>;
  readonly #realms = new Map<string, Realm>();
  readonly #connections = new Set<Connection>();
  readonly #sockets: WebSocketServer;
  readonly #host: ConnectionHost;
  /** The listening server, undefined while connections are refused, and the ends of all that listened before. */
  #server: Server | undefined;
  readonly #ended: Promise<void>[] = [];
  #port: number;
  #whenEmpty: () => void = () => {};
  /** Upgrades that wait while the router is paused. */
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

  /** Starts a router. Throws `io_failed` when the address cannot be had. */
  static async listen(options: RouterOptions): Promise<Router> {
    const router = new Router(options);
    await router.accept();
    return router;
  }

  /** Where clients connect, e.g. `ws://127.0.0.1:8080/ws`. */
  get url(): string {
    return `ws://${this.#options.hostname}:${this.#port}/ws`;
  }

  /** The joined sessions of all realms. */
  get sessions(): Session[] {
    return [...this.#realms.values()].flatMap((realm) => [...realm.sessions.values()]);
  }

  /** Lets somebody join from now on. */
  addUser(authid: string, user: User): void {
    this.#users.set(authid, user);
  }

  /** Lets nobody join with this authid any more. Sessions that have joined stay. */
  removeUser(authid: string): void {
    this.#users.delete(authid);
  }

  /** Opens another realm. */
  addRealm(name: string): void {
    this.#realms.set(name, new Realm(name, this.#options.authorise ?? allowAll));
  }

  /** Says GOODBYE to one session, as `wamp.session.kill` does. False when there is none with this id. */
  goodbye(sessionId: number, reason?: string, message?: string): boolean {
    const session = this.#find(sessionId)?.session;
    session?.goodbye(reason, message);
    return session !== undefined;
  }

  /** Fault: cuts the socket of one session without a word. False when there is none with this id. */
  dropSession(sessionId: number): boolean {
    const connection = this.#find(sessionId);
    connection?.drop();
    return connection !== undefined;
  }

  /** Fault: cuts the socket of one session, but keeps the session with its registrations, like a router that has not
   * noticed the loss. `burySession` lets it notice. False when there is none with this id. */
  strandSession(sessionId: number): boolean {
    const connection = this.#find(sessionId);
    connection?.strand();
    return connection !== undefined;
  }

  /** Ends a stranded session. False when there is none with this id. */
  endStrandedSession(sessionId: number): boolean {
    return this.#find(sessionId)?.endStranded() ?? false;
  }

  /** Fault: accepts connections, but answers nothing any more, not even a ping (a half-open link). */
  pause(): void {
    this.#waiting ??= [];
    for (const connection of this.#connections) connection.pause();
  }

  /** Ends `pause`: everything that waited goes on. */
  resume(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const connection of this.#connections) connection.resume();
    for (const upgrade of waiting) upgrade();
  }

  /** Fault: refuses new connections; those that are open stay. */
  refuse(): void {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    // The callback comes when the last WebSocket is gone, long after the port was given back.
    this.#ended.push(new Promise((resolve) => server.close(() => resolve())));
    server.closeAllConnections();
  }

  /** Ends `refuse`: listens on the same address again. Throws `io_failed` when it cannot be had. */
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

  /** Says GOODBYE to all and closes their sockets; sockets that stay open for half a second are cut. New connections are
   * still accepted. */
  async closeAll(): Promise<void> {
    await this.#endAll((connection) => connection.close());
  }

  /** Fault: cuts all sockets without a word, as a router does that was killed. New connections are still accepted. */
  async dropAll(): Promise<void> {
    await this.#endAll((connection) => connection.drop());
  }

  /** Ends the router: nobody new, GOODBYE to all, all sockets closed. */
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
      // A client that gives up meanwhile shows itself when its turn comes.
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
