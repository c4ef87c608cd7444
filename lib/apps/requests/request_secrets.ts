/** The secrets in a request, which must never appear in the log. Pure. */

import { isDict } from "../../base/json.ts";
import { isSecretName } from "../../base/secret_name.ts";
import type { AppRequest } from "../../model/app.ts";
import { valueText } from "../container/variable.ts";

/** Shorter values of variables that are secret by name only turn up in log lines by chance: `TOKEN_COUNT=1000`. */
const shortestBySecretName = 8;

/**
 * The passwords for registries, and the values and defaults of variables that are marked as secret or have the name of
 * a secret.
 */
export function requestSecrets(request: AppRequest): string[] {
  const { dockerCredentials, environment, environmentTemplate } = request;
  const names = new Set([...Object.keys(environment), ...Object.keys(environmentTemplate)]);
  const values = [...names].flatMap((name) => {
    const entries = [environment, environmentTemplate].flatMap((variables) => ownEntry(variables, name));
    const texts = entries.flatMap(({ value, defaultValue }) => [textOrNothing(value), textOrNothing(defaultValue)]);
    if (entries.some(isMarked)) return texts;
    return isSecretName(name) ? texts.filter((text) => text.length >= shortestBySecretName) : [];
  });
  const passwords = Object.values(dockerCredentials).map(({ password }) => password);
  return [...new Set([...passwords, ...values])].filter((text) => text !== "");
}

/** Either an entry or its template may carry the mark. */
function isMarked(entry: Record<string, unknown>): boolean {
  return entry.secret === true || entry.isSecret === true || entry.type === "secret" || entry.type === "password";
}

function ownEntry(variables: Record<string, unknown>, name: string): Record<string, unknown>[] {
  const entry = Object.hasOwn(variables, name) ? variables[name] : undefined;
  return isDict(entry) ? [entry] : [];
}

function textOrNothing(value: unknown): string {
  return value === undefined ? "" : valueText(value) ?? "";
}
