/** Refusals that a client gets as a WAMP ERROR, with the texts of Crossbar.io. */

import { type Payload, payloadOf } from "./messages.ts";

/** A request that is answered with ERROR instead of its reply. */
export class Refusal extends Error {
  readonly uri: string;

  constructor(uri: string, message = "") {
    super(message);
    this.name = "Refusal";
    this.uri = uri;
  }

  /** What goes behind the error URI: the message as the only argument, or nothing. */
  get payload(): Payload {
    return payloadOf(this.message === "" ? [] : [this.message]);
  }
}
