/**
 * WAMP's meta procedures (`wamp.session.*`, `wamp.registration.*`, `wamp.subscription.*`), like those of Crossbar.io.
 */

import { type Dict, isDict, readText } from "../../../lib/base/json.ts";
import type { Question } from "./action.ts";
import { type Broker, describeSubscription, type Subscription } from "./broker.ts";
import { type Dealer, describeRegistration, type Registration } from "./dealer.ts";
import { Refusal } from "./refusal.ts";
import { payloadOf } from "./messages.ts";
import type { Session, TestamentScope } from "./session.ts";
import {
  isRouterUri,
  isValidUri,
  type Match,
  matches,
  type Observation,
  randomId,
  readMatch,
  type UriMap,
} from "./uri_match.ts";

/** The part of a realm that meta procedures read. */
export interface MetaRealm {
  readonly sessions: ReadonlyMap<number, Session>;
  readonly broker: Broker;
  readonly dealer: Dealer;
  /** Throws `Refusal` unless the session may do this. */
  check(question: Question): void;
  allows(question: Question): boolean;
}

/** A call of a meta procedure. */
export interface MetaCall {
  caller: Session;
  procedure: string;
  args: unknown[];
  kwargs: Dict;
}

/** The arguments of a call by name, whether they were positional or not. */
type Named = Dict;

interface MetaContext {
  realm: MetaRealm;
  caller: Session;
}

interface MetaProcedure {
  /** The names of the parameters in order; `?` marks optional ones. */
  parameters: string[];
  run(named: Named, context: MetaContext): unknown;
}

/** The number of testaments that a session may leave in one scope. */
const testamentLimit = 100;

/** Calls a meta procedure and returns its only result value. Throws `Refusal`. */
export function callMeta(realm: MetaRealm, { caller, procedure, args, kwargs }: MetaCall): unknown {
  const found = Object.hasOwn(procedures, procedure) ? procedures[procedure] : undefined;
  if (!found) {
    throw new Refusal("wamp.error.no_such_procedure", `no callee registered for procedure <${procedure}>`);
  }
  const named: Named = { ...kwargs };
  for (const [index, name] of found.parameters.entries()) {
    const key = name.replace("?", "");
    if (index < args.length) named[key] = args[index];
    if (key === name && named[key] === undefined) {
      throw new Refusal("wamp.error.runtime_error", `${procedure} misses its argument '${key}'`);
    }
  }
  return found.run(named, { realm, caller });
}

const procedures: Record<string, MetaProcedure> = {
  "wamp.session.count": {
    parameters: ["filter_authroles?"],
    run: (named, { realm }) => listSessions(realm, named).length,
  },
  "wamp.session.list": { parameters: ["filter_authroles?"], run: (named, { realm }) => listSessions(realm, named) },
  "wamp.session.get": { parameters: ["session_id"], run: (named, { realm }) => findSession(realm, named).describe() },
  "wamp.session.kill": {
    parameters: ["session_id", "reason?", "message?"],
    run: (named, { realm }) => killSession(realm, named),
  },
  "wamp.session.add_testament": {
    parameters: ["topic", "args", "kwargs", "publish_options?", "scope?"],
    run: addTestament,
  },
  "wamp.session.flush_testaments": {
    parameters: ["scope?"],
    run: (named, { caller }) => caller.testaments[readScope(named)].splice(0).length,
  },
  "wamp.registration.list": {
    parameters: ["session_id?"],
    run: (named, { realm }) => listRegistrations(realm, named),
  },
  "wamp.registration.lookup": {
    parameters: ["procedure", "options?"],
    run: (named, { realm }) => lookUp(realm.dealer.registrations, named.procedure, named.options),
  },
  "wamp.registration.match": {
    parameters: ["procedure"],
    run: (named, { realm }) => realm.dealer.registrations.best(readText(named.procedure) ?? "")?.id ?? null,
  },
  "wamp.registration.get": {
    parameters: ["registration_id"],
    run: (named, { realm }) => describeRegistration(findRegistration(realm, named)),
  },
  "wamp.registration.list_callees": {
    parameters: ["registration_id"],
    run: (named, { realm }) => findRegistration(realm, named).callees.map((callee) => callee.id),
  },
  "wamp.registration.count_callees": {
    parameters: ["registration_id"],
    run: (named, { realm }) => findRegistration(realm, named).callees.length,
  },
  "wamp.subscription.list": {
    parameters: ["session_id?"],
    run: (named, { realm }) => listSubscriptions(realm, named),
  },
  "wamp.subscription.lookup": {
    parameters: ["topic", "options?"],
    run: (named, { realm }) => lookUp(realm.broker.subscriptions, named.topic, named.options),
  },
  "wamp.subscription.match": { parameters: ["topic"], run: matchSubscriptions },
  "wamp.subscription.get": {
    parameters: ["subscription_id"],
    run: (named, { realm }) => describeSubscription(findSubscription(realm, named)),
  },
  "wamp.subscription.list_subscribers": {
    parameters: ["subscription_id"],
    run: (named, { realm }) => [...findSubscription(realm, named).subscribers].map((subscriber) => subscriber.id),
  },
  "wamp.subscription.count_subscribers": {
    parameters: ["subscription_id"],
    run: (named, { realm }) => findSubscription(realm, named).subscribers.size,
  },
};

function listSessions(realm: MetaRealm, { filter_authroles: roles }: Named): number[] {
  const found = [...realm.sessions.values()].filter((one) => !Array.isArray(roles) || roles.includes(one.authrole));
  return found.map((one) => one.id);
}

function findSession(realm: MetaRealm, { session_id: id }: Named): Session {
  const session = typeof id === "number" ? realm.sessions.get(id) : undefined;
  if (session) return session;
  throw new Refusal("wamp.error.no_such_session", `no session with ID ${String(id)} exists on this router`);
}

function killSession(realm: MetaRealm, named: Named): null {
  const session = findSession(realm, named);
  if (session.hasGoodbye) throw new Refusal("wamp.error.runtime_error", "Already requested to close the session");
  session.goodbye(readText(named.reason), readText(named.message));
  return null;
}

function addTestament(named: Named, { realm, caller }: MetaContext): number {
  const { topic, args, kwargs, publish_options: options } = named;
  const scope = readScope(named);
  if (typeof topic !== "string" || !Array.isArray(args) || !isDict(kwargs)) {
    throw new Refusal("wamp.error.runtime_error", "a testament needs a topic, a list of args and a dict of kwargs");
  }
  if (!isValidUri(topic) || isRouterUri(topic)) {
    throw new Refusal("wamp.error.invalid_uri", `testament with restricted or invalid topic URI '${topic}'`);
  }
  realm.check({ session: caller, action: "publish", uri: topic });
  if (caller.testaments[scope].length >= testamentLimit) {
    throw new Refusal("wamp.error.testament_error", `a session may have ${testamentLimit} testaments of a scope`);
  }
  caller.testaments[scope].push({ topic, payload: payloadOf(args, kwargs), options: isDict(options) ? options : {} });
  return randomId();
}

function readScope({ scope }: Named): TestamentScope {
  if (scope === undefined || scope === null || scope === "destroyed") return "destroyed";
  if (scope === "detached") return "detached";
  throw new Refusal("wamp.error.testament_error", "scope must be destroyed or detached");
}

function listRegistrations(realm: MetaRealm, named: Named): Record<Match, number[]> {
  if (named.session_id) return group(realm.dealer.of(findSession(realm, named)));
  return group(matches.flatMap((match) => realm.dealer.registrations.list(match)));
}

/** Like Crossbar.io, but the list of all includes wildcard subscriptions. */
function listSubscriptions(realm: MetaRealm, named: Named): Record<Match, number[]> {
  if (named.session_id) return group(realm.broker.of(findSession(realm, named)));
  const all = matches.flatMap((match) => realm.broker.subscriptions.list(match));
  return group(all.filter((one) => !isRouterUri(one.uri)));
}

function group(observations: Observation[]): Record<Match, number[]> {
  const ids = (match: Match) => observations.filter((one) => one.match === match).map((one) => one.id);
  return { exact: ids("exact"), prefix: ids("prefix"), wildcard: ids("wildcard") };
}

function lookUp(map: UriMap<Observation>, uri: unknown, options: unknown): number | null {
  const match = readMatch(isDict(options) ? options.match : undefined);
  const found = typeof uri === "string" && match ? map.get(uri, match) : undefined;
  return found && !isRouterUri(found.uri) ? found.id : null;
}

function matchSubscriptions({ topic }: Named, { realm, caller }: MetaContext): number[] | null {
  const uri = readText(topic) ?? "";
  const question = { session: caller, action: "publish", uri } as const;
  // Whether somebody listens is for those who may publish or subscribe there.
  if (!realm.allows({ ...question, action: "subscribe" })) realm.check(question);
  const found = realm.broker.subscriptions.all(uri).filter((one) => !isRouterUri(one.uri));
  return found.length > 0 ? found.map((one) => one.id) : null;
}

function findRegistration(realm: MetaRealm, { registration_id: id }: Named): Registration {
  const found = typeof id === "number" ? realm.dealer.registrations.byId(id) : undefined;
  if (found) return found;
  throw new Refusal("wamp.error.no_such_registration", `no registration with ID ${String(id)} exists on this dealer`);
}

function findSubscription(realm: MetaRealm, { subscription_id: id }: Named): Subscription {
  const found = typeof id === "number" ? realm.broker.subscriptions.byId(id) : undefined;
  if (!found) {
    throw new Refusal("wamp.error.no_such_subscription", `no subscription with ID ${String(id)} exists on this broker`);
  }
  if (!isRouterUri(found.uri)) return found;
  throw new Refusal("wamp.error.not_authorized", `not authorized to get subscription for protected URI "${found.uri}"`);
}
