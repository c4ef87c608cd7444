/** One realm: its sessions with their joining and leaving, its broker and its dealer. */

import type { Authorise, Question } from "./action.ts";
import { Broker, type Publisher, type PublishMetaEvent, receiverFilter } from "./broker.ts";
import { Dealer } from "./dealer.ts";
import { Refusal } from "./refusal.ts";
import { type ClientMessage, codes, type MessageOf, payloadOf } from "./messages.ts";
import { callMeta } from "./meta.ts";
import type { Session } from "./session.ts";
import { isRouterUri, randomId } from "./uri_match.ts";
import type { UriPattern } from "./uri_space.ts";

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
    const publishMetaEvent: PublishMetaEvent = (topic, args, options) => this.publishMetaEvent(topic, args, options);
    const allows = (question: Question) => this.allows(question);
    this.broker = new Broker({ publishMetaEvent, allows });
    this.dealer = new Dealer({ publishMetaEvent, allows });
  }

  /** True when the session may do this at the moment. */
  allows({ match = "exact", extent = "all", ...question }: Question): boolean {
    try {
      return this.#authorise({ ...question, match, extent });
    } catch {
      // What cannot be checked is not allowed; it must not end the connection of somebody else either.
      return false;
    }
  }

  /** Throws `Refusal` unless the session may do this at the moment. */
  check(question: Question): void {
    if (this.allows(question)) return;
    const { session, action, uri } = question;
    throw new Refusal(
      "wamp.error.not_authorized",
      `session (session_id=${session.id}, authid="${session.authid}", authrole="${session.authrole}") is not authorized to ${action} "${uri}" on realm "${this.name}"`,
    );
  }

  /** Publishes a meta event. One about a subscription is for those who may use topics that it matches. */
  publishMetaEvent(topic: string, args: unknown[], { about }: { about?: UriPattern } = {}): void {
    const accepts = (session: Session) => about === undefined || this.#mayKnow(session, about);
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
        this.check({ session, action: "publish", uri: message.topic });
        return this.broker.publish(session, message);
      case "subscribe":
        this.check({ session, action: "subscribe", uri: message.topic, match: message.match });
        return this.broker.subscribe(session, message);
      case "unsubscribe":
        return this.broker.unsubscribe(session, message);
      case "register":
        this.check({ session, action: "register", uri: message.procedure, match: message.match });
        return this.dealer.register(session, message);
      case "unregister":
        return this.dealer.unregister(session, message);
      case "call":
        this.check({ session, action: "call", uri: message.procedure });
        return isRouterUri(message.procedure) ? this.#callMeta(session, message) : this.dealer.call(session, message);
      case "yield":
      case "invocationError":
      case "cancel":
        return this.dealer.proceed(session, message);
    }
  }

  #mayKnow(session: Session, { uri, match }: UriPattern): boolean {
    const actions = ["publish", "subscribe"] as const;
    return actions.some((action) => this.allows({ session, action, uri, match, extent: "some" }));
  }

  #callMeta(session: Session, { request, procedure, payload }: MessageOf<"call">): void {
    const value = callMeta(this, { caller: session, procedure, args: payload[0] ?? [], kwargs: payload[1] ?? {} });
    const { id, authid, authrole } = this.service;
    session.send([codes.result, request, { callee: id, callee_authid: authid, callee_authrole: authrole }, [value]]);
  }

  #publishTestaments(session: Session, publisher: Publisher): void {
    for (const { topic, payload, options } of [...session.testaments.detached, ...session.testaments.destroyed]) {
      // The right may have been withdrawn since the testament was left.
      if (!this.allows({ session, action: "publish", uri: topic })) continue;
      const accepts = receiverFilter(options, session);
      this.broker.deliver({ topic, payload, publication: randomId(), publisher, accepts });
    }
  }
}

function isRequest(message: RealmMessage): message is Extract<RealmMessage, { kind: keyof typeof requestCodes }> {
  return message.kind in requestCodes;
}
