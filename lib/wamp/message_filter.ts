/**
 * Stands between the wire and autobahn's session, which ends the connection (and writes to the global object) over
 * every message that it does not expect: late replies, INTERRUPT, revocations it does not know. The guard knows what is
 * pending, lets through only what the session can take, and names the rest. Pure: no socket, no time.
 */

import { isCount, isDict } from "../base/json.ts";
import { errorUris } from "./uris.ts";
import { code } from "./message.ts";

/** Arguments as they were on the wire. autobahn unwraps results, so replies and invocations carry one of these. */
export class Payload {
  constructor(
    readonly args: unknown[],
    readonly kwargs: Record<string, unknown>,
    /** For an invocation: its request id and details. */
    readonly request: number = 0,
    readonly details: Record<string, unknown> = {},
  ) {}
}

/** What to do with one inbound message. */
export type Verdict =
  | { kind: "pass"; message: unknown[] }
  | { kind: "drop"; why: string }
  | { kind: "answer"; message: unknown[]; why: string }
  | { kind: "interrupt"; request: number }
  | { kind: "goodbye"; reason: string }
  | { kind: "abort"; reason: string; text: string }
  | { kind: "violation"; why: string };

interface Pending {
  type: number;
  /** The registration or subscription that an UNREGISTER or UNSUBSCRIBE is about. */
  subject: number;
}

/** Judges the messages of one session in both directions. */
export class MessageFilter {
  readonly #pending = new Map<number, Pending>();
  readonly #registrations = new Set<number>();
  readonly #subscriptions = new Set<number>();
  #isOpen = false;

  /** How many requests wait for an answer. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Notes a message that is about to be sent. */
  noteOutbound(message: unknown[]): void {
    const [type, request, third] = message;
    if (!isCount(request) || typeof type !== "number") return;
    if (type === code.cancel) this.#pending.delete(request);
    else if (type === code.publish) {
      if (isDict(third) && third.acknowledge === true) this.#pending.set(request, { type, subject: 0 });
    } else if (requestTypes.has(type)) {
      this.#pending.set(request, { type, subject: isCount(third) ? third : 0 });
    }
  }

  /** Judges an inbound message. */
  judge(message: unknown[]): Verdict {
    const type = message[0];
    if (type === code.abort) return judgeAbort(message);
    if (!this.#isOpen) return this.#judgeJoining(message);
    switch (type) {
      case code.goodbye:
        return { kind: "goodbye", reason: textIn(message[2]) };
      case code.error:
        return this.#judgeError(message);
      case code.result:
        return this.#judgeResult(message);
      case code.event:
        return this.#judgeEvent(message);
      case code.invocation:
        return this.#judgeInvocation(message);
      case code.interrupt:
        return isCount(message[1])
          ? { kind: "interrupt", request: message[1] }
          : violation("INTERRUPT without a request id");
      case code.welcome:
      case code.challenge:
        return violation(`message ${type} in an open session`);
      default:
        return this.#judgeReply(message);
    }
  }

  #judgeJoining(message: unknown[]): Verdict {
    if (message[0] === code.challenge) return pass(message);
    if (message[0] === code.goodbye) return { kind: "abort", reason: textIn(message[2]), text: "" };
    if (message[0] !== code.welcome) return violation(`message ${message[0]} before WELCOME`);
    if (!isCount(message[1]) || message[1] === 0) return violation("WELCOME without a session id");
    const roles = isDict(message[2]) && isDict(message[2].roles) ? message[2].roles : {};
    if (!isDict(roles.broker) && !isDict(roles.dealer)) {
      return violation("router did not announce any supported roles");
    }
    this.#isOpen = true;
    return pass([code.welcome, message[1], { roles: supportedRoles(roles) }]);
  }

  #judgeReply(message: unknown[]): Verdict {
    const [type, request, third] = message;
    const asked = typeof type === "number" ? replyTypes.get(type) : undefined;
    if (asked === undefined) return { kind: "drop", why: `message of unknown type ${type}` };
    if (!isCount(request)) return violation(`message ${type} without a request id`);
    if (request === 0) return this.#judgeRevocation(message);
    const pending = this.#take(request, asked);
    if (pending === undefined) return late(type, request);
    if (type === code.unregistered) this.#registrations.delete(pending.subject);
    else if (type === code.unsubscribed) this.#subscriptions.delete(pending.subject);
    else if (!isCount(third)) return violation(`message ${type} without an id`);
    else if (type === code.registered) this.#registrations.add(third);
    else if (type === code.subscribed) this.#subscriptions.add(third);
    return pass([type, request, third]);
  }

  /** The router took a registration or subscription away by itself, for example because another session forced it. */
  #judgeRevocation(message: unknown[]): Verdict {
    const [type, , details] = message;
    const fields = isDict(details) ? details : {};
    if (type === code.unregistered && isCount(fields.registration)) {
      if (this.#registrations.delete(fields.registration)) return pass([type, 0, fields]);
    }
    if (type === code.unsubscribed && isCount(fields.subscription)) {
      if (this.#subscriptions.delete(fields.subscription)) return pass([type, 0, fields]);
    }
    return { kind: "drop", why: `message ${type} about something that is not ours` };
  }

  #judgeError(message: unknown[]): Verdict {
    const [, asked, request, , uri] = message;
    if (typeof asked !== "number" || !isCount(request)) return violation("ERROR without a request");
    if (this.#take(request, asked) === undefined) return late(code.error, request);
    const payload = readPayload(message[5], message[6]) ?? new Payload([], {});
    return pass([code.error, asked, request, {}, textIn(uri), payload.args, payload.kwargs]);
  }

  #judgeResult(message: unknown[]): Verdict {
    const [, request, details] = message;
    if (!isCount(request)) return violation("RESULT without a request id");
    if (isDict(details) && details.progress === true) return { kind: "drop", why: "progressive result not asked for" };
    if (this.#take(request, code.call) === undefined) return late(code.result, request);
    const payload = readPayload(message[3], message[4]);
    if (payload === undefined) {
      return pass([code.error, code.call, request, {}, "wamp.error.invalid_payload", [], {}]);
    }
    return pass([code.result, request, {}, [payload]]);
  }

  #judgeEvent(message: unknown[]): Verdict {
    const [, subscription, publication, details] = message;
    if (!isCount(subscription)) return violation("EVENT without a subscription");
    if (!this.#subscriptions.has(subscription)) {
      return { kind: "drop", why: `event of subscription ${subscription}, which is not ours` };
    }
    const payload = readPayload(message[4], message[5]);
    if (payload === undefined) return { kind: "drop", why: "event with an unreadable payload" };
    const fields = isDict(details) ? details : {};
    return pass([code.event, subscription, publication, fields, payload.args, payload.kwargs]);
  }

  #judgeInvocation(message: unknown[]): Verdict {
    const [, request, registration, details] = message;
    if (!isCount(request) || !isCount(registration)) return violation("INVOCATION without ids");
    if (!this.#registrations.has(registration)) {
      return refuse(request, `client has no handler for registration ${registration}`);
    }
    const payload = readPayload(message[4], message[5]);
    if (payload === undefined) return refuse(request, "payload is not readable");
    const fields = isDict(details) ? details : {};
    const envelope = new Payload(payload.args, payload.kwargs, request, fields);
    return pass([code.invocation, request, registration, {}, [envelope]]);
  }

  #take(request: number, type: number): Pending | undefined {
    const pending = this.#pending.get(request);
    if (pending?.type !== type) return undefined;
    this.#pending.delete(request);
    return pending;
  }
}

const requestTypes: ReadonlySet<number> = new Set([
  code.call,
  code.register,
  code.unregister,
  code.subscribe,
  code.unsubscribe,
]);

const replyTypes: ReadonlyMap<number, number> = new Map([
  [code.published, code.publish],
  [code.subscribed, code.subscribe],
  [code.unsubscribed, code.unsubscribe],
  [code.registered, code.register],
  [code.unregistered, code.unregister],
]);

function judgeAbort(message: unknown[]): Verdict {
  const details = isDict(message[1]) ? message[1] : {};
  return { kind: "abort", reason: textIn(message[2]), text: textIn(details.message) };
}

/** Positional and keyword arguments; null and absent mean empty, any other shape is unreadable. */
function readPayload(args: unknown, kwargs: unknown): Payload | undefined {
  const list = args ?? [];
  const dict = kwargs ?? {};
  return Array.isArray(list) && isDict(dict) ? new Payload(list, dict) : undefined;
}

function supportedRoles(roles: Record<string, unknown>): Record<string, unknown> {
  const supported: Record<string, unknown> = {};
  if (isDict(roles.broker)) supported.broker = {};
  if (isDict(roles.dealer)) supported.dealer = {};
  return supported;
}

function textIn(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function pass(message: unknown[]): Verdict {
  return { kind: "pass", message };
}

function violation(why: string): Verdict {
  return { kind: "violation", why };
}

function late(type: unknown, request: number): Verdict {
  return { kind: "drop", why: `message ${type} for request ${request}, which nobody waits for` };
}

function refuse(request: number, why: string): Verdict {
  const message = [code.error, code.invocation, request, {}, errorUris.invalidArgument, [{ error: why }]];
  return { kind: "answer", message, why };
}
