/** What an app has to know of the site it runs at: whom to trust, and which proxy to use. Pure. */

import { endpointForApps } from "../../config/derived.ts";
import type { ProxySettings } from "../../wamp/proxy.ts";

/** What the variables depend on. */
export interface SiteFacts {
  /** Of the agent's own environment. */
  proxies: ProxySettings;
  lanAddress: string | undefined;
  applianceDomain: string;
  /** The certificates of the site are there to be mounted. */
  hasCaBundle: boolean;
}

/** Where apps see the folder with the certificates of the site. */
export const certsTarget = "/etc/ironflock/certs";

/** What programs in the container reach without the proxy, whatever the device itself does. */
const directHosts = [
  ...["localhost", "127.0.0.1", "::1", "host.docker.internal"],
  ...["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
];

const caNames = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "IRONFLOCK_CA_BUNDLE"];

/** The variables, all of them defaults: any value that an app has for them counts instead. */
export function siteVariables(site: SiteFacts): [name: string, value: string][] {
  const certificates = site.hasCaBundle ? caNames.map((name): [string, string] => [name, caBundlePath]) : [];
  return [...certificates, ...proxyVariables(site)];
}

/** True for variables of a container that the agent has set, and an app has not replaced. */
export function isSiteVariable(name: string, all: ReadonlyMap<string, string>): boolean {
  const value = all.get(name);
  if (caNames.includes(name)) return value === caBundlePath;
  const upper = /^(?:IRONFLOCK_)?(HTTPS?_PROXY|NO_PROXY)$/.exec(name.toUpperCase())?.[1];
  return upper !== undefined && all.get(`IRONFLOCK_${upper}`) === value;
}

/** What must not be logged of the proxies: their passwords, as they are written and as they are sent. */
export function proxySecrets({ http, https }: ProxySettings): string[] {
  const secrets = [http, https].flatMap((text) => {
    const [, login = ""] = /^(?:[a-z][a-z0-9+.-]*:\/\/)?([^/?#]*)@/i.exec(text) ?? [];
    const colon = login.indexOf(":");
    const password = colon < 0 ? "" : login.slice(colon + 1);
    return password === "" ? [] : [login, password, decoded(password)];
  });
  return [...new Set(secrets)];
}

const caBundlePath = `${certsTarget}/ca-bundle.crt`;

function proxyVariables({ proxies, lanAddress, applianceDomain }: SiteFacts): [name: string, value: string][] {
  const { http, https, none } = proxies;
  if (http === "" && https === "") return [];
  const domain = applianceDomain.trim();
  const own = domain === "" ? [] : [domain, `.${domain}`];
  const direct = [...none.split(","), ...directHosts, lanAddress ?? "", ...own].map((entry) => entry.trim());
  const values: [string, string][] = [
    ["HTTP_PROXY", proxyForApps(http)],
    ["HTTPS_PROXY", proxyForApps(https)],
    ["NO_PROXY", [...new Set(direct)].filter((entry) => entry !== "").join(",")],
  ];
  return values.filter(([, value]) => value !== "").flatMap(([name, value]) => [
    [name, value],
    [name.toLowerCase(), value],
    [`IRONFLOCK_${name}`, value],
  ]);
}

/** A proxy on the device itself has another address inside a container. */
function proxyForApps(text: string): string {
  if (text.includes("://")) return endpointForApps(text);
  return endpointForApps(`http://${text}`).slice("http://".length);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // It is meant as it stands.
    return text;
  }
}
