/**
 * A WAMP client that shows every frame as it is. It uses no library and no code of the project; every wait has a
 * deadline.
 */

import { createHmac, pbkdf2Sync } from "node:crypto";
import { RawSocket, type Received } from "./raw_socket.ts";

/** A WAMP message in its wire form. */
export type Frame = unknown[];

/** Somebody who may join. */
export interface Account {
  authid: string;
  secret: string;
}

/** The roles that peers announce by default. */
export const allRoles = {
  publisher: { features: { publisher_identification: true, publisher_exclusion: true } },
  subscriber: { features: { publisher_identification: true, pattern_based_subscription: true } },
  callee: {
    features: {
      caller_identification: true,
      call_canceling: true,
      call_timeout: true,
      pattern_based_registration: true,
      progressive_call_results: true,
    },
  },
  caller: {
    features: { caller_identification: true, call_canceling: true, call_timeout: true, progressive_call_results: true },
  },
};

const deadlineMs = 8000;

/** How long to wait for messages that must not arrive. */
const momentMs = 60;

interface Waiter {
  wants: (one: Received) => boolean;
  take: (one: Received) => void;
}

/** One connection. Keeps everything that it receives until it is taken. */
export class RawPeer implements AsyncDisposable {
  /** The session id, 0 before `join`. */
  id = 0;
  readonly #inbox: Received[] = [];
  readonly #waiters = new Set<Waiter>();
  #socket: RawSocket | undefined;
  #lastRequest = 0;
  #isJoined = false;

  /** Opens a connection without joining. */
  static async open(url: string): Promise<RawPeer> {
    const peer = new RawPeer();
    peer.#socket = await RawSocket.open(url, { protocol: "wamp.2.json", received: (one) => peer.#receive(one) });
    return peer;
  }

  /** The socket, for sending malformed frames. */
  get socket(): RawSocket {
    if (!this.#socket) throw new Error("The peer has no socket");
    return this.#socket;
  }

  /** Sends HELLO, answers the challenge and returns the last message: WELCOME or ABORT. */
  async join(
    { authid, secret }: Account,
    { realm = "realm1", roles = allRoles }: { realm?: string; roles?: object } = {},
  ): Promise<Frame> {
    const first = await this.ask([1, realm, { authid, authmethods: ["wampcra"], roles }]);
    if (first[0] !== 4) return first;
    const last = await this.ask([5, answerChallenge(secret, first[2]), {}]);
    if (last[0] === 2) {
      this.id = numberAt(last, 1);
      this.#isJoined = true;
    }
    return last;
  }

  /** Sends a frame. */
  send(frame: Frame): void {
    if (frame[0] === 6) this.#isJoined = false;
    this.socket.sendText(JSON.stringify(frame));
  }

  /** Sends a frame and takes the next one that arrives. */
  async ask(frame: Frame): Promise<Frame> {
    this.send(frame);
    return await this.next();
  }

  /** Takes the next message, or the next one of a type. */
  async next(type?: number): Promise<Frame> {
    for (;;) {
      const one = await this.#take((one) => one.kind === "closed" || frameOf(one, type) !== undefined);
      const frame = frameOf(one, type);
      if (frame) return frame;
      throw new Error(`The router closed the connection instead of sending ${type ?? "a message"}: ${show(one)}`);
    }
  }

  /** Sends a request `[type, id, ...rest]` with a fresh id and takes its reply, whatever arrives in between. */
  async request(type: number, ...rest: unknown[]): Promise<Frame> {
    const id = this.begin(type, ...rest);
    return await this.reply(type, id);
  }

  /** Sends a request and returns its fresh id. */
  begin(type: number, ...rest: unknown[]): number {
    this.#lastRequest += 1;
    this.send([type, this.#lastRequest, ...rest]);
    return this.#lastRequest;
  }

  /** Takes the reply to a request, which may be an ERROR. */
  async reply(type: number, id: number): Promise<Frame> {
    const isReply = (frame: Frame | undefined) =>
      frame !== undefined &&
      (frame[0] === 8 ? frame[1] === type && frame[2] === id : frame[1] === id && frame[0] === replyType(type));
    const one = await this.#take((one) => one.kind === "closed" || isReply(frameOf(one)));
    const frame = frameOf(one);
    if (frame) return frame;
    throw new Error(`The router closed the connection instead of replying to ${type}: ${show(one)}`);
  }

  /** Sends CALL and takes its RESULT or ERROR. */
  async call(procedure: string, args: unknown[] = []): Promise<Frame> {
    return await this.request(48, {}, procedure, args);
  }

  /** Calls a procedure and returns the first value of its result. Throws when it is answered with ERROR. */
  async result(procedure: string, ...args: unknown[]): Promise<unknown> {
    const reply = await this.call(procedure, args);
    if (reply[0] !== 50) throw new Error(`Not a RESULT: ${show(reply)}`);
    return Object(reply[3])[0];
  }

  /** Subscribes and returns the subscription's id. */
  async subscribe(topic: string, options: object = {}): Promise<number> {
    return idOf(await this.request(32, options, topic), 33);
  }

  /** Registers and returns the registration's id. */
  async register(procedure: string, options: object = {}): Promise<number> {
    return idOf(await this.request(64, options, procedure), 65);
  }

  /** Waits for the pong with this payload. */
  async pong(payload: string): Promise<void> {
    await this.#take((one) => one.kind === "pong" && one.payload === payload);
  }

  /** Waits until the connection is closed. */
  async closed(): Promise<{ code: number; reason: string }> {
    const one = await this.#take((one) => one.kind === "closed");
    return one.kind === "closed" ? one : { code: 0, reason: "" };
  }

  /**
   * Waits a moment and takes all messages, or those of a type. A call at the end of the moment makes sure that what the
   * router sent before has arrived, however slow the machine is.
   */
  async afterAMoment(type?: number): Promise<Frame[]> {
    await new Promise((resolve) => setTimeout(resolve, momentMs));
    if (this.#isJoined) await this.call("wamp.session.count");
    const found: Frame[] = [];
    for (const one of [...this.#inbox]) {
      const frame = frameOf(one, type);
      if (!frame) continue;
      found.push(frame);
      this.#inbox.splice(this.#inbox.indexOf(one), 1);
    }
    return found;
  }

  /** Drops the connection without a closing handshake. */
  async cut(): Promise<void> {
    await this.#socket?.cut();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
  }

  #receive(one: Received): void {
    for (const waiter of this.#waiters) {
      if (!waiter.wants(one)) continue;
      this.#waiters.delete(waiter);
      waiter.take(one);
      if (one.kind !== "closed") return;
    }
    this.#inbox.push(one);
  }

  async #take(wants: (one: Received) => boolean): Promise<Received> {
    const kept = this.#inbox.find(wants);
    // The end of the connection can be read more than once.
    if (kept && kept.kind !== "closed") this.#inbox.splice(this.#inbox.indexOf(kept), 1);
    if (kept) return kept;
    const { promise, resolve, reject } = Promise.withResolvers<Received>();
    const waiter = { wants, take: resolve };
    this.#waiters.add(waiter);
    const timer = setTimeout(() => {
      this.#waiters.delete(waiter);
      reject(new Error(`No expected message within ${deadlineMs} ms; received: ${show(this.#inbox)}`));
    }, deadlineMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The signature that answers `CHALLENGE.Extra`, with or without salt. */
export function answerChallenge(secret: string, extra: unknown): string {
  const { challenge, salt, iterations, keylen } = Object(extra);
  const key = salt ? pbkdf2Sync(secret, salt, iterations, keylen, "sha256").toString("base64") : secret;
  return createHmac("sha256", key).update(challenge).digest("base64");
}

/** The number at an index of a frame. Throws when there is none. */
export function numberAt(frame: Frame, index: number): number {
  const value = frame[index];
  if (typeof value === "number") return value;
  throw new Error(`No number at ${index} of ${JSON.stringify(frame)}`);
}

function frameOf(one: Received, type?: number): Frame | undefined {
  if (one.kind !== "text") return undefined;
  const frame: Frame = JSON.parse(one.text);
  return type === undefined || frame[0] === type ? frame : undefined;
}

function replyType(type: number): number {
  return type === 48 ? 50 : type + 1;
}

function idOf(frame: Frame, type: number): number {
  if (frame[0] === type) return numberAt(frame, 2);
  throw new Error(`Refused: ${JSON.stringify(frame)}`);
}

function show(value: unknown): string {
  return JSON.stringify(value).slice(0, 500);
}
