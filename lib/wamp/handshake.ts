/** The opening of a session, from HELLO to WELCOME: what we say, how long each answer may take, how a refusal reads. */

import { AgentError } from "../base/errors.ts";
import { authMethod, rejectedSignatureText, signChallenge } from "./auth.ts";
import { messageTypes } from "./message.ts";

/** Only what we do; routers switch behaviour on by these. */
const roles = {
  publisher: { features: { publisher_identification: true } },
  subscriber: { features: { publisher_identification: true } },
  callee: { features: { caller_identification: true, call_canceling: true, call_timeout: true } },
  caller: { features: { caller_identification: true, call_canceling: true } },
};

/** The HELLO of a device: these details and no others. */
export function helloMessage(realm: string, authid: string): unknown[] {
  return [messageTypes.hello, realm, { authid, authmethods: [authMethod], roles }];
}

/** One opening. Invariant: `done` settles once; every answer of the router has a deadline of its own. */
export class Handshake {
  readonly #secret: string;
  readonly #responseMs: number;
  readonly #outcome = Promise.withResolvers<void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasChallenge = false;
  #isOver = false;

  constructor(options: { secret: string; responseMs: number }) {
    this.#secret = options.secret;
    this.#responseMs = options.responseMs;
    // A handshake that never began has nobody to hear of its end.
    this.#outcome.promise.catch(() => {});
  }

  /** Resolves at WELCOME. Rejects with what `fail` and `refuse` were told, or `timeout`. */
  get done(): Promise<void> {
    return this.#outcome.promise;
  }

  /** Starts the deadline for the answer to a message of ours. */
  expectAnswer(what: string): void {
    if (this.#isOver) return;
    clearTimeout(this.#timer);
    const error = new AgentError("timeout", `The router did not answer ${what} in ${this.#responseMs} ms`);
    this.#timer = setTimeout(() => this.fail(error), this.#responseMs);
  }

  /** The signature for a challenge. Throws, and fails the handshake, when it cannot be read. */
  async answer(method: unknown, extra: unknown): Promise<string> {
    this.#hasChallenge = true;
    try {
      const signature = await signChallenge(method, extra, this.#secret);
      this.expectAnswer("AUTHENTICATE");
      return signature;
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  /** The router said WELCOME. */
  succeed(): void {
    this.#finish(() => this.#outcome.resolve());
  }

  /** The router said ABORT: `auth_rejected` for a wrong signature, else `connect_failed` with its words. */
  refuse(abort: { reason: string; text: string }): void {
    const text = this.#hasChallenge ? abort.text || "authentication failed" : `${abort.reason} ${abort.text}`.trim();
    const isFinal = text.includes(rejectedSignatureText);
    this.fail(
      isFinal
        ? new AgentError("auth_rejected", text)
        : new AgentError("connect_failed", `The router refused the session: ${text}`),
    );
  }

  /** Nothing will come of it any more. */
  fail(error: unknown): void {
    this.#finish(() => this.#outcome.reject(error));
  }

  #finish(settle: () => void): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    settle();
  }
}
