/** Sets of URIs that somebody may use, and how a pattern relates to them: entirely inside, or touching. Pure. */

import type { Match } from "./uri_match.ts";

/** One URI, or all that begin with a text. A prefix that ends with a dot keeps to whole components. */
export type UriSpace = { readonly uri: string } | { readonly prefix: string };

/** What a registration or subscription asks for. */
export interface UriPattern {
  readonly uri: string;
  readonly match: Match;
}

/** True when every URI that the pattern can match is in the space. */
export function isWithin(pattern: UriPattern, space: UriSpace): boolean {
  if ("uri" in space) return isSingle(pattern) && pattern.uri === space.uri;
  return literalStart(pattern).startsWith(space.prefix);
}

/** True when the pattern can match a URI of the space. */
export function meets(pattern: UriPattern, space: UriSpace): boolean {
  const text = "uri" in space ? space.uri : space.prefix;
  switch (pattern.match) {
    case "exact":
      return isWithin(pattern, space);
    case "prefix":
      return text.startsWith(pattern.uri) || ("prefix" in space && pattern.uri.startsWith(text));
    case "wildcard":
      return wildcardMeets(pattern.uri.split("."), text.split("."), "uri" in space);
  }
}

function isSingle({ uri, match }: UriPattern): boolean {
  return match === "exact" || (match === "wildcard" && !uri.split(".").includes(""));
}

/** The text with which every URI begins that the pattern can match. */
function literalStart({ uri, match }: UriPattern): string {
  if (match !== "wildcard") return uri;
  const parts = uri.split(".");
  const open = parts.indexOf("");
  return open < 0 ? uri : parts.slice(0, open).map((part) => `${part}.`).join("");
}

/** The last part of a prefix may be the beginning of a component, or nothing. */
function wildcardMeets(pattern: readonly string[], parts: readonly string[], isWhole: boolean): boolean {
  if (isWhole ? pattern.length !== parts.length : pattern.length < parts.length) return false;
  return parts.every((part, index) => {
    const asked = pattern[index] ?? "";
    if (asked === "" || asked === part) return true;
    return !isWhole && index === parts.length - 1 && asked.startsWith(part);
  });
}
