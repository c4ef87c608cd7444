/** One WebSocket that carries WAMP as JSON text: dial, keepalive, decoding of frames, orderly and immediate close. */

import type { Socket } from "node:net";
import { WebSocket } from "ws";
import type { Clock } from "../async/clock.ts";
import { orAborted } from "../async/deadline.ts";
import { AgentError, isCanceled, messageOf, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { findDateProblem, isCertificateRefused } from "./certificate_dates.ts";
import { untilSilent } from "./keepalive.ts";
import { decodeMessage, encodeMessage, inboundLimitBytes } from "./message.ts";
import type { ProxySettings } from "./proxy.ts";
import { openStream } from "./stream.ts";
import type { ClientCertificate } from "./tls.ts";

/** Called with every WAMP message that passes the socket. The message may hold secrets. */
export type Trace = (direction: "in" | "out", message: unknown[]) => void;

/** Where and how to dial. */
export interface TransportOptions {
  /** `ws`, `wss`, `http` or `https`. */
  url: string;
  clientCertificate?: ClientCertificate;
  proxies: ProxySettings;
  /** Interval of the keepalive pings; 0 sends none. */
  pingMs: number;
  /** Bytes of a message; 16 MiB when absent. */
  sendLimitBytes?: number;
  clock: Clock;
  log: Log;
  trace?: Trace;
  /** Ends the dial, not the connection that it leads to. */
  signal: AbortSignal;
}

/** How a connection ended. `reason` is for people. */
export interface TransportEnd {
  code: number;
  reason: string;
}

/** Takes what arrives. */
export interface Receiver {
  onMessage(message: unknown[]): void;
  /** A frame that is not a WAMP message; `why` says what is wrong with it. */
  onBadFrame(why: string): void;
  /** Everything that was waiting has been sent. */
  onDrain?(): void;
}

/** Messages are refused while more than this waits to be sent, so that a slow uplink cannot use up the memory. */
export const sendBacklogLimitBytes = 8 * 1024 * 1024;

const subprotocol = "wamp.2.json";
const closeWaitMs = 1_000;

/** The WebSocket options that keep the handshake as routers expect it: no extensions, no redirects. */
const socketOptions = {
  perMessageDeflate: false,
  followRedirects: false,
  // Bad UTF-8 is replaced by U+FFFD when the frame is decoded; validation here would close the connection instead.
  skipUTF8Validation: true,
  maxPayload: inboundLimitBytes,
};

/**
 * An open connection. Invariants: `closed` resolves exactly once, as soon as the connection is known to be gone and at
 * most one second after `close()`; nothing is delivered and no timer runs afterwards.
 */
export class Transport {
  readonly #webSocket: WebSocket;
  readonly #stream: Socket;
  readonly #options: TransportOptions;
  /** Aborted when the connection is being closed or is gone. */
  readonly #closing = new AbortController();
  /** Aborted when the connection is gone. */
  readonly #gone = new AbortController();
  readonly #end = Promise.withResolvers<TransportEnd>();
  #receiver: Receiver | undefined;
  #lastHeardMs = 0;
  #socketError = "";
  #isCertificateRefused = false;

  private constructor(webSocket: WebSocket, stream: Socket, options: TransportOptions) {
    this.#webSocket = webSocket;
    this.#stream = stream;
    this.#options = options;
    webSocket.once("open", () => this.#listen());
    stream.on("drain", () => this.#receiver?.onDrain?.());
    webSocket.on("message", (data, isBinary) => this.#onFrame(data, isBinary));
    webSocket.on("error", (error) => this.#onError(error));
    webSocket.on("close", (code, reason) => this.#finish({ code, reason: reason.toString() || this.#socketError }));
  }

  /** Dials. Throws `connect_failed` (name, address, proxy, TLS or upgrade failed) or `canceled`. */
  static async open(options: TransportOptions): Promise<Transport> {
    const url = readUrl(options.url);
    const stream = await openStream(url, options);
    let webSocket: WebSocket;
    try {
      webSocket = new WebSocket(url.href, [subprotocol], { ...socketOptions, createConnection: () => stream });
    } catch (error) {
      stream.destroy();
      throw new AgentError("connect_failed", `Cannot dial ${url.host}: ${messageOf(error)}`);
    }
    const transport = new Transport(webSocket, stream, options);
    try {
      await transport.#untilOpen(url.host);
    } catch (error) {
      transport.terminate();
      throw await transport.#explain(error, url);
    }
    if (options.pingMs > 0) transport.#keepAlive();
    return transport;
  }

  /** Resolves when the connection is gone, whoever ended it. Never rejects. */
  get closed(): Promise<TransportEnd> {
    return this.#end.promise;
  }

  /** False as soon as the connection is gone or is being closed. */
  get isOpen(): boolean {
    return !this.#closing.signal.aborted;
  }

  /** When the last bytes from the router arrived, pongs and parts of messages included; monotonic ms of the clock. */
  get lastHeardMs(): number {
    return this.#lastHeardMs;
  }

  /** Bytes that wait to be sent; 0 when the connection is gone. */
  get waitingBytes(): number {
    return this.#webSocket.bufferedAmount;
  }

  /** False while so much waits to be sent that `send` refuses. */
  get canSend(): boolean {
    return this.waitingBytes <= sendBacklogLimitBytes;
  }

  /** Sets the receiver of what arrives; until then messages are dropped. */
  setReceiver(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  /**
   * Sends one message. Throws `not_connected`, `bad_request` (cannot be serialised, or above the frame limit: it is not
   * sent) or `io_failed` (too much waits to be sent already); the connection stays as it is.
   */
  send(message: unknown[]): void {
    if (!this.isOpen) throw new AgentError("not_connected", "not connected");
    const text = encodeMessage(message, this.#options.sendLimitBytes);
    if (!this.canSend) {
      throw new AgentError("io_failed", `Cannot send message: ${this.waitingBytes} bytes wait to be sent already`);
    }
    this.#options.trace?.("out", message);
    this.#webSocket.send(text, () => {
      // A failed write also closes the socket, and that is where it is handled.
    });
  }

  /** Closes in order: a close frame, at most one second for the peer's answer, then the socket is destroyed. */
  async close(code: number, reason: string): Promise<void> {
    if (this.isOpen) {
      this.#closing.abort();
      this.#webSocket.close(code, reason);
      try {
        await this.#options.clock.sleep(closeWaitMs, this.#gone.signal);
        this.terminate();
      } catch (error) {
        if (!isCanceled(error)) throw error;
      }
    }
    await this.#end.promise;
  }

  /** Destroys the socket at once, without a farewell. */
  terminate(reason = "closed by us"): void {
    this.#webSocket.terminate();
    this.#stream.destroy();
    this.#finish({ code: 1006, reason });
  }

  /** Listens to bytes, not messages: a long message on a slow line is a sign of life from its first part on. */
  #listen(): void {
    const { clock } = this.#options;
    this.#lastHeardMs = clock.now();
    this.#stream.on("data", () => this.#lastHeardMs = clock.now());
  }

  async #untilOpen(host: string): Promise<void> {
    const opened = Promise.withResolvers<void>();
    this.#webSocket.once("open", opened.resolve);
    this.#end.promise.then(({ reason }) =>
      opened.reject(new AgentError("connect_failed", `Cannot dial ${host}: ${reason || "the connection was closed"}`))
    );
    await orAborted(opened.promise, { what: "The dial", signal: this.#options.signal });
  }

  /** The error of a failed dial; when a certificate was refused because of the time, one that says so. */
  async #explain(error: unknown, url: URL): Promise<unknown> {
    if (!this.#isCertificateRefused) return error;
    const problem = await findDateProblem(url, { ...this.#options, now: this.#options.clock.wall() });
    return problem === undefined ? error : new AgentError("connect_failed", `Cannot dial ${url.host}: ${problem}`);
  }

  #keepAlive(): void {
    untilSilent(this.#webSocket, this.#options, this.#closing.signal).then(
      (pings) => this.terminate(`no answer to ${pings} pings`),
      (error) => isCanceled(error) || this.terminate(`keepalive failed: ${textOf(error)}`),
    );
  }

  #onFrame(data: unknown, isBinary: boolean): void {
    const receiver = this.#receiver;
    if (receiver === undefined || this.#gone.signal.aborted) return;
    const message = isBinary ? undefined : decodeMessage(String(data));
    if (message !== undefined) this.#options.trace?.("in", message);
    try {
      if (message === undefined) receiver.onBadFrame(isBinary ? "binary frame" : "frame is not a WAMP message");
      else receiver.onMessage(message);
    } catch (error) {
      // An exception here would end the process; only the connection must end.
      this.#options.log.error("Cannot process a message from the router", { error });
      this.terminate("a message could not be processed");
    }
  }

  #onError(error: unknown): void {
    this.#socketError = messageOf(error);
    this.#isCertificateRefused = isCertificateRefused(error);
  }

  #finish(end: TransportEnd): void {
    if (this.#gone.signal.aborted) return;
    this.#gone.abort();
    this.#closing.abort();
    this.#end.resolve(end);
  }
}

function readUrl(text: string): URL {
  const known = ["ws:", "wss:", "http:", "https:"];
  if (!URL.canParse(text)) throw new AgentError("connect_failed", `Cannot dial "${text}": it is not a URL`);
  const url = new URL(text);
  if (!known.includes(url.protocol)) {
    throw new AgentError("connect_failed", `Cannot dial "${text}": it is not a WebSocket URL`);
  }
  return url;
}
