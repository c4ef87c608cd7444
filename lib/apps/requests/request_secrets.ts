/** The secrets in a request, which must never appear in the log. Pure. */

import { isDict } from "../../base/json.ts";
import { isPrivateMember, isSecretName } from "../../base/secret_name.ts";
import type { AppRequest } from "../../model/app.ts";
import { valueText } from "../container/variable.ts";

/** Shorter values of variables that are not marked only turn up in log lines by chance: `TOKEN_COUNT=1000`. */
const shortestUnmarked = 8;

/** Numbers, and words as in `NODE_ENV=production`, are no secrets unless their name says so. */
const ordinaryValue = /^(?:[a-z]{1,12}|[-+]?[\d.:]{1,12})$/i;

const composeDepthLimit = 8;
const composeTextLimit = 256;

/**
 * The passwords for registries, and the values and defaults of variables: first those that are marked as secret or have
 * the name of a secret, then all others that are not just numbers or words, and texts of the compose file.
 */
export function requestSecrets(request: AppRequest): string[] {
  const { dockerCredentials, environment, environmentTemplate } = request;
  const names = new Set([...Object.keys(environment), ...Object.keys(environmentTemplate)]);
  const marked: string[] = [];
  const others: string[] = [];
  for (const name of names) {
    const entries = [environment, environmentTemplate].flatMap((variables) => ownEntry(variables, name));
    const texts = entries.flatMap(({ value, defaultValue }) => [textOrNothing(value), textOrNothing(defaultValue)]);
    if (entries.some(isMarked)) marked.push(...texts);
    else if (isSecretName(name)) marked.push(...texts.filter((text) => text.length >= shortestUnmarked));
    else others.push(...texts.filter(mayBeSecret));
  }
  const passwords = Object.values(dockerCredentials).map(({ password }) => password);
  const composed = [request.dockerCompose, request.newDockerCompose].flatMap((compose) => composeTexts(compose));
  return [...new Set([...passwords, ...marked, ...others, ...composed])].filter((text) => text !== "");
}

function mayBeSecret(text: string): boolean {
  return text.length >= shortestUnmarked && !ordinaryValue.test(text);
}

/** Texts in the variables and commands of a compose file: of `NAME=value` the value, of a command its words. */
function composeTexts(compose: unknown): string[] {
  const found: string[] = [];
  const collect = (value: unknown, isPrivate: boolean, depth: number): void => {
    if (depth > composeDepthLimit || found.length >= composeTextLimit) return;
    if (typeof value === "string") {
      if (isPrivate) found.push(...value.split(/[\s=]+/).concat(afterEquals(value)).filter(mayBeSecret));
    } else if (Array.isArray(value)) {
      for (const entry of value) collect(entry, isPrivate, depth + 1);
    } else if (isDict(value)) {
      for (const [name, entry] of Object.entries(value)) {
        const isNamed = isPrivateMember(name) || isSecretName(name);
        collect(entry, isPrivate || isNamed, depth + 1);
      }
    }
  };
  collect(compose, false, 0);
  return found.slice(0, composeTextLimit);
}

function afterEquals(text: string): string[] {
  const equals = text.indexOf("=");
  return equals === -1 ? [] : [text.slice(equals + 1)];
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
