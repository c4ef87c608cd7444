/** URI rules and the map from URIs to registrations or subscriptions with exact, prefix and wildcard match. */

/** How a URI of a registration or subscription is compared. */
export type Match = "exact" | "prefix" | "wildcard";

/** The match policies in the order in which they are asked. */
export const matches: readonly Match[] = ["exact", "prefix", "wildcard"];

/** What the map holds. `created` is ISO 8601 text. */
export interface Observation {
  readonly id: number;
  readonly uri: string;
  readonly match: Match;
  readonly created: string;
}

/** The match policy in an options dict: exact when absent, undefined when it is not one. */
export function readMatch(value: unknown): Match | undefined {
  return value === undefined ? "exact" : matches.find((match) => match === value);
}

// The loose rules of WAMP: no white space, no `#`, and empty components only where a pattern may leave them open.
const patterns: Record<Match, RegExp> = {
  exact: /^([^\s.#]+\.)*[^\s.#]+$/,
  prefix: /^([^\s.#]+\.)*[^\s.#]*$/,
  wildcard: /^[^\s#]*$/,
};

/** True when `uri` may be published to or called (exact), or registered or subscribed with this policy. */
export function isValidUri(uri: string, match: Match = "exact"): boolean {
  return patterns[match].test(uri);
}

/** True for URIs that belong to the router itself. */
export function isRouterUri(uri: string): boolean {
  return uri.startsWith("wamp.");
}

/** A random id of WAMP's global scope, 1 to 2^53. */
export function randomId(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high & 0x1fffff) * 2 ** 32 + low || 1;
}

/** A new observation of `uri` with a fresh id. */
export function newObservation(uri: string, match: Match): Observation {
  return { id: randomId(), uri, match, created: new Date().toISOString() };
}

/** Finds observations by id, by their own URI, and by the URIs they match. */
export class UriMap<T extends Observation> {
  readonly #byId = new Map<number, T>();
  readonly #byUri: Record<Match, Map<string, T>> = { exact: new Map(), prefix: new Map(), wildcard: new Map() };

  /** Adds one; there must be none of the same URI and match policy. */
  add(observation: T): void {
    this.#byId.set(observation.id, observation);
    this.#byUri[observation.match].set(observation.uri, observation);
  }

  /** Takes one out. */
  remove(observation: T): void {
    this.#byId.delete(observation.id);
    this.#byUri[observation.match].delete(observation.uri);
  }

  /** The one with this id. */
  byId(id: number): T | undefined {
    return this.#byId.get(id);
  }

  /** The one that was made with exactly this URI and policy. */
  get(uri: string, match: Match): T | undefined {
    return this.#byUri[match].get(uri);
  }

  /** All of one policy. */
  list(match: Match): T[] {
    return [...this.#byUri[match].values()];
  }

  /** All that match `uri`: exact first, then prefixes from short to long, then wildcards. */
  all(uri: string): T[] {
    const exact = this.#byUri.exact.get(uri);
    const found = exact ? [exact] : [];
    return [...found, ...this.#prefixes(uri), ...this.#wildcards(uri)];
  }

  /** The one a call to `uri` goes to: exact, else the longest prefix, else the wildcard with the longest literal start. */
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
