/** The procedures of one realm: registrations, and the choice of the callee for a call. */

import type { Dict } from "../../../lib/base/json.ts";
import type { PublishMetaEvent, RealmAccess } from "./broker.ts";
import { Refusal } from "./refusal.ts";
import { Invocations } from "./invocations.ts";
import { codes, type MessageOf } from "./messages.ts";
import type { Session } from "./session.ts";
import { isRouterUri, newObservation, type Observation, UriMap } from "./uri_match.ts";

/** The policy that selects one of several callees. */
export type InvokePolicy = "single" | "first" | "last" | "roundrobin" | "random";

const invokePolicies: readonly InvokePolicy[] = ["single", "first", "last", "roundrobin", "random"];

/** A registration: one per procedure pattern, with its callees in the order of their registration. */
export interface Registration extends Observation {
  readonly invoke: InvokePolicy;
  readonly callees: Session[];
  /** The number of calls so far, for round robin. */
  calls: number;
}

/** The dealer of a realm. Invariant: every registration in the map has at least one callee. */
export class Dealer {
  readonly registrations = new UriMap<Registration>();
  readonly #invocations = new Invocations();
  readonly #bySession = new Map<Session, Set<Registration>>();
  readonly #publishMetaEvent: PublishMetaEvent;
  readonly #allows: RealmAccess["allows"];

  constructor({ publishMetaEvent, allows }: RealmAccess) {
    this.#publishMetaEvent = publishMetaEvent;
    this.#allows = allows;
  }

  /** The registrations of a session. */
  of(session: Session): Registration[] {
    return [...this.#bySession.get(session) ?? []];
  }

  /**
   * Adds a callee and answers REGISTERED; `force_reregister` first removes other callees, who get UNREGISTERED with
   * request 0. Throws `Refusal` when the procedure is already registered or belongs to the router.
   */
  register(session: Session, { request, procedure, match, options }: MessageOf<"register">): void {
    if (isRouterUri(procedure)) {
      throw new Refusal("wamp.error.invalid_uri", `register for restricted procedure URI '${procedure}')`);
    }
    const invoke = invokePolicies.find((policy) => policy === options.invoke) ?? "single";
    let known = this.registrations.get(procedure, match);
    if (known && options.force_reregister === true) {
      this.#revoke(known);
      known = undefined;
    }
    if (known) refuseConflict(known, invoke);
    const registration = known ?? { ...newObservation(procedure, match), invoke, callees: [], calls: 0 };
    if (!known) this.registrations.add(registration);
    const isFresh = !registration.callees.includes(session);
    if (isFresh) registration.callees.push(session);
    this.#bySession.set(session, (this.#bySession.get(session) ?? new Set()).add(registration));
    session.send([codes.registered, request, registration.id]);
    if (!known) this.#publishMetaEvent("wamp.registration.on_create", [session.id, describeRegistration(registration)]);
    if (isFresh) this.#publishMetaEvent("wamp.registration.on_register", [session.id, registration.id]);
  }

  /** Removes a callee and answers UNREGISTERED. Throws `Refusal` when it is not registered. */
  unregister(session: Session, { request, registration: id }: MessageOf<"unregister">): void {
    const registration = this.registrations.byId(id);
    if (!registration?.callees.includes(session)) throw new Refusal("wamp.error.no_such_registration");
    this.#drop(session, registration);
    session.send([codes.unregistered, request]);
    this.#publishDrop(session.id, registration);
  }

  /** Hands a call to a callee that may still answer it. Throws `Refusal` when nobody has the procedure. */
  call(caller: Session, message: MessageOf<"call">): void {
    const registration = this.registrations.best(message.procedure);
    const callee = registration && chooseCallee(registration, (session) => {
      return this.#allows({ session, action: "register", uri: message.procedure });
    });
    if (!callee) {
      throw new Refusal("wamp.error.no_such_procedure", `no callee registered for procedure <${message.procedure}>`);
    }
    const procedure = registration.match === "exact" ? undefined : message.procedure;
    this.#invocations.start({ caller, callee, registrationId: registration.id, procedure, message });
  }

  /** Handles the result or error of a callee, or the CANCEL of a caller. */
  proceed(session: Session, message: MessageOf<"yield" | "invocationError" | "cancel">): void {
    switch (message.kind) {
      case "yield":
        return this.#invocations.finish(session, message);
      case "invocationError":
        return this.#invocations.fail(session, message);
      case "cancel":
        return this.#invocations.cancel(session, message);
    }
  }

  /** Removes a session that has left: ends its open calls, then its registrations. */
  detach(session: Session): void {
    this.#invocations.detach(session);
    const registrations = this.of(session);
    for (const registration of registrations) this.#drop(session, registration);
    for (const registration of registrations) this.#publishDrop(null, registration);
  }

  /** Stops all timers. */
  close(): void {
    this.#invocations.close();
  }

  /** Removes all callees of a registration without meta events, like Crossbar.io. */
  #revoke(registration: Registration): void {
    for (const callee of [...registration.callees]) {
      this.#drop(callee, registration);
      callee.send([codes.unregistered, 0, { reason: "wamp.error.unregistered", registration: registration.id }]);
    }
  }

  #drop(session: Session, registration: Registration): void {
    const index = registration.callees.indexOf(session);
    if (index >= 0) registration.callees.splice(index, 1);
    if (registration.callees.length === 0) this.registrations.remove(registration);
    const own = this.#bySession.get(session);
    own?.delete(registration);
    if (own?.size === 0) this.#bySession.delete(session);
  }

  #publishDrop(sessionId: number | null, registration: Registration): void {
    this.#publishMetaEvent("wamp.registration.on_unregister", [sessionId, registration.id]);
    if (registration.callees.length > 0) return;
    this.#publishMetaEvent("wamp.registration.on_delete", [sessionId, registration.id]);
  }
}

/** The details of a registration in the meta API. */
export function describeRegistration({ id, created, uri, match, invoke }: Registration): Dict {
  return { id, created, uri, match, invoke };
}

function refuseConflict(known: Registration, invoke: InvokePolicy): void {
  const start = `register for already registered procedure '${known.uri}'`;
  if (known.invoke === "single") throw new Refusal("wamp.error.procedure_already_exists", start);
  if (known.invoke === invoke) return;
  throw new Refusal(
    "wamp.error.procedure_exists_with_different_invocation_policy",
    `${start} with conflicting invocation policy (has ${known.invoke} and ${invoke} was requested)`,
  );
}

function chooseCallee(registration: Registration, mayAnswer: (callee: Session) => boolean): Session | undefined {
  const { invoke } = registration;
  const callees = registration.callees.filter(mayAnswer);
  switch (invoke) {
    case "single":
    case "first":
      return callees[0];
    case "last":
      return callees.at(-1);
    case "roundrobin":
      return callees[registration.calls++ % callees.length];
    case "random":
      return callees[Math.floor(Math.random() * callees.length)];
  }
}
