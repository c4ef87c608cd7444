/** One WebSocket that carries WAMP as JSON text: dial, keepalive, frame guard, orderly and hard close. */

import type { Socket } from "node:net";
import { WebSocket } from "ws";
import type { Clock } from "../async/clock.ts";
import { AgentError, isCanceled, messageOf, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { findDateProblem, isCertificateRefused } from "./certificate_dates.ts";
import { decodeMessage, encodeMessage, inboundLimitBytes } from "./message.ts";
import type { ProxySettings } from "./proxy.ts";
import { openStream } from "./stream.ts";
import type { ClientCertificate } from "./tls.ts";

/** Called with every WAMP message as it passes the socket. The message may hold secrets. */
export type Trace = (direction: "in" | "out", message: unknown[]) => void;

/** What a dial needs. */
export interface TransportOptions {
  /** `ws`, `wss`, `http` or `https`. */
  url: string;
  clientCertificate?: ClientCertificate;
  proxies: ProxySettings;
  /** Interval of the keepalive pings; 0 sends none. */
  pingMs: number;
  clock: Clock;
  log: Log;
  trace?: Trace;
  /** Ends the dial, not the connection that came of it. */
  signal: AbortSignal;
}

/** How a connection ended. `reason` is for people. */
export interface TransportEnd {
  code: number;
  reason: string;
}

/** Takes what arrives. `onFault` gets the reason why a frame is not a WAMP message. */
export interface Receiver {
  onMessage(message: unknown[]): void;
  onFault(why: string): void;
  /** Everything that had to wait has been sent. */
  onRoom?(): void;
}

/** Messages are refused while more than this waits to be sent, so that a slow uplink cannot eat the memory. */
export const sendBacklogLimitBytes = 8 * 1024 * 1024;

const subprotocol = "wamp.2.json";
const closeWaitMs = 1_000;
const lostPingLimit = 2;

/** The part of the ping interval that the answer to the last ping may take. */
const lastWaitShare = 0.3;
// Pings queue behind data: on an uplink slower than this a big message would look like a dead peer.
const slowestUplinkBytesPerMs = 256;

/** The WebSocket options that keep the handshake as the reference sends it: no extensions, no redirects. */
const socketOptions = {
  perMessageDeflate: false,
  followRedirects: false,
  // Bad UTF-8 is replaced by U+FFFD when the frame is decoded; validation here would close the connection instead.
  skipUTF8Validation: true,
  maxPayload: inboundLimitBytes,
};

/**
 * An open connection. Invariants: `closed` resolves exactly once, at the moment the connection is known to be gone and
 * never later than one second after `close()`; nothing is delivered and no timer runs afterwards.
 */
export class Transport {
  readonly #webSocket: WebSocket;
  readonly #stream: Socket;
  readonly #options: TransportOptions;
  readonly #ended = new AbortController();
  readonly #end = Promise.withResolvers<TransportEnd>();
  #receiver: Receiver | undefined;
  #lastHeardMs = 0;
  #isClosing = false;
  #fault = "";
  #isUntrusted = false;

  private constructor(webSocket: WebSocket, stream: Socket, options: TransportOptions) {
    this.#webSocket = webSocket;
    this.#stream = stream;
    this.#options = options;
    webSocket.once("open", () => this.#listen());
    stream.on("drain", () => this.#receiver?.onRoom?.());
    webSocket.on("message", (data, isBinary) => this.#onFrame(data, isBinary));
    webSocket.on("error", (error) => this.#onError(error));
    webSocket.on("close", (code, reason) => this.#finish({ code, reason: reason.toString() || this.#fault }));
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
      await transport.#opened(options.signal, url.host);
    } catch (error) {
      transport.terminate();
      const doubt = transport.#isUntrusted && await findDateProblem(url, { ...options, now: options.clock.wall() });
      throw doubt ? new AgentError("connect_failed", `Cannot dial ${url.host}: ${doubt}`) : error;
    }
    if (options.pingMs > 0) transport.#keepAlive().catch((error) => transport.#onKeepAliveFault(error));
    return transport;
  }

  /** Resolves when the connection is gone, whoever ended it. Never rejects. */
  get closed(): Promise<TransportEnd> {
    return this.#end.promise;
  }

  /** False as soon as the connection is gone or is being closed. */
  get isOpen(): boolean {
    return !this.#isClosing && !this.#ended.signal.aborted;
  }

  /** When the last bytes of the router came in, pongs and parts of messages included; monotonic ms of the clock. */
  get lastHeardMs(): number {
    return this.#lastHeardMs;
  }

  /** Bytes that wait to be sent; 0 when the connection is gone. */
  get waitingBytes(): number {
    return this.#webSocket.bufferedAmount;
  }

  /** False while so much waits to be sent that `send` refuses. */
  get hasRoom(): boolean {
    return this.waitingBytes <= sendBacklogLimitBytes;
  }

  /** Sets who takes what arrives; until then it is dropped. */
  deliverTo(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  /**
   * Sends one message. Throws `not_connected`, `bad_request` (cannot be serialised, or above the frame limit: it is not
   * sent) or `io_failed` (too much waits to be sent already); the connection stays as it is.
   */
  send(message: unknown[]): void {
    if (!this.isOpen) throw new AgentError("not_connected", "not connected");
    const text = encodeMessage(message);
    if (!this.hasRoom) {
      throw new AgentError("io_failed", `Cannot send message: ${this.waitingBytes} bytes wait to be sent already`);
    }
    this.#options.trace?.("out", message);
    this.#webSocket.send(text, () => {
      // A failed write also closes the socket, and that is where it is handled.
    });
  }

  /** Closes in order: close frame, at most one second for the peer's answer, then the socket is cut. */
  async close(code: number, reason: string): Promise<void> {
    if (!this.#isClosing && !this.#ended.signal.aborted) {
      this.#isClosing = true;
      this.#webSocket.close(code, reason);
      try {
        await this.#options.clock.sleep(closeWaitMs, this.#ended.signal);
        this.terminate();
      } catch (error) {
        if (!isCanceled(error)) throw error;
      }
    }
    await this.#end.promise;
  }

  /** Cuts the connection at once, without a farewell. */
  terminate(reason = "cut by us"): void {
    this.#webSocket.terminate();
    this.#stream.destroy();
    this.#finish({ code: 1006, reason });
  }

  /** Hears bytes, not messages: a long message on a slow line is a sign of life from its first part on. */
  #listen(): void {
    const { clock } = this.#options;
    this.#lastHeardMs = clock.now();
    this.#stream.on("data", () => this.#lastHeardMs = clock.now());
  }

  #opened(signal: AbortSignal, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(new AgentError("canceled", "The dial was canceled"));
      if (signal.aborted) return onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      this.#webSocket.once("open", resolve);
      this.#end.promise.then((end) => {
        signal.removeEventListener("abort", onAbort);
        reject(new AgentError("connect_failed", `Cannot dial ${host}: ${end.reason || "the connection was closed"}`));
      });
      this.#webSocket.once("open", () => signal.removeEventListener("abort", onAbort));
    });
  }

  async #keepAlive(): Promise<void> {
    const { clock, pingMs } = this.#options;
    let unanswered = 0;
    let allowed = lostPingLimit;
    this.#webSocket.on("pong", () => unanswered = 0);
    while (this.isOpen) {
      // A device that is cut off should not wait a whole turn more for what can only be a late answer.
      await clock.sleep(unanswered < allowed ? pingMs : pingMs * lastWaitShare, this.#ended.signal);
      if (unanswered >= allowed) return this.terminate(`no answer to ${unanswered} pings`);
      if (unanswered === 0) {
        allowed = lostPingLimit + Math.ceil(this.#webSocket.bufferedAmount / (slowestUplinkBytesPerMs * pingMs));
      }
      unanswered += 1;
      if (this.isOpen) this.#webSocket.ping("keepalive");
    }
  }

  #onKeepAliveFault(error: unknown): void {
    if (isCanceled(error)) return;
    this.terminate(`keepalive failed: ${textOf(error)}`);
  }

  #onFrame(data: unknown, isBinary: boolean): void {
    const receiver = this.#receiver;
    if (receiver === undefined || this.#ended.signal.aborted) return;
    const message = isBinary ? undefined : decodeMessage(String(data));
    if (message !== undefined) this.#options.trace?.("in", message);
    try {
      if (message === undefined) receiver.onFault(isBinary ? "binary frame" : "frame is not a WAMP message");
      else receiver.onMessage(message);
    } catch (error) {
      // An exception here would end the process; the connection is what has to go.
      this.#options.log.error("Cannot take a message of the router", { error });
      this.terminate("a message could not be taken");
    }
  }

  #onError(error: unknown): void {
    this.#fault = messageOf(error);
    this.#isUntrusted = isCertificateRefused(error);
  }

  #finish(end: TransportEnd): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#end.resolve(end);
  }
}

function readUrl(text: string): URL {
  const known = ["ws:", "wss:", "http:", "https:"];
  if (!URL.canParse(text)) throw new AgentError("connect_failed", `Cannot dial "${text}": it is no URL`);
  const url = new URL(text);
  if (!known.includes(url.protocol)) {
    throw new AgentError("connect_failed", `Cannot dial "${text}": it is no WebSocket URL`);
  }
  return url;
}
