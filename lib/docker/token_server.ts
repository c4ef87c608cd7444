/** Decides where the login of a registry may be sent. Pure. */

import { AgentError } from "../base/errors.ts";
import { shownHost } from "../http/guarded_fetch.ts";
import { hostNameOf, isSameSite, isThisMachine } from "../http/site.ts";

/** Registries whose token server belongs to another site of the same owner. A host also covers what is below it. */
const knownTokenServers: Readonly<Record<string, readonly string[]>> = {
  "hub.docker.com": ["auth.docker.io"],
  "lscr.io": ["ghcr.io"],
  "scw.cloud": ["api.scaleway.com"],
};

/**
 * The token server that a registry names, if a login may be sent to it: over https to a host of the registry's own site
 * (or a known one); a registry on loopback may also name loopback, with or without encryption. Throws
 * `untrusted_server`.
 */
export function tokenServerOf(registry: URL, realm: string): URL {
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new AgentError(
      "untrusted_server",
      `Registry ${shownHost(registry)} names a token server that is no web address`,
    );
  }
  const [host, registryHost] = [hostNameOf(url), hostNameOf(registry)];
  const isLocal = isThisMachine(host) && isThisMachine(registryHost);
  if (url.protocol === "http:" && !isLocal) throw refusedServer(url, "it does not use encryption");
  if (url.username !== "" || url.password !== "") throw refusedServer(url, "its address holds a login");
  if (isLocal || isSameSite(host, registryHost) || isKnown(host, registryHost)) return url;
  throw refusedServer(url, `it does not belong to registry ${shownHost(registry)}`);
}

function isKnown(host: string, registryHost: string): boolean {
  return Object.entries(knownTokenServers).some(([domain, servers]) => {
    return (registryHost === domain || registryHost.endsWith(`.${domain}`)) && servers.includes(host);
  });
}

function refusedServer(url: URL, why: string): AgentError {
  return new AgentError("untrusted_server", `Not asking token server ${shownHost(url)} for a token, because ${why}`);
}
