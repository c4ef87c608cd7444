/** Finds out why a pull or a push has failed, as far as the engine does not say it. */

import { within } from "../../async/deadline.ts";
import { hasCode, messageOf, textOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { EngineError, engineTextOf } from "../../docker/errors.ts";
import type { RegistryAuth } from "../../docker/registry.ts";
import { isRateLimit } from "../../docker/retry_after.ts";
import type { StepEngine } from "../dependencies.ts";

/** An image that was pulled, or was to be. */
export interface PulledImage {
  reference: string;
  /** Of its registry. */
  host: string;
  auth: RegistryAuth | undefined;
}

/** What an explanation works with. */
export interface ExplanationOptions extends PulledImage {
  engine: Pick<StepEngine, "checkLogin">;
  log: Log;
}

/** What became of a login that was tried after a pull was refused. */
export type LoginVerdict = "none" | "refused" | "accepted" | "unknown";

/** For the check of a login; it only explains what has failed already. */
const loginLimitMs = 10_000;

/**
 * The error of a pull or a push, with a hint behind the engine's text where that leaves open what to do. Asks the
 * registry only when it has refused the pull for the login. Never throws.
 */
export async function explainPull(error: unknown, options: ExplanationOptions, signal: AbortSignal): Promise<unknown> {
  const engineText = engineTextOf(error);
  if (engineText === undefined || !(error instanceof Error)) return error;
  const kind = reasonKind(engineText);
  const hint = kind === "login" ? loginHint(await tryLogin(options, signal), options.host) : hintOf(kind, options.host);
  if (hint === undefined) return error;
  const code = hasCode(error, "image_missing", "push_failed") ? error.code : "pull_failed";
  return new EngineError(code, messageOf(error), { engineText: `${engineText} (${hint})`, cause: error });
}

/** What the text of an engine says of the reason of a failed pull. Pure. */
export function reasonKind(engineText: string): "login" | "network" | "other" {
  if (isRateLimit(engineText)) return "other";
  if (
    /unauthorized|authentication required|access denied|access to the resource is denied|forbidden/i.test(engineText)
  ) {
    return "login";
  }
  const network = /timeout|timed out|deadline exceeded|no such host|connection refused|no route to host|unreachable/i;
  return network.test(engineText) ? "network" : "other";
}

function hintOf(kind: "network" | "other", host: string): string | undefined {
  return kind === "network" ? `check that the device can reach registry ${host}, and NO_PROXY` : undefined;
}

function loginHint(verdict: LoginVerdict, host: string): string | undefined {
  switch (verdict) {
    case "none":
      return `there are no credentials for registry ${host}`;
    case "refused":
      return `registry ${host} refuses the credentials`;
    case "accepted":
      return `registry ${host} accepts the credentials, but not for this image`;
    case "unknown":
      return undefined;
  }
}

async function tryLogin({ auth, engine, log }: ExplanationOptions, signal: AbortSignal): Promise<LoginVerdict> {
  if (auth === undefined) return "none";
  try {
    const what = "Checking a login";
    await within(loginLimitMs, (limit) => engine.checkLogin(auth, limit), { what, signal });
    return "accepted";
  } catch (error) {
    if (hasCode(error, "denied")) return "refused";
    log.debug("Cannot find out whether a registry accepts a login", { error: textOf(error) });
    return "unknown";
  }
}
