/**
 * Tells a request of a program from one that a web page had a browser send. A page can reach every port that its reader
 * can, and can let a name of its own resolve to this machine; what it cannot change are the headers read here. Every
 * server that listens on this machine asks this before anything else. Pure.
 */

/** The value of a header by its lower-case name; null or undefined when it is absent. */
export type ReadHeader = (name: string) => string | null | undefined;

const loopbackName = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Why a request is refused, as an answer for people; undefined when it is not. `names` are the names and addresses
 * under which the server may be called, besides those of loopback; an IPv6 address stands in brackets.
 */
export function refusePage(header: ReadHeader, names: Iterable<string> = []): string | undefined {
  const own = new Set([...names].map((name) => nameOf(name)));
  const isOwn = (name: string | undefined) => name !== undefined && (loopbackName.test(name) || own.has(name));
  if (!isOwn(nameOf(header("host") ?? ""))) return "This server is not known under the name of the Host header";
  // The second is how a browser named it in the first version of WebSocket.
  const origins = [header("origin"), header("sec-websocket-origin")].filter((origin) => typeof origin === "string");
  if (!origins.every((origin) => isOwn(nameOfOrigin(origin)))) return "Pages of other sites are refused";
  const site = header("sec-fetch-site") ?? "none";
  const isForeign = origins.length === 0 && site !== "none" && site !== "same-origin";
  return isForeign ? "Pages of other sites are refused" : undefined;
}

/** `Example:8080` → `example`; undefined for what is no host. */
function nameOf(host: string): string | undefined {
  // The parser would take everything before an @ or behind a slash for something else than the host.
  if (!/^[^\s/\\?#@]+$/.test(host)) return undefined;
  return nameOfOrigin(`http://${host}`);
}

function nameOfOrigin(origin: string): string | undefined {
  const url = URL.parse(origin);
  return url !== null && /^https?:$/.test(url.protocol) ? url.hostname : undefined;
}
