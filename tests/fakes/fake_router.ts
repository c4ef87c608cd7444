/** A WebSocket server on loopback whose frames the test writes itself: for routers that break the rules. */

import type { IncomingHttpHeaders } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";

/** One connection of the client, seen from the router. */
export class Peer {
  /** The headers of the upgrade request. */
  readonly headers: IncomingHttpHeaders;
  /** Resolves with code and reason of the close frame; 1006 when there was none. */
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #socket: WebSocket;
  readonly #received: unknown[][] = [];
  readonly #readers: ((message: unknown[]) => void)[] = [];
  readonly #pings: string[] = [];
  readonly #pingWaiters: (() => void)[] = [];

  constructor(socket: WebSocket, headers: IncomingHttpHeaders) {
    this.headers = headers;
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    socket.on("error", () => {});
    socket.on("ping", (data) => {
      this.#pings.push(data.toString());
      for (const resolve of this.#pingWaiters.splice(0)) resolve();
    });
    socket.on("message", (data) => {
      const message: unknown[] = JSON.parse(data.toString());
      const reader = this.#readers.shift();
      if (reader) reader(message);
      else this.#received.push(message);
    });
  }

  /** Payloads of the pings so far. */
  get pings(): readonly string[] {
    return this.#pings;
  }

  /** Resolves when the client has sent `count` pings; the pong is on its way then. */
  async untilPinged(count: number): Promise<void> {
    while (this.#pings.length < count) await new Promise<void>((resolve) => this.#pingWaiters.push(resolve));
  }

  /** The next message from the client. */
  read(): Promise<unknown[]> {
    const message = this.#received.shift();
    if (message !== undefined) return Promise.resolve(message);
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  /** Reads the next message and returns its second element, the request id. Throws when it has another type. */
  async expect(type: number): Promise<number> {
    const message = await this.read();
    if (message[0] !== type) throw new Error(`Expected a message of type ${type}, got ${JSON.stringify(message)}`);
    return Number(message[1]);
  }

  /** Sends messages in one go, so that they arrive right behind each other. */
  send(...messages: unknown[]): void {
    for (const message of messages) this.#socket.send(JSON.stringify(message));
  }

  /** Sends a frame as it is; bytes become a binary frame unless `asText`. */
  sendFrame(frame: string | Uint8Array, options: { asText?: boolean } = {}): void {
    this.#socket.send(frame, { binary: typeof frame !== "string" && !options.asText });
  }

  /** Sends the first part of a text message and leaves out the rest. */
  sendPart(text: string): void {
    this.#socket.send(text, { fin: false });
  }

  /** Pings the client and resolves when its pong has arrived. */
  async ping(): Promise<void> {
    const answered = new Promise<void>((resolve) => this.#socket.once("pong", () => resolve()));
    this.#socket.ping("are you there");
    await answered;
  }

  /** Answers HELLO with WELCOME, without a challenge. Returns the HELLO. */
  async welcome(options: { id?: number; roles?: unknown } = {}): Promise<unknown[]> {
    const hello = await this.read();
    this.send([2, options.id ?? 77, { roles: options.roles ?? { broker: {}, dealer: {} } }]);
    return hello;
  }

  /** Closes in order. */
  close(code = 1000, reason = ""): void {
    this.#socket.close(code, reason);
  }

  /** Destroys the socket. */
  terminate(): void {
    this.#socket.terminate();
  }
}

/** Listens until it is disposed, which destroys all its sockets. */
export class FakeRouter implements AsyncDisposable {
  readonly #server: WebSocketServer;
  readonly #peers: Peer[] = [];
  readonly #waiting: ((peer: Peer) => void)[] = [];

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on("connection", (socket, request) => {
      const peer = new Peer(socket, request.headers);
      const waiting = this.#waiting.shift();
      if (waiting) waiting(peer);
      else this.#peers.push(peer);
    });
  }

  /** Starts a server. `autoPong` false leaves pings unanswered; `protocol` is the subprotocol it chooses. */
  static async listen(options: { autoPong?: boolean; protocol?: string | false } = {}): Promise<FakeRouter> {
    const server = new WebSocketServer({
      host: "127.0.0.1",
      port: 0,
      autoPong: options.autoPong ?? true,
      handleProtocols: () => options.protocol ?? "wamp.2.json",
    });
    await new Promise<void>((resolve, reject) => server.once("listening", resolve).once("error", reject));
    return new FakeRouter(server);
  }

  /** The URL to dial. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("The server does not listen");
    return `ws://127.0.0.1:${address.port}/ws`;
  }

  /** The next connection. */
  accept(): Promise<Peer> {
    const peer = this.#peers.shift();
    return peer ? Promise.resolve(peer) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#server.clients) socket.terminate();
    await closed;
  }
}
