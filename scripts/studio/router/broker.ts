/** Publish and subscribe of one realm. */

import type { Dict } from "../../../lib/base/json.ts";
import type { Question } from "./action.ts";
import { Refusal } from "./refusal.ts";
import { codes, type MessageOf, type Payload } from "./messages.ts";
import type { Session } from "./session.ts";
import { isRouterUri, isValidUri, newObservation, type Observation, randomId, UriMap } from "./uri_match.ts";
import type { UriPattern } from "./uri_space.ts";

/** A subscription: one per topic pattern, shared by its subscribers, with one id while it has any. */
export interface Subscription extends Observation {
  readonly subscribers: Set<Session>;
}

/** The publisher that an EVENT names. */
export interface Publisher {
  id?: number;
  authid: string;
  authrole: string;
}

/**
 * Tells the realm about a change; becomes a meta event, only for those who may use topics of `about` if that is given.
 */
export type PublishMetaEvent = (topic: string, args: unknown[], options?: { about?: UriPattern }) => void;

/** What broker and dealer need of their realm. */
export interface RealmAccess {
  publishMetaEvent: PublishMetaEvent;
  /** True when the session may do this at the moment. */
  allows(question: Question): boolean;
}

/** The broker of a realm. Invariant: every subscription in the map has at least one subscriber. */
export class Broker {
  readonly subscriptions = new UriMap<Subscription>();
  readonly #bySession = new Map<Session, Set<Subscription>>();
  readonly #publishMetaEvent: PublishMetaEvent;
  readonly #allows: RealmAccess["allows"];

  constructor({ publishMetaEvent, allows }: RealmAccess) {
    this.#publishMetaEvent = publishMetaEvent;
    this.#allows = allows;
  }

  /** The subscriptions of a session. */
  of(session: Session): Subscription[] {
    return [...this.#bySession.get(session) ?? []];
  }

  /** Adds a subscriber and answers SUBSCRIBED. Throws `Refusal` for an invalid URI. */
  subscribe(session: Session, { request, topic, match }: MessageOf<"subscribe">): void {
    if (!isValidUri(topic, match)) {
      throw new Refusal("wamp.error.invalid_uri", `subscribe for invalid topic URI '${topic}'`);
    }
    const known = this.subscriptions.get(topic, match);
    const subscription = known ?? { ...newObservation(topic, match), subscribers: new Set() };
    if (!known) this.subscriptions.add(subscription);
    const isFresh = !subscription.subscribers.has(session);
    subscription.subscribers.add(session);
    this.#bySession.set(session, (this.#bySession.get(session) ?? new Set()).add(subscription));
    session.send([codes.subscribed, request, subscription.id]);
    if (isRouterUri(topic)) return;
    if (!known) {
      this.#publishMetaEvent(
        "wamp.subscription.on_create",
        [session.id, describeSubscription(subscription)],
        { about: subscription },
      );
    }
    if (isFresh) this.#publishMetaEvent("wamp.subscription.on_subscribe", [session.id, subscription.id]);
  }

  /** Removes a subscriber and answers UNSUBSCRIBED. Throws `Refusal` when it does not subscribe. */
  unsubscribe(session: Session, { request, subscription: id }: MessageOf<"unsubscribe">): void {
    const subscription = this.subscriptions.byId(id);
    if (!subscription?.subscribers.has(session)) throw new Refusal("wamp.error.no_such_subscription");
    this.#drop(session, subscription);
    session.send([codes.unsubscribed, request]);
    this.#publishDrop(session.id, subscription);
  }

  /** Removes a session that has left. The meta events name no session, like those of Crossbar.io. */
  detach(session: Session): void {
    const subscriptions = this.of(session);
    for (const subscription of subscriptions) this.#drop(session, subscription);
    for (const subscription of subscriptions) this.#publishDrop(null, subscription);
  }

  /** Delivers a publication and answers PUBLISHED on request. Throws `Refusal` for a topic of the router. */
  publish(session: Session, { request, topic, options, payload }: MessageOf<"publish">): void {
    if (isRouterUri(topic)) {
      throw new Refusal("wamp.error.invalid_uri", `publish with restricted topic URI '${topic}'`);
    }
    const publication = randomId();
    if (options.acknowledge === true) session.send([codes.published, request, publication]);
    const without = options.exclude_me === false ? undefined : session;
    this.deliver({ topic, payload, publication, publisher: session, accepts: receiverFilter(options, without) });
  }

  /** Sends the EVENTs of one publication, to those who may still subscribe to its topic. */
  deliver({ topic, payload, publication, publisher, accepts }: {
    topic: string;
    payload: Payload;
    publication: number;
    publisher: Publisher;
    accepts: (receiver: Session) => boolean;
  }): void {
    for (const subscription of this.subscriptions.all(topic)) {
      const details = eventDetails(publisher, subscription.match === "exact" ? undefined : topic);
      for (const receiver of subscription.subscribers) {
        if (!accepts(receiver) || !this.#allows({ session: receiver, action: "subscribe", uri: topic })) continue;
        receiver.send([codes.event, subscription.id, publication, details, ...payload]);
      }
    }
  }

  #drop(session: Session, subscription: Subscription): void {
    subscription.subscribers.delete(session);
    if (subscription.subscribers.size === 0) this.subscriptions.remove(subscription);
    const own = this.#bySession.get(session);
    own?.delete(subscription);
    if (own?.size === 0) this.#bySession.delete(session);
  }

  #publishDrop(sessionId: number | null, subscription: Subscription): void {
    if (isRouterUri(subscription.uri)) return;
    this.#publishMetaEvent("wamp.subscription.on_unsubscribe", [sessionId, subscription.id]);
    if (subscription.subscribers.size === 0) {
      this.#publishMetaEvent("wamp.subscription.on_delete", [sessionId, subscription.id]);
    }
  }
}

/** The details of a subscription in the meta API. */
export function describeSubscription({ id, created, uri, match }: Subscription): Dict {
  return { id, created, uri, match };
}

/** Selects the receivers of an event by the options of PUBLISH. Options that are not lists are ignored. */
export function receiverFilter(options: Dict, without?: Session): (receiver: Session) => boolean {
  const lists = [
    { list: options.eligible, of: (one: Session) => one.id, isEligible: true },
    { list: options.eligible_authid, of: (one: Session) => one.authid, isEligible: true },
    { list: options.eligible_authrole, of: (one: Session) => one.authrole, isEligible: true },
    { list: options.exclude, of: (one: Session) => one.id, isEligible: false },
    { list: options.exclude_authid, of: (one: Session) => one.authid, isEligible: false },
    { list: options.exclude_authrole, of: (one: Session) => one.authrole, isEligible: false },
  ];
  const rules = lists.flatMap(({ list, of, isEligible }) => {
    const values = Array.isArray(list) && list.length > 0 ? new Set<unknown>(list) : undefined;
    return values ? [(one: Session) => values.has(of(one)) === isEligible] : [];
  });
  return (receiver) => receiver !== without && rules.every((rule) => rule(receiver));
}

function eventDetails(publisher: Publisher, topic: string | undefined): Dict {
  return {
    ...(publisher.id === undefined ? {} : { publisher: publisher.id }),
    publisher_authid: publisher.authid,
    publisher_authrole: publisher.authrole,
    ...(topic === undefined ? {} : { topic }),
  };
}
