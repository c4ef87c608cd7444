/** Masks those parts of WAMP messages that are secret because of the message or procedure to which they belong. */

import { backendProcedures, logTopicPrefix } from "../backend/uris.ts";
import { messageTypes } from "../wamp/message.ts";
import { mask } from "./hide_by_look.ts";

/** Calls and registrations that are remembered; a session never has so many open at a time. */
const rememberedLimit = 1_000;

/** Procedures of Studio whose results are secret. */
const secretProcedures: ReadonlySet<unknown> = new Set([
  backendProcedures.getAppCredKey,
  backendProcedures.getRegistryToken,
]);

/** Procedures of the device whose arguments or results are text of apps and programs, which may hold anything. */
const textProcedures =
  /\.(?:get_app_log_history|query_app_logs|query_device_logs|execute_cmd|write_data|\w*terminal\w*|\w*wifi\w*)$/;

/** Topics whose messages are text of apps and terminals. */
const textTopic = /\.(?:term_data|term_write|data)\./;

/**
 * Masks signatures, challenges, results of procedures that return secrets, log lines on their way to viewers, what
 * passes a terminal, and arguments and results of procedures that carry text of apps. Answers do not name their
 * procedure, so it has to see every message. Ids are remembered across sessions: masking one answer too many does no
 * harm.
 */
export class WireMask {
  /** Calls of ours. */
  readonly #calls = new Set<unknown>();
  /** Registrations of ours that wait for the router, and those it has confirmed. */
  readonly #registering = new Set<unknown>();
  readonly #registrations = new Set<unknown>();
  /** Subscriptions of ours, likewise. */
  readonly #subscribing = new Set<unknown>();
  readonly #subscriptions = new Set<unknown>();
  /** Calls of others. */
  readonly #invocations = new Set<unknown>();

  /** The message with its secret parts masked; the message itself stays as it is. */
  apply(message: unknown[]): unknown[] {
    const [kind, second, third, fourth] = message;
    switch (kind) {
      case messageTypes.authenticate:
        return [kind, mask, third];
      case messageTypes.challenge:
        return [kind, second, mask];
      case messageTypes.call:
        if (secretProcedures.has(fourth)) remember(second, this.#calls);
        return message;
      case messageTypes.publish:
        return isTextTopic(fourth) ? withoutPayload(message, 4) : message;
      case messageTypes.subscribe:
        if (isTextTopic(fourth)) remember(second, this.#subscribing);
        return message;
      case messageTypes.register:
        if (typeof fourth === "string" && textProcedures.test(fourth)) remember(second, this.#registering);
        return message;
      default:
        return this.#applyToAnswer(message);
    }
  }

  #applyToAnswer(message: unknown[]): unknown[] {
    const [kind, second, third] = message;
    switch (kind) {
      case messageTypes.registered:
        if (this.#registering.delete(second)) remember(third, this.#registrations);
        return message;
      case messageTypes.subscribed:
        if (this.#subscribing.delete(second)) remember(third, this.#subscriptions);
        return message;
      case messageTypes.event:
        return this.#subscriptions.has(second) ? withoutPayload(message, 4) : message;
      case messageTypes.invocation:
        if (!this.#registrations.has(third)) return message;
        remember(second, this.#invocations);
        return withoutPayload(message, 4);
      case messageTypes.yield:
        return this.#masked(message, { id: second, calls: this.#invocations });
      case messageTypes.result:
        return this.#masked(message, { id: second, calls: this.#calls });
      case messageTypes.error:
        if (second === messageTypes.call) this.#calls.delete(third);
        if (second === messageTypes.invocation) this.#invocations.delete(third);
        return message;
      default:
        return message;
    }
  }

  #masked(message: unknown[], { id, calls }: { id: unknown; calls: Set<unknown> }): unknown[] {
    if (!calls.has(id)) return message;
    if (!isProgress(message[2])) calls.delete(id);
    return withoutPayload(message, 3);
  }
}

function isTextTopic(topic: unknown): boolean {
  return typeof topic === "string" && (topic.startsWith(logTopicPrefix) || textTopic.test(topic));
}

/** `head`: how many entries come before the payload. */
function withoutPayload(message: unknown[], head: number): unknown[] {
  return message.length <= head ? message : [...message.slice(0, head), mask];
}

function remember(id: unknown, ids: Set<unknown>): void {
  ids.add(id);
  if (ids.size <= rememberedLimit) return;
  for (const oldest of ids) {
    ids.delete(oldest);
    return;
  }
}

function isProgress(details: unknown): boolean {
  return typeof details === "object" && details !== null && "progress" in details && details.progress === true;
}
