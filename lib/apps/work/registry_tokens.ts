/** Tokens of Studio for the registry, with which images are pulled. */

import type { AppRequest } from "../../model/app.ts";
import type { Clock } from "../../async/clock.ts";
import { throwIfAborted, waitAtMost } from "../../async/deadline.ts";
import { hasCode, textOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Backend } from "../../backend/backend.ts";
import { patienceMs } from "../report/state_reporter.ts";

/** What the tokens are fetched with. */
export interface RegistryTokensDeps {
  backend: Pick<Backend, "getRegistryToken">;
  /** Masks a text in the log from now on. */
  hideSecret(text: string): void;
  clock: Clock;
  log: Log;
}

/** Resolves to a token, or to an empty text when there is none. Never rejects. */
export type RegistryToken = () => Promise<string>;

/** For work that downloads nothing. */
export const noToken: RegistryToken = () => Promise.resolve("");

/** Fetches tokens. */
export class RegistryTokens {
  readonly #deps: RegistryTokensDeps;

  constructor(deps: RegistryTokensDeps) {
    this.#deps = deps;
  }

  /** Fetches a token. Returns after a second at most: only a download has to wait for it. Throws `canceled`. */
  async fetch(request: AppRequest, signal: AbortSignal): Promise<RegistryToken> {
    const token = this.#ask(request, signal);
    await waitAtMost(token, { limitMs: patienceMs, clock: this.#deps.clock, signal });
    throwIfAborted(signal, "Asking for a registry token");
    return () => token;
  }

  /** A token that is fetched when a download needs it. */
  onDemand(request: AppRequest, signal: AbortSignal): RegistryToken {
    let token: Promise<string> | undefined;
    return () => token ??= this.#ask(request, signal);
  }

  async #ask(request: AppRequest, signal: AbortSignal): Promise<string> {
    const { backend, log, hideSecret } = this.#deps;
    try {
      const token = await backend.getRegistryToken(accountOf(request), signal);
      hideSecret(token);
      return token;
    } catch (error) {
      // Images that are on the device can be used without one.
      const isExpected = signal.aborted || hasCode(error, "not_connected");
      const fields = { app: request.appName, error: textOf(error) };
      log[isExpected ? "debug" : "warn"]("Cannot get a registry token, going on without one", fields);
      return "";
    }
  }
}

/** PROD apps are pulled on behalf of the device's owner. */
function accountOf(request: AppRequest): number {
  const isOwners = request.stage === "PROD" && request.deviceOwnerAccountKey > 0;
  return isOwners ? request.deviceOwnerAccountKey : request.requestorAccountKey;
}
