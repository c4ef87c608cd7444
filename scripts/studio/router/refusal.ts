/** Refusals that are sent to a client as a WAMP ERROR, with the texts of Crossbar.io. */

import { type Payload, payloadOf } from "./messages.ts";

/** Thrown for a request that is answered with ERROR. */
export class Refusal extends Error {
  readonly uri: string;

  constructor(uri: string, message = "") {
    super(message);
    this.name = "Refusal";
    this.uri = uri;
  }

  /** The payload of the ERROR: the message as the only argument, or nothing. */
  get payload(): Payload {
    return payloadOf(this.message === "" ? [] : [this.message]);
  }
}
