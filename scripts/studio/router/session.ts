/** One joined client, as broker and dealer see it. */

import { type Dict, isDict } from "../../../lib/base/json.ts";
import { codes, type Frame, type Payload } from "./messages.ts";

/** A publication that is made when the session has ended. */
export interface Testament {
  topic: string;
  payload: Payload;
  options: Dict;
}

/** When a testament is published: when the session is detached or destroyed. For this router both are its end. */
export type TestamentScope = "detached" | "destroyed";

/** How a session is created. */
export interface SessionOptions {
  id: number;
  realm: string;
  authid: string;
  authrole: string;
  /** `HELLO.Details.roles`: the features of the client. */
  roles: Dict;
  /** Sends a message to the client; does nothing when its socket is closed. */
  send(message: Frame): void;
}

/** A joined client. It stays in its realm until it has answered GOODBYE or its socket is closed. */
export class Session {
  readonly id: number;
  readonly realm: string;
  readonly authid: string;
  readonly authrole: string;
  readonly testaments: Record<TestamentScope, Testament[]> = { detached: [], destroyed: [] };
  readonly #roles: Dict;
  readonly #send: (message: Frame) => void;
  #hasGoodbye = false;

  constructor(options: SessionOptions) {
    this.id = options.id;
    this.realm = options.realm;
    this.authid = options.authid;
    this.authrole = options.authrole;
    this.#roles = options.roles;
    this.#send = options.send;
  }

  /** Sends a message to the client. */
  send(message: Frame): void {
    this.#send(message);
  }

  /** True once the router has sent GOODBYE. */
  get hasGoodbye(): boolean {
    return this.#hasGoodbye;
  }

  /** Sends GOODBYE, once. The session lasts until the client has answered or its socket is closed. */
  goodbye(reason = "wamp.close.normal", message?: string): void {
    if (this.#hasGoodbye) return;
    this.#hasGoodbye = true;
    this.#send([codes.goodbye, message === undefined ? {} : { message }, reason]);
  }

  /** Whether the client has announced a feature for a role. */
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
