/** Tells which hosts belong together, and which are inside a private network. Pure. */

import { isIP } from "node:net";

/** Second levels under which countries register names: `co.uk`. */
const countrySecondLevels: ReadonlySet<string> = new Set(
  ["ac", "co", "com", "edu", "go", "gob", "gov", "gv", "mil", "ne", "net", "nom", "or", "org"],
);

/** Domains under which strangers have names next to each other. A host below one belongs to nobody but itself. */
const sharedDomains: readonly string[] = [
  ...["amazonaws.com", "amazonaws.com.cn", "on.aws", "cloudfront.net", "elasticbeanstalk.com"],
  ...[
    "azurecr.io",
    "azurewebsites.net",
    "azurefd.net",
    "azurecontainer.io",
    "azure.com",
    "windows.net",
    "cloudapp.net",
  ],
  ...["run.app", "appspot.com", "web.app", "firebaseapp.com", "pkg.dev", "cloudfunctions.net", "googleapis.com"],
  ...["github.io", "githubusercontent.com", "gitlab.io", "herokuapp.com", "jfrog.io", "scw.cloud", "ovh.net"],
  ...["workers.dev", "pages.dev", "r2.dev", "vercel.app", "netlify.app", "fly.dev", "onrender.com", "railway.app"],
  ...["ondigitalocean.app", "digitaloceanspaces.com", "deno.dev", "deno.net", "ngrok.io", "ngrok.app", "ngrok.dev"],
  ...["ngrok-free.app", "ngrok-free.dev", "trycloudflare.com", "loca.lt", "ts.net", "nip.io", "sslip.io"],
  ...["duckdns.org", "no-ip.org", "ddns.net", "dyndns.org", "dynv6.net", "synology.me", "myfritz.net"],
];

/** Ends of names that no public name server knows. */
const privateEnds: ReadonlySet<string> = new Set(
  ["local", "localhost", "localdomain", "internal", "intranet", "lan", "corp", "home", "private", "test", "arpa"],
);

/** The host name of a URL in lower case, without brackets and without a dot at its end. */
export function hostNameOf(url: URL): string {
  return url.hostname.toLowerCase().replace(/^\[|\]$/g, "").replace(/\.+$/, "");
}

/** True for this machine: `localhost`, 127.0.0.0/8 and ::1. Names that only resolve to it do not count. */
export function isThisMachine(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/**
 * True when both hosts have the same owner: they are equal, or have the same registered domain (`registry.example.com`,
 * `auth.example.com`). Addresses, names of one part and hosts of shared domains (`me.azurecr.io`) only equal
 * themselves.
 */
export function isSameSite(host: string, other: string): boolean {
  if (host === "" || other === "") return false;
  return host === other || (siteOf(host) !== undefined && siteOf(host) === siteOf(other));
}

/** True for a name that is likely to be known outside this network; never for an address. */
export function isPublicName(host: string): boolean {
  const labels = host.split(".");
  return isIP(host) === 0 && labels.length >= 2 && !privateEnds.has(labels.at(-1) ?? "");
}

/** The registered domain; undefined for what has none, or is shared by strangers. */
function siteOf(host: string): string | undefined {
  if (isIP(host) !== 0 || sharedDomains.some((domain) => host === domain || host.endsWith(`.${domain}`))) {
    return undefined;
  }
  const labels = host.split(".");
  const [second = "", top = ""] = labels.slice(-2);
  const suffixLabels = top.length === 2 && countrySecondLevels.has(second) ? 2 : 1;
  return labels.length > suffixLabels ? labels.slice(-suffixLabels - 1).join(".") : undefined;
}
