/**
 * A small WAMP router (JSON over WebSocket, WAMP-CRA) for the local Studio, the demo and fast tests. It behaves like
 * Crossbar.io; `tests/contract/` runs the same cases against both. It can also imitate faults of networks and routers.
 * It uses `ws`, because the runtime's own WebSocket can neither drop a connection nor leave a ping unanswered.
 */

import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { WebSocketServer } from "ws";
import { AgentError } from "../../../lib/base/errors.ts";
import { type Log, silentLog } from "../../../lib/base/log.ts";
import { allowAll, type Authorise } from "./action.ts";
import { Strangers, type User } from "./auth.ts";
import { Connection, type ConnectionHost, messageLimitBytes } from "./connection.ts";
import { UnfinishedMessages } from "./frame_guard.ts";
import { readHeader, refuseRequest } from "./http_request.ts";
import { PendingSockets } from "./pending_sockets.ts";
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
  /** There may be so many sockets without a session; 64 when absent. The oldest is closed for a newer one. */
  pendingLimit?: number;
  /** Names and addresses under which clients call it, besides those of loopback and where it listens. */
  names?: readonly string[];
}

/** What messages that are not complete may hold in all. */
const unfinishedLimitBytes = 64 * 1024 * 1024;

/** The longest head of a request. */
const headLimitBytes = 8 * 1024;

/** How containers call the machine they run on. */
const hostOfContainers = "host.docker.internal";

const subprotocol = "wamp.2.json";

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
  readonly #pending: PendingSockets;
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
    this.#pending = new PendingSockets({ limit: options.pendingLimit ?? 64, limitMs: options.joinLimitMs ?? 30_000 });
    this.#host = this.#createHost();
    this.addRealm(options.realm);
    this.#sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: messageLimitBytes,
      autoPong: false,
      handleProtocols: () => subprotocol,
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
    const server = createServer({ maxHeaderSize: headLimitBytes }, (request, response) => {
      const refusal = this.#refusalOf(request);
      // Whatever body comes with it is not waited for.
      response.on("finish", () => request.socket.destroySoon());
      response.writeHead(refusal === undefined ? 426 : 403, { "connection": "close" });
      response.end(`${refusal ?? "This is a WAMP router"}\n`);
    });
    this.#pending.watch(server);
    server.on("upgrade", (request: IncomingMessage, _stream, head) => this.#onUpgrade(request, head));
    return server;
  }

  #onUpgrade(request: IncomingMessage, head: Buffer): void {
    const transport = request.socket;
    // A client that gives up meanwhile shows itself when its turn comes.
    transport.on("error", () => {});
    const refusal = this.#refusalOf(request);
    if (refusal !== undefined) return refuseUpgrade(transport, "403 Forbidden", refusal);
    const offered = readHeader(request, "sec-websocket-protocol")?.split(",").map((name) => name.trim());
    if (!offered?.includes(subprotocol)) return refuseUpgrade(transport, "400 Bad Request", `Only ${subprotocol}`);
    const upgrade = () => {
      this.#sockets.handleUpgrade(request, transport, head, (socket) => {
        this.#connections.add(new Connection({ socket, transport }, this.#host));
      });
    };
    if (this.#waiting) this.#waiting.push(upgrade);
    else upgrade();
  }

  #refusalOf(request: IncomingMessage): string | undefined {
    return refuseRequest(request, [this.#options.hostname, hostOfContainers, ...this.#options.names ?? []]);
  }

  #createHost(): ConnectionHost {
    return {
      users: this.#users,
      realms: this.#realms,
      log: this.#options.log ?? silentLog,
      sendLimitBytes: this.#options.sendLimitBytes ?? 64 * 1024 * 1024,
      strangers: new Strangers(),
      pending: this.#pending,
      unfinished: new UnfinishedMessages(unfinishedLimitBytes),
      closed: (connection) => {
        this.#connections.delete(connection);
        if (this.#connections.size === 0) this.#whenEmpty();
      },
    };
  }
}

function refuseUpgrade(transport: Socket, status: string, text: string): void {
  const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${
    text.length + 1
  }`;
  transport.end(`${head}\r\n\r\n${text}\n`, () => transport.destroy());
}

function portOf(address: AddressInfo | string | null): number {
  if (address !== null && typeof address === "object") return address.port;
  throw new AgentError("internal", "The router's server has no port");
}
