/** One realm: its sessions with their joining and leaving, its broker and its dealer. */

import { Broker, type Publisher, receiverFilter } from "./broker.ts";
import { Dealer } from "./dealer.ts";
import { Refusal } from "./refusal.ts";
import { type ClientMessage, codes, type MessageOf, payloadOf } from "./messages.ts";
import { callMeta } from "./meta.ts";
import type { Session } from "./session.ts";
import { isRouterUri, randomId } from "./uri_match.ts";

/** An action that needs authorization. */
export interface ActionRequest {
  session: Session;
  action: "call" | "publish" | "register" | "subscribe";
  uri: string;
}

/** Returns whether an action is allowed. Must not throw. */
export type Authorise = (request: ActionRequest) => boolean;

/** The messages of a joined session that the realm handles. */
export type RealmMessage = Exclude<ClientMessage, { kind: "hello" | "abort" | "authenticate" | "goodbye" }>;

const requestCodes = {
  call: codes.call,
  publish: codes.publish,
  register: codes.register,
  subscribe: codes.subscribe,
  unregister: codes.unregister,
  unsubscribe: codes.unsubscribe,
};

/** A realm. */
export class Realm {
  readonly name: string;
  readonly sessions = new Map<number, Session>();
  readonly broker: Broker;
  readonly dealer: Dealer;
  /** The identity of the router itself in events and results. */
  readonly service: Required<Publisher>;
  readonly #authorise: Authorise;

  constructor(name: string, authorise: Authorise) {
    this.name = name;
    this.#authorise = authorise;
    this.service = { id: randomId(), authid: "router", authrole: "trusted" };
    const publishMetaEvent = (topic: string, args: unknown[]) => this.publishMetaEvent(topic, args);
    this.broker = new Broker(publishMetaEvent);
    this.dealer = new Dealer(publishMetaEvent);
  }

  /** Publishes a meta event. */
  publishMetaEvent(topic: string, args: unknown[]): void {
    const accepts = () => true;
    const payload = payloadOf(args);
    this.broker.deliver({ topic, payload, publication: randomId(), publisher: this.service, accepts });
  }

  /** Adds a session. */
  join(session: Session): void {
    this.sessions.set(session.id, session);
    this.publishMetaEvent("wamp.session.on_join", [session.describe()]);
  }

  /**
   * Removes a session, cleanly (after an exchange of GOODBYE) or not. Its testaments are published either way, like by
   * Crossbar.io; after a clean end they do not name the session, because it has already left.
   */
  leave(session: Session, { isClean }: { isClean: boolean }): void {
    if (!this.sessions.delete(session.id)) return;
    if (!isClean) this.#publishTestaments(session, session);
    this.publishMetaEvent("wamp.session.on_leave", [session.id]);
    this.broker.detach(session);
    this.dealer.detach(session);
    if (isClean) this.#publishTestaments(session, { authid: session.authid, authrole: session.authrole });
  }

  /** Handles one message of a joined session. Throws `protocol_error` when it breaks the protocol. */
  handle(session: Session, message: RealmMessage): void {
    try {
      this.#dispatch(session, message);
    } catch (error) {
      if (!(error instanceof Refusal) || !isRequest(message)) throw error;
      if (message.kind === "publish" && message.options.acknowledge !== true) return;
      session.send([codes.error, requestCodes[message.kind], message.request, {}, error.uri, ...error.payload]);
    }
  }

  #dispatch(session: Session, message: RealmMessage): void {
    switch (message.kind) {
      case "publish":
        this.#check({ session, action: "publish", uri: message.topic });
        return this.broker.publish(session, message);
      case "subscribe":
        this.#check({ session, action: "subscribe", uri: message.topic });
        return this.broker.subscribe(session, message);
      case "unsubscribe":
        return this.broker.unsubscribe(session, message);
      case "register":
        this.#check({ session, action: "register", uri: message.procedure });
        return this.dealer.register(session, message);
      case "unregister":
        return this.dealer.unregister(session, message);
      case "call":
        this.#check({ session, action: "call", uri: message.procedure });
        return isRouterUri(message.procedure) ? this.#callMeta(session, message) : this.dealer.call(session, message);
      case "yield":
      case "invocationError":
      case "cancel":
        return this.dealer.proceed(session, message);
    }
  }

  #check(request: ActionRequest): void {
    if (this.#authorise(request)) return;
    const { session, action, uri } = request;
    throw new Refusal(
      "wamp.error.not_authorized",
      `session (session_id=${session.id}, authid="${session.authid}", authrole="${session.authrole}") is not authorized to ${action} "${uri}" on realm "${this.name}"`,
    );
  }

  #callMeta(session: Session, { request, procedure, payload }: MessageOf<"call">): void {
    const value = callMeta(this, { caller: session, procedure, args: payload[0] ?? [], kwargs: payload[1] ?? {} });
    const { id, authid, authrole } = this.service;
    session.send([codes.result, request, { callee: id, callee_authid: authid, callee_authrole: authrole }, [value]]);
  }

  #publishTestaments(session: Session, publisher: Publisher): void {
    for (const { topic, payload, options } of [...session.testaments.detached, ...session.testaments.destroyed]) {
      const accepts = receiverFilter(options, session);
      this.broker.deliver({ topic, payload, publication: randomId(), publisher, accepts });
    }
  }
}

function isRequest(message: RealmMessage): message is Extract<RealmMessage, { kind: keyof typeof requestCodes }> {
  return message.kind in requestCodes;
}

/** Allows every action. */
export function allowAll(): boolean {
  return true;
}
