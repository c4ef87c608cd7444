/**
 * Stands between the wire and autobahn's session, which ends the connection (and writes to the global object) over
 * every message that it does not expect: late replies, INTERRUPT, revocations that it does not know. The filter knows
 * what is pending, passes on only what the session can handle, and classifies the rest. Pure: no socket, no time.
 */

import { isCount, isDict } from "../base/json.ts";
import { messageTypes } from "./message.ts";
import { Payload, readPayload } from "./payload.ts";
import { errorUris } from "./uris.ts";

/** What to do with one inbound message. */
export type Verdict =
  | { kind: "pass"; message: unknown[] }
  | { kind: "drop"; why: string }
  | { kind: "answer"; message: unknown[]; why: string }
  | { kind: "interrupt"; request: number }
  | { kind: "goodbye"; reason: string }
  | { kind: "abort"; reason: string; text: string }
  | { kind: "violation"; why: string };

/** A request of ours that has no answer yet. */
interface PendingRequest {
  type: number;
  /** The registration or subscription that an UNREGISTER or UNSUBSCRIBE is about. */
  subject: number;
}

/** The filter of one session. */
export class MessageFilter {
  readonly #pending = new Map<number, PendingRequest>();
  readonly #registrations = new Set<number>();
  readonly #subscriptions = new Set<number>();
  #isOpen = false;

  /** How many requests have no answer yet. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Records a message that has been sent. */
  onSent(message: unknown[]): void {
    const [type, request, third] = message;
    if (!isCount(request) || typeof type !== "number") return;
    if (type === messageTypes.cancel) this.#pending.delete(request);
    else if (type === messageTypes.publish) {
      if (isDict(third) && third.acknowledge === true) this.#pending.set(request, { type, subject: 0 });
    } else if (requestTypes.has(type)) {
      this.#pending.set(request, { type, subject: isCount(third) ? third : 0 });
    }
  }

  /** Decides what to do with an inbound message. */
  classify(message: unknown[]): Verdict {
    const type = message[0];
    if (type === messageTypes.abort) return classifyAbort(message);
    if (!this.#isOpen) return this.#classifyJoining(message);
    switch (type) {
      case messageTypes.goodbye:
        return { kind: "goodbye", reason: textOrEmpty(message[2]) };
      case messageTypes.error:
        return this.#classifyError(message);
      case messageTypes.result:
        return this.#classifyResult(message);
      case messageTypes.event:
        return this.#classifyEvent(message);
      case messageTypes.invocation:
        return this.#classifyInvocation(message);
      case messageTypes.interrupt:
        return isCount(message[1])
          ? { kind: "interrupt", request: message[1] }
          : violation("INTERRUPT without a request id");
      case messageTypes.welcome:
      case messageTypes.challenge:
        return violation(`message ${type} in an open session`);
      default:
        return this.#classifyReply(message);
    }
  }

  #classifyJoining(message: unknown[]): Verdict {
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

  #classifyReply(message: unknown[]): Verdict {
    const [type, request, third] = message;
    const requestType = typeof type === "number" ? requestTypeOfReply.get(type) : undefined;
    if (requestType === undefined) return { kind: "drop", why: `message of unknown type ${type}` };
    if (!isCount(request)) return violation(`message ${type} without a request id`);
    if (request === 0) return this.#classifyRevocation(message);
    const pending = this.#take(request, requestType);
    if (pending === undefined) return unexpected(type, request);
    if (type === messageTypes.unregistered) this.#registrations.delete(pending.subject);
    else if (type === messageTypes.unsubscribed) this.#subscriptions.delete(pending.subject);
    else if (!isCount(third)) return violation(`message ${type} without an id`);
    else if (type === messageTypes.registered) this.#registrations.add(third);
    else if (type === messageTypes.subscribed) this.#subscriptions.add(third);
    return pass([type, request, third]);
  }

  /** The router ended a registration or subscription by itself, for example because another session forced it. */
  #classifyRevocation(message: unknown[]): Verdict {
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

  #classifyError(message: unknown[]): Verdict {
    const [, requestType, request, , uri] = message;
    if (typeof requestType !== "number" || !isCount(request)) return violation("ERROR without a request");
    if (this.#take(request, requestType) === undefined) return unexpected(messageTypes.error, request);
    const payload = readPayload(message[5], message[6]) ?? new Payload([], {});
    return pass([messageTypes.error, requestType, request, {}, textOrEmpty(uri), payload.args, payload.kwargs]);
  }

  #classifyResult(message: unknown[]): Verdict {
    const [, request, details] = message;
    if (!isCount(request)) return violation("RESULT without a request id");
    if (isDict(details) && details.progress === true) {
      return { kind: "drop", why: "progressive result that was not requested" };
    }
    if (this.#take(request, messageTypes.call) === undefined) return unexpected(messageTypes.result, request);
    const payload = readPayload(message[3], message[4]);
    if (payload === undefined) {
      return pass([messageTypes.error, messageTypes.call, request, {}, "wamp.error.invalid_payload", [], {}]);
    }
    return pass([messageTypes.result, request, {}, [payload]]);
  }

  #classifyEvent(message: unknown[]): Verdict {
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

  #classifyInvocation(message: unknown[]): Verdict {
    const [, request, registration, details] = message;
    if (!isCount(request) || !isCount(registration)) return violation("INVOCATION without ids");
    if (!this.#registrations.has(registration)) {
      return refuse(request, `client has no handler for registration ${registration}`);
    }
    const payload = readPayload(message[4], message[5]);
    if (payload === undefined) return refuse(request, "payload is not readable");
    const fields = isDict(details) ? details : {};
    const envelope = new Payload(payload.args, payload.kwargs, { request, details: fields });
    return pass([messageTypes.invocation, request, registration, {}, [envelope]]);
  }

  #take(request: number, type: number): PendingRequest | undefined {
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

const requestTypeOfReply: ReadonlyMap<number, number> = new Map([
  [messageTypes.published, messageTypes.publish],
  [messageTypes.subscribed, messageTypes.subscribe],
  [messageTypes.unsubscribed, messageTypes.unsubscribe],
  [messageTypes.registered, messageTypes.register],
  [messageTypes.unregistered, messageTypes.unregister],
]);

function classifyAbort(message: unknown[]): Verdict {
  const details = isDict(message[1]) ? message[1] : {};
  return { kind: "abort", reason: textOrEmpty(message[2]), text: textOrEmpty(details.message) };
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

function unexpected(type: unknown, request: number): Verdict {
  return { kind: "drop", why: `message ${type} for request ${request}, which is not pending` };
}

function refuse(request: number, why: string): Verdict {
  const message = [messageTypes.error, messageTypes.invocation, request, {}, errorUris.invalidArgument, [{
    error: why,
  }]];
  return { kind: "answer", message, why };
}
