/** URI rules, and a map from URIs to registrations or subscriptions with exact, prefix and wildcard match. */

/** How the URI of a registration or subscription is matched. */
export type Match = "exact" | "prefix" | "wildcard";

/** The match policies in order of precedence. */
export const matches: readonly Match[] = ["exact", "prefix", "wildcard"];

/** An entry of the map. `created` is ISO 8601 text. */
export interface Observation {
  readonly id: number;
  readonly uri: string;
  readonly match: Match;
  readonly created: string;
}

/** Reads a match policy: exact when absent, undefined when it is invalid. */
export function readMatch(value: unknown): Match | undefined {
  return value === undefined ? "exact" : matches.find((match) => match === value);
}

// WAMP's loose rules: no white space, no `#`, and empty components only where a pattern may have them.
const patterns: Record<Match, RegExp> = {
  exact: /^([^\s.#]+\.)*[^\s.#]+$/,
  prefix: /^([^\s.#]+\.)*[^\s.#]*$/,
  wildcard: /^[^\s#]*$/,
};

/** Whether a URI is valid for a call or publication (exact), or for a registration or subscription with a policy. */
export function isValidUri(uri: string, match: Match = "exact"): boolean {
  return patterns[match].test(uri);
}

/** Whether a URI belongs to the router itself. */
export function isRouterUri(uri: string): boolean {
  return uri.startsWith("wamp.");
}

/** A random id of WAMP's global scope, from 1 to 2^53. */
export function randomId(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high & 0x1fffff) * 2 ** 32 + low || 1;
}

/** Creates an observation with a new id. */
export function newObservation(uri: string, match: Match): Observation {
  return { id: randomId(), uri, match, created: new Date().toISOString() };
}

/** Finds observations by id, by their own URI, and by matching URIs. */
export class UriMap<T extends Observation> {
  readonly #byId = new Map<number, T>();
  readonly #byUri: Record<Match, Map<string, T>> = { exact: new Map(), prefix: new Map(), wildcard: new Map() };

  /** Adds an observation; there must be none with the same URI and policy. */
  add(observation: T): void {
    this.#byId.set(observation.id, observation);
    this.#byUri[observation.match].set(observation.uri, observation);
  }

  /** Removes an observation. */
  remove(observation: T): void {
    this.#byId.delete(observation.id);
    this.#byUri[observation.match].delete(observation.uri);
  }

  /** The observation with an id. */
  byId(id: number): T | undefined {
    return this.#byId.get(id);
  }

  /** The observation with exactly this URI and policy. */
  get(uri: string, match: Match): T | undefined {
    return this.#byUri[match].get(uri);
  }

  /** All observations with a policy. */
  list(match: Match): T[] {
    return [...this.#byUri[match].values()];
  }

  /** All observations that match `uri`: exact first, then prefixes from short to long, then wildcards. */
  all(uri: string): T[] {
    const exact = this.#byUri.exact.get(uri);
    const found = exact ? [exact] : [];
    return [...found, ...this.#prefixes(uri), ...this.#wildcards(uri)];
  }

  /** The best match for a call: exact, else the longest prefix, else the wildcard with the longest literal start. */
  best(uri: string): T | undefined {
    return this.#byUri.exact.get(uri) ?? this.#prefixes(uri).at(-1) ?? this.#wildcards(uri).at(0);
  }

  #prefixes(uri: string): T[] {
    if (this.#byUri.prefix.size === 0) return [];
    return this.list("prefix").filter((one) => uri.startsWith(one.uri)).sort((a, b) => a.uri.length - b.uri.length);
  }

  #wildcards(uri: string): T[] {
    if (this.#byUri.wildcard.size === 0) return [];
    const parts = uri.split(".");
    return this.list("wildcard").filter((one) => fits(one.uri.split("."), parts)).sort(byLiteralStart);
  }
}

function fits(pattern: string[], parts: string[]): boolean {
  return pattern.length === parts.length && pattern.every((part, index) => part === "" || part === parts[index]);
}

function byLiteralStart(a: Observation, b: Observation): number {
  return literalStart(b.uri) - literalStart(a.uri);
}

function literalStart(pattern: string): number {
  const parts = pattern.split(".");
  const open = parts.indexOf("");
  return open < 0 ? parts.length : open;
}
