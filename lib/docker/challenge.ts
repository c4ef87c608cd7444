/** Reads the header `WWW-Authenticate` of a registry. Pure. */

/** How a registry wants a login. */
export type Challenge =
  | { kind: "basic" }
  | { kind: "bearer"; realm: string; service: string | undefined };

const headerLimitChars = 4_096;
const realmLimitChars = 2_048;
const serviceLimitChars = 256;

/**
 * The first challenge of a kind that registries use; undefined when there is none, or when it is longer than any real
 * one. The scope that it names is ignored, as engines do: whoever asks for a token knows what it is for.
 */
export function readChallenge(header: string): Challenge | undefined {
  if (header.length > headerLimitChars) return undefined;
  for (const { scheme, parameters } of splitChallenges(header)) {
    if (scheme === "basic") return { kind: "basic" };
    if (scheme !== "bearer") continue;
    const [realm, service] = [parameters.get("realm"), parameters.get("service")];
    if (realm === undefined || realm.length > realmLimitChars || !isPlain(realm)) return undefined;
    if (service !== undefined && (service.length > serviceLimitChars || !isPlain(service))) return undefined;
    return { kind: "bearer", realm, service };
  }
  return undefined;
}

interface SchemeParameters {
  scheme: string;
  /** By names in lower case; the first of several counts. */
  parameters: Map<string, string>;
}

/** One step per token: a scheme when no `=` follows, else a parameter of the scheme before it. */
function splitChallenges(header: string): SchemeParameters[] {
  const token = /[\s,]*([\w!#$%&'*+.^`|~/-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/y;
  const challenges: SchemeParameters[] = [];
  for (let match = token.exec(header); match !== null; match = token.exec(header)) {
    const [, name = "", quoted, bare] = match;
    const value = quoted?.replace(/\\(.)/g, "$1") ?? bare;
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: new Map() });
    else addParameter(challenges.at(-1), name.toLowerCase(), value);
  }
  return challenges;
}

function addParameter(challenge: SchemeParameters | undefined, name: string, value: string): void {
  if (challenge !== undefined && !challenge.parameters.has(name)) challenge.parameters.set(name, value);
}

function isPlain(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
