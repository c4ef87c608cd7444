/** Recognises failures that only a change of the app's settings or release can mend. Pure. */

import { ComposeError } from "../../docker/compose_error.ts";
import { hasCode, textOf } from "../../base/errors.ts";
import { isPulling, isStarting, type Step } from "./steps.ts";

/** Between two tries of an app whose settings make no sense to the engine: it may be another engine by then. */
export const configurationRetryMs = 3_600_000;

/** In the app's log; its wording is part of the wire. */
export const configurationText =
  "This failure is caused by the app's configuration and will not be retried automatically. " +
  "Update the app's configuration or release to recover.";

/** What engines and compose say of such settings, in lower case. */
const signs = [
  ...["invalid volume specification", "invalid mount config", "invalid mount path", "invalid bind mount spec"],
  ...["invalid reference format", "invalid containerport", "invalid hostport", "invalid port specification"],
  ...["invalid ip address", "additional propert", "must be a mapping", "no such service"],
  ...["invalid environment variable", "key cannot contain a space"],
];

/** Errors of compose have their lines on one. */
const lineEnd = /\n|; /;

/** A program says last why it has failed; what comes before may be anything. */
const lastLines = 3;

/**
 * True when the definition of the app makes no sense, or the engine has refused its settings in `step`: by the status
 * of its answer, or by the last lines of what it says, for engines that answer everything with the same status.
 */
export function isConfigurationError(step: Step | undefined, error: unknown): boolean {
  if (hasCode(error, "bad_definition")) return true;
  const isOfApp = isStarting(step) || isPulling(step) || step?.kind === "checkProject";
  if (!isOfApp) return false;
  if (wasRefused(error)) return true;
  if (!hasCode(error, "engine_failed", "pull_failed", "start_failed", "command_failed", "compose_failed")) return false;
  return linesOf(error).slice(-lastLines).some((line) => signs.some((sign) => line.toLowerCase().includes(sign)));
}

function linesOf(error: unknown): readonly string[] {
  const lines = error instanceof ComposeError ? error.lines : textOf(error).split(lineEnd);
  return lines.filter((line) => line.trim() !== "");
}

/** An error that explains another one has it as its cause. */
function wasRefused(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (hasCode(current, "engine_refused")) return true;
  }
  return false;
}
