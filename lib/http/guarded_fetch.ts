/** Fetches over HTTP without being led elsewhere: redirects are followed by hand, under rules of our own. */

import { AgentError } from "../base/errors.ts";
import { quoteText } from "../base/quote.ts";
import { hostNameOf, isPublicName, isSameSite, isThisMachine } from "./site.ts";

/** How a request is made. */
export interface GuardedFetchOptions {
  signal: AbortSignal;
  /** Without credentials: those go into `authorization`. */
  headers?: Readonly<Record<string, string>>;
  /** Sent to the origin of the first URL only. */
  authorization?: string | undefined;
  client?: Deno.HttpClient;
  /** Redirects that are followed; 5 unless given. */
  redirectLimit?: number;
}

/** An answer that is no redirect. */
export interface GuardedAnswer {
  response: Response;
  /** Where it came from. */
  url: URL;
}

/** How many redirects of one request are followed. */
export const redirectLimit = 5;

/** A longer one is refused. */
const locationLimitChars = 4_096;

/** The text of an error names a foreign host with at most this many characters. */
const shownHostChars = 100;

const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Sends a GET request. Redirects lead to https only (on loopback also to http), to the same site or to a public name,
 * at most five times; credentials never follow to another origin. Throws `denied` for a URL or redirect against these
 * rules, `connect_failed` when there is no answer. The body of the answer is still to be read.
 */
export async function guardedFetch(start: URL, options: GuardedFetchOptions): Promise<GuardedAnswer> {
  const limit = options.redirectLimit ?? redirectLimit;
  let url = start;
  for (let redirects = 0;; redirects += 1) {
    refuseLogin(url);
    const response = await fetchOnce(url, { ...options, isStart: url.origin === start.origin });
    if (!redirectStatuses.has(response.status)) return { response, url };
    await response.body?.cancel();
    if (redirects >= limit) throw refusedFetch(url, `it was redirected more than ${limit} times`);
    url = redirectTarget(url, { start, location: response.headers.get("location") ?? "" });
  }
}

/** Reads a body as text. Throws `protocol_error` when it has more than `limitBytes`. */
export async function readLimitedText(response: Response, options: { url: URL; limitBytes: number }): Promise<string> {
  const { url, limitBytes } = options;
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  // Leaving the loop early cancels the rest of the body.
  for await (const chunk of response.body) {
    bytes += chunk.length;
    if (bytes > limitBytes) {
      throw new AgentError("protocol_error", `Cannot read from ${shownHost(url)}: more than ${limitBytes} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** The host and port of a foreign URL, quoted and short. */
export function shownHost(url: URL): string {
  return quoteText(url.host.slice(0, shownHostChars));
}

async function fetchOnce(url: URL, options: GuardedFetchOptions & { isStart: boolean }): Promise<Response> {
  const { signal, headers, authorization, client, isStart } = options;
  const login: Record<string, string> = isStart && authorization !== undefined ? { authorization } : {};
  try {
    return await fetch(url, {
      signal,
      ...(client === undefined ? {} : { client }),
      headers: { ...headers, ...login },
      redirect: "manual",
    });
  } catch (error) {
    throw new AgentError("connect_failed", `Cannot fetch from ${shownHost(url)}`, { cause: error });
  }
}

function redirectTarget(from: URL, { start, location }: { start: URL; location: string }): URL {
  if (location === "" || location.length > locationLimitChars || !URL.canParse(location, from)) {
    throw refusedFetch(from, "it redirects to something that is no URL");
  }
  const target = new URL(location, from);
  const [host, startHost] = [hostNameOf(target), hostNameOf(start)];
  const isLocal = isThisMachine(startHost) && isThisMachine(host);
  const isPlainAllowed = from.protocol === "http:" && (isLocal || target.origin === start.origin);
  if (target.protocol !== "https:" && !(target.protocol === "http:" && isPlainAllowed)) {
    throw refusedFetch(from, `it redirects to ${shownHost(target)} without encryption`);
  }
  if (!isLocal && !isSameSite(startHost, host) && !isPublicName(host)) {
    throw refusedFetch(from, `it redirects to ${shownHost(target)}, which is in a private network`);
  }
  return target;
}

function refuseLogin(url: URL): void {
  if (url.username !== "" || url.password !== "") throw refusedFetch(url, "its URL holds a login");
}

function refusedFetch(url: URL, why: string): AgentError {
  return new AgentError("denied", `Not fetching from ${shownHost(url)}: ${why}`);
}
