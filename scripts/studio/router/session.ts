/** One joined client as the broker and the dealer see it. */

import { type Dict, isDict } from "../../../lib/base/json.ts";
import { codes, type Frame, type Payload } from "./messages.ts";

/** A publication that is made when the session is gone. */
export interface Testament {
  topic: string;
  payload: Payload;
  options: Dict;
}

/** When a testament is due: when the session is detached, or when it is destroyed. For this router both are its end. */
export type TestamentScope = "detached" | "destroyed";

/** What a session is made of. */
export interface SessionOptions {
  id: number;
  realm: string;
  authid: string;
  authrole: string;
  /** `HELLO.Details.roles`: what the client says it can. */
  roles: Dict;
  /** Sends one message to the client; does nothing when its socket is gone. */
  send(message: Frame): void;
}

/** A joined client. It stays in its realm until it answered GOODBYE or its socket is closed. */
export class Session {
  readonly id: number;
  readonly realm: string;
  readonly authid: string;
  readonly authrole: string;
  readonly testaments: Record<TestamentScope, Testament[]> = { detached: [], destroyed: [] };
  readonly #roles: Dict;
  readonly #send: (message: Frame) => void;
  #hasGoodbye = false;

  constructor(facts: SessionOptions) {
    this.id = facts.id;
    this.realm = facts.realm;
    this.authid = facts.authid;
    this.authrole = facts.authrole;
    this.#roles = facts.roles;
    this.#send = facts.send;
  }

  /** Sends one message to the client. */
  send(message: Frame): void {
    this.#send(message);
  }

  /** True once the router has said GOODBYE. */
  get hasGoodbye(): boolean {
    return this.#hasGoodbye;
  }

  /** Says GOODBYE, once. The session lives on until the client answered or its socket is closed. */
  goodbye(reason = "wamp.close.normal", message?: string): void {
    if (this.#hasGoodbye) return;
    this.#hasGoodbye = true;
    this.#send([codes.goodbye, message === undefined ? {} : { message }, reason]);
  }

  /** True when the client announced this feature for this role. */
  can(role: string, feature: string): boolean {
    const announced = this.#roles[role];
    return isDict(announced) && isDict(announced.features) && announced.features[feature] === true;
  }

  /** The details of `wamp.session.get` and `wamp.session.on_join`. */
  describe(): Dict {
    return {
      realm: this.realm,
      session: this.id,
      authid: this.authid,
      authrole: this.authrole,
      authmethod: "wampcra",
      authprovider: "static",
      authextra: {},
      serializer: "json",
      transport: { channel_type: "tcp", channel_framing: "websocket", channel_serializer: "json" },
    };
  }
}
