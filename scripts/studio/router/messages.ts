/** Decodes the WAMP messages that clients may send (basic profile, JSON), and lists the codes of all messages. */

import { AgentError } from "../../../lib/base/errors.ts";
import { type Dict, isCount, isDict, parseJson, show } from "../../../lib/base/json.ts";
import { isValidUri, type Match, readMatch } from "./uri_match.ts";

/** The message codes of the WAMP specification. */
export const codes = {
  hello: 1,
  welcome: 2,
  abort: 3,
  challenge: 4,
  authenticate: 5,
  goodbye: 6,
  error: 8,
  publish: 16,
  published: 17,
  subscribe: 32,
  subscribed: 33,
  unsubscribe: 34,
  unsubscribed: 35,
  event: 36,
  call: 48,
  cancel: 49,
  result: 50,
  register: 64,
  registered: 65,
  unregister: 66,
  unregistered: 67,
  invocation: 68,
  interrupt: 69,
  yield: 70,
} as const;

/** A message in its wire form. */
export type Frame = readonly unknown[];

/**
 * The application payload at the end of a message: nothing, `[args]` or `[args, kwargs]`, ready to be appended. `null`
 * in place of args means no args next to kwargs, and is forwarded unchanged.
 */
export type Payload = readonly [] | readonly [unknown[]] | readonly [unknown[] | null, Dict];

/** How a call is canceled: only for the caller, or also at the callee, with or without waiting for it. */
export type CancelMode = "skip" | "kill" | "killnowait";

const cancelModes: readonly CancelMode[] = ["skip", "kill", "killnowait"];

/** A message from a client. */
export type ClientMessage =
  | { kind: "hello"; realm: string; details: Dict }
  | { kind: "abort"; reason: string }
  | { kind: "authenticate"; signature: string }
  | { kind: "goodbye"; reason: string }
  | { kind: "publish"; request: number; options: Dict; topic: string; payload: Payload }
  | { kind: "subscribe"; request: number; options: Dict; match: Match; topic: string }
  | { kind: "unsubscribe"; request: number; subscription: number }
  | { kind: "call"; request: number; options: Dict; timeoutMs: number; procedure: string; payload: Payload }
  | { kind: "cancel"; request: number; mode: CancelMode | undefined }
  | { kind: "register"; request: number; options: Dict; match: Match; procedure: string }
  | { kind: "unregister"; request: number; registration: number }
  | { kind: "yield"; request: number; options: Dict; payload: Payload }
  | { kind: "invocationError"; request: number; error: string; payload: Payload };

/** A message of a kind. */
export type MessageOf<K extends ClientMessage["kind"]> = Extract<ClientMessage, { kind: K }>;

/** Decodes one text frame. Throws `protocol_error` with what is wrong. */
export function decodeMessage(text: string): ClientMessage {
  const frame = parseJson(text);
  if (!Array.isArray(frame)) throw fault(`invalid frame ${show(text)}`);
  return new Reader(frame).read();
}

/** The payload for args and kwargs; empty ones at the end are left out. */
export function payloadOf(args: unknown[] | null, kwargs: Dict = {}): Payload {
  if (Object.keys(kwargs).length > 0) return [args, kwargs];
  return args && args.length > 0 ? [args] : [];
}

function fault(text: string): AgentError {
  return new AgentError("protocol_error", text);
}

/** Reads the fields of one frame by position. */
class Reader {
  readonly #frame: Frame;

  constructor(frame: Frame) {
    this.#frame = frame;
  }

  read(): ClientMessage {
    switch (this.#frame[0]) {
      case codes.hello:
        return { kind: "hello", realm: this.#text(1), details: this.#dict(2) };
      case codes.abort:
        return { kind: "abort", reason: this.#text(2) };
      case codes.authenticate:
        return { kind: "authenticate", signature: this.#text(1) };
      case codes.goodbye:
        return { kind: "goodbye", reason: this.#text(2) };
      case codes.error:
        return this.#readError();
      case codes.cancel:
        return { kind: "cancel", request: this.#id(1), mode: this.#cancelMode() };
      case codes.unsubscribe:
        return { kind: "unsubscribe", request: this.#id(1), subscription: this.#id(2) };
      case codes.unregister:
        return { kind: "unregister", request: this.#id(1), registration: this.#id(2) };
      case codes.yield:
        return { kind: "yield", request: this.#id(1), options: this.#dict(2), payload: this.#payload(3) };
      default:
        return this.#readUriMessage();
    }
  }

  #readUriMessage(): ClientMessage {
    const code = this.#frame[0];
    switch (code) {
      case codes.publish:
        return { kind: "publish", ...this.#request(), topic: this.#uri("exact"), payload: this.#payload(4) };
      case codes.subscribe:
        return { kind: "subscribe", ...this.#request(), match: this.#match(), topic: this.#text(3) };
      case codes.call:
        return this.#readCall();
      case codes.register:
        return { kind: "register", ...this.#request(), match: this.#match(), procedure: this.#uri(this.#match()) };
      default:
        throw fault(`invalid message type ${show(code)}`);
    }
  }

  #readCall(): ClientMessage {
    const timeoutMs = this.#dict(2).timeout ?? 0;
    if (!isCount(timeoutMs)) throw fault(`invalid value ${show(timeoutMs)} for 'timeout' option`);
    return { kind: "call", ...this.#request(), timeoutMs, procedure: this.#uri("exact"), payload: this.#payload(4) };
  }

  #readError(): ClientMessage {
    if (this.#frame[1] !== codes.invocation) throw fault(`invalid request type ${show(this.#frame[1])} in ERROR`);
    return { kind: "invocationError", request: this.#id(2), error: this.#text(4), payload: this.#payload(5) };
  }

  #request(): { request: number; options: Dict } {
    return { request: this.#id(1), options: this.#dict(2) };
  }

  #id(index: number): number {
    const value = this.#frame[index];
    return isCount(value) ? value : this.#wrong(index, "an id", value);
  }

  #text(index: number): string {
    const value = this.#frame[index];
    return typeof value === "string" ? value : this.#wrong(index, "text", value);
  }

  #uri(match: Match): string {
    const uri = this.#text(3);
    if (isValidUri(uri, match)) return uri;
    throw fault(`invalid value ${show(uri)} for URI`);
  }

  #match(): Match {
    const { match } = this.#dict(2);
    return readMatch(match) ?? this.#refuseOption("match", match);
  }

  #cancelMode(): CancelMode | undefined {
    const { mode } = this.#dict(2);
    return mode === undefined
      ? undefined
      : cancelModes.find((known) => known === mode) ?? this.#refuseOption("mode", mode);
  }

  #refuseOption(name: string, value: unknown): never {
    throw fault(`invalid value ${show(value)} for '${name}' option`);
  }

  #dict(index: number): Dict {
    const value = this.#frame[index];
    return isDict(value) ? value : this.#wrong(index, "a dict", value);
  }

  #payload(index: number): Payload {
    const args = this.#frame[index] ?? null;
    const kwargs = this.#frame[index + 1] ?? {};
    if (args !== null && !Array.isArray(args)) return this.#wrong(index, "a list", args);
    if (!isDict(kwargs)) return this.#wrong(index + 1, "a dict", kwargs);
    return payloadOf(args, kwargs);
  }

  #wrong(index: number, expected: string, value: unknown): never {
    throw fault(
      `invalid message of type ${show(this.#frame[0])}: element ${index} must be ${expected}, got ${show(value)}`,
    );
  }
}
