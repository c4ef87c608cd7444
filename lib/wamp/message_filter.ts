/**
 * Stands between the wire and autobahn's session, which ends the connection (and writes to the global object) over
 * every message that it does not expect: late replies, INTERRUPT, revocations it does not know. The guard knows what is
 * pending, lets through only what the session can take, and names the rest. Pure: no socket, no time.
 */

import { isCount, isDict } from "../base/json.ts";
import { errorUris } from "./uris.ts";
import { messageTypes } from "./message.ts";

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
    if (type === messageTypes.cancel) this.#pending.delete(request);
    else if (type === messageTypes.publish) {
      if (isDict(third) && third.acknowledge === true) this.#pending.set(request, { type, subject: 0 });
    } else if (requestTypes.has(type)) {
      this.#pending.set(request, { type, subject: isCount(third) ? third : 0 });
    }
  }

  /** Judges an inbound message. */
  judge(message: unknown[]): Verdict {
    const type = message[0];
    if (type === messageTypes.abort) return judgeAbort(message);
    if (!this.#isOpen) return this.#judgeJoining(message);
    switch (type) {
      case messageTypes.goodbye:
        return { kind: "goodbye", reason: textOrEmpty(message[2]) };
      case messageTypes.error:
        return this.#judgeError(message);
      case messageTypes.result:
        return this.#judgeResult(message);
      case messageTypes.event:
        return this.#judgeEvent(message);
      case messageTypes.invocation:
        return this.#judgeInvocation(message);
      case messageTypes.interrupt:
        return isCount(message[1])
          ? { kind: "interrupt", request: message[1] }
          : violation("INTERRUPT without a request id");
      case messageTypes.welcome:
      case messageTypes.challenge:
        return violation(`message ${type} in an open session`);
      default:
        return this.#judgeReply(message);
    }
  }

  #judgeJoining(message: unknown[]): Verdict {
    if (message[0] === messageTypes.challenge) return pass(message);
    if (message[0] === messageTypes.goodbye) return { kind: "abort", reason: textOrEmpty(message[2]), text: "" };
    if (message[0] !== messageTypes.welcome) return violation(`message ${message[0]} before WELCOME`);
    if (!isCount(message[1]) || message[1] === 0) return violation("WELCOME without a session id");
    const roles = isDict(message[2]) && isDict(message[2].roles) ? message[2].roles : {};
    if (!isDict(roles.broker) && !isDict(roles.dealer)) {
      return violation("router did not announce any supported roles");
    }
    this.#isOpen = true;
    return pass([messageTypes.welcome, message[1], { roles: supportedRoles(roles) }]);
  }

  #judgeReply(message: unknown[]): Verdict {
    const [type, request, third] = message;
    const asked = typeof type === "number" ? replyTypes.get(type) : undefined;
    if (asked === undefined) return { kind: "drop", why: `message of unknown type ${type}` };
    if (!isCount(request)) return violation(`message ${type} without a request id`);
    if (request === 0) return this.#judgeRevocation(message);
    const pending = this.#take(request, asked);
    if (pending === undefined) return late(type, request);
    if (type === messageTypes.unregistered) this.#registrations.delete(pending.subject);
    else if (type === messageTypes.unsubscribed) this.#subscriptions.delete(pending.subject);
    else if (!isCount(third)) return violation(`message ${type} without an id`);
    else if (type === messageTypes.registered) this.#registrations.add(third);
    else if (type === messageTypes.subscribed) this.#subscriptions.add(third);
    return pass([type, request, third]);
  }

  /** The router took a registration or subscription away by itself, for example because another session forced it. */
  #judgeRevocation(message: unknown[]): Verdict {
    const [type, , details] = message;
    const fields = isDict(details) ? details : {};
    if (type === messageTypes.unregistered && isCount(fields.registration)) {
      if (this.#registrations.delete(fields.registration)) return pass([type, 0, fields]);
    }
    if (type === messageTypes.unsubscribed && isCount(fields.subscription)) {
      if (this.#subscriptions.delete(fields.subscription)) return pass([type, 0, fields]);
    }
    return { kind: "drop", why: `message ${type} about something that is not ours` };
  }

  #judgeError(message: unknown[]): Verdict {
    const [, asked, request, , uri] = message;
    if (typeof asked !== "number" || !isCount(request)) return violation("ERROR without a request");
    if (this.#take(request, asked) === undefined) return late(messageTypes.error, request);
    const payload = readPayload(message[5], message[6]) ?? new Payload([], {});
    return pass([messageTypes.error, asked, request, {}, textOrEmpty(uri), payload.args, payload.kwargs]);
  }

  #judgeResult(message: unknown[]): Verdict {
    const [, request, details] = message;
    if (!isCount(request)) return violation("RESULT without a request id");
    if (isDict(details) && details.progress === true) return { kind: "drop", why: "progressive result not asked for" };
    if (this.#take(request, messageTypes.call) === undefined) return late(messageTypes.result, request);
    const payload = readPayload(message[3], message[4]);
    if (payload === undefined) {
      return pass([messageTypes.error, messageTypes.call, request, {}, "wamp.error.invalid_payload", [], {}]);
    }
    return pass([messageTypes.result, request, {}, [payload]]);
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
    return pass([messageTypes.event, subscription, publication, fields, payload.args, payload.kwargs]);
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
    return pass([messageTypes.invocation, request, registration, {}, [envelope]]);
  }

  #take(request: number, type: number): Pending | undefined {
    const pending = this.#pending.get(request);
    if (pending?.type !== type) return undefined;
    this.#pending.delete(request);
    return pending;
  }
}

const requestTypes: ReadonlySet<number> = new Set([
  messageTypes.call,
  messageTypes.register,
  messageTypes.unregister,
  messageTypes.subscribe,
  messageTypes.unsubscribe,
]);

const replyTypes: ReadonlyMap<number, number> = new Map([
  [messageTypes.published, messageTypes.publish],
  [messageTypes.subscribed, messageTypes.subscribe],
  [messageTypes.unsubscribed, messageTypes.unsubscribe],
  [messageTypes.registered, messageTypes.register],
  [messageTypes.unregistered, messageTypes.unregister],
]);

function judgeAbort(message: unknown[]): Verdict {
  const details = isDict(message[1]) ? message[1] : {};
  return { kind: "abort", reason: textOrEmpty(message[2]), text: textOrEmpty(details.message) };
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

function textOrEmpty(value: unknown): string {
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
  const message = [messageTypes.error, messageTypes.invocation, request, {}, errorUris.invalidArgument, [{
    error: why,
  }]];
  return { kind: "answer", message, why };
}
