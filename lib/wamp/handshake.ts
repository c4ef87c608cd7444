/**
 * The opening of a session, from HELLO to WELCOME: its messages, the deadline of each answer, the errors of a
 * refusal.
 */

import { AgentError } from "../base/errors.ts";
import { authMethod, rejectedSignatureText, signChallenge } from "./auth.ts";
import { messageTypes } from "./message.ts";

/** Only the features that we use: routers change their behaviour with them. */
const roles = {
  publisher: { features: { publisher_identification: true } },
  subscriber: { features: { publisher_identification: true } },
  callee: { features: { caller_identification: true, call_canceling: true, call_timeout: true } },
  caller: { features: { caller_identification: true, call_canceling: true } },
};

/** Our HELLO: these details and no others. */
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
    // Nobody awaits the end of a handshake that never began.
    this.#outcome.promise.catch(() => {});
  }

  /** Resolves at WELCOME. Rejects with the error of `fail` or `refuse`, or `timeout`. */
  get done(): Promise<void> {
    return this.#outcome.promise;
  }

  /** Starts the deadline of the answer to one of our messages. */
  expectAnswer(what: string): void {
    if (this.#isOver) return;
    clearTimeout(this.#timer);
    const error = new AgentError("timeout", `The router did not answer ${what} in ${this.#responseMs} ms`);
    this.#timer = setTimeout(() => this.fail(error), this.#responseMs);
  }

  /** Signs a challenge. Throws, and fails the handshake, when the challenge cannot be read. */
  async answer(method: unknown, extra: unknown): Promise<string> {
    this.#hasChallenge = true;
    try {
      const signature = await signChallenge({ method, extra }, this.#secret);
      this.expectAnswer("AUTHENTICATE");
      return signature;
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  /** WELCOME has arrived. */
  succeed(): void {
    this.#finish(() => this.#outcome.resolve());
  }

  /** ABORT has arrived: fails with `auth_rejected` for a wrong signature, else with `connect_failed` and its text. */
  refuse(abort: { reason: string; text: string }): void {
    const text = this.#hasChallenge ? abort.text || "authentication failed" : `${abort.reason} ${abort.text}`.trim();
    const isFinal = text.includes(rejectedSignatureText);
    this.fail(
      isFinal
        ? new AgentError("auth_rejected", text)
        : new AgentError("connect_failed", `The router refused the session: ${text}`),
    );
  }

  /** Ends the handshake with an error; does nothing when it has ended. */
  fail(error: unknown): void {
    this.#finish(() => this.#outcome.reject(error));
  }

  #finish(settle: () => void): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    settle();
  }
}
