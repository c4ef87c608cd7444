/** Judges the way to Studio: names, proxy, TLS, router. Pure. */

import type { DoctorFacts } from "./doctor_facts.ts";
import { broken, doubtful, type Finding, fine, unchecked } from "./finding.ts";

/** A certificate that ends sooner is worth a word. */
const soonMs = 7 * 86_400_000;

/** Names. */
export function judgeNames({ names }: DoctorFacts): Finding {
  if (names.length === 0) return doubtful("There is no name to look up", "Mend the .flock file first.");
  const lost = names.filter(({ addresses, isProxied }) => addresses.length === 0 && !isProxied);
  if (lost.length > 0) {
    const text = lost.map(({ host, error }) => `"${host}": ${error}`).join("; ");
    return broken(text, "Check the cable or Wi-Fi, and the name servers in /etc/resolv.conf.");
  }
  return fine(names.map(({ host, addresses }) => `${host} is ${addresses[0] ?? "found by the proxy"}`).join("; "));
}

/** The proxy. */
export function judgeProxy({ proxy }: DoctorFacts): Finding {
  switch (proxy.kind) {
    case "failed":
      return unchecked(proxy.error);
    case "none":
      return fine("None is used");
    case "answers":
      return fine(`${proxy.address} answers`);
    case "malformed":
      return broken(proxy.reason, "Correct HTTP_PROXY and HTTPS_PROXY in the unit of the agent, and restart it.");
    case "away":
      return broken(
        `${proxy.address}: ${proxy.error}`,
        "Correct HTTP_PROXY, HTTPS_PROXY and NO_PROXY in the unit of the agent, or bring the proxy back.",
      );
  }
}

/** The certificate of the router. */
export function judgeTls({ tls, clock }: DoctorFacts): Finding {
  switch (tls.kind) {
    case "failed":
      return unchecked(tls.error);
    case "plain":
      return fine("The endpoint is not encrypted (ws)");
    case "unreachable":
      return broken(`No certificate could be read: ${tls.error}`, 'See "dns", "proxy" and "router".');
    case "trusted": {
      const until = `The certificate is trusted, until ${dateText(tls.toMs)}`;
      if (tls.toMs - clock.nowMs > soonMs) return fine(until);
      return doubtful(until, "Tell the operator of the router to renew it.");
    }
    case "untrusted":
      return judgeUntrusted(tls, clock.nowMs);
  }
}

/** The connection to Studio. */
export function judgeRouter({ router }: DoctorFacts): Finding {
  switch (router.kind) {
    case "failed":
      return unchecked(router.error);
    case "connected":
      return fine("The agent is connected");
    case "offline":
      return doubtful("The agent was started with -offline", "Start it without -offline to reach it from Studio.");
    case "joins":
      return fine("The router accepts the device");
    case "rejected":
      return broken(
        "The router rejects the secret of the device",
        "Download a new .flock file: Studio has deleted this device or given it another secret.",
      );
    case "unreachable":
      return broken(
        router.error,
        'Check the network, a firewall in between, and "device_endpoint_url" in the .flock file.',
      );
  }
}

function judgeUntrusted(
  { error, fromMs, toMs, issuer }: { error: string; fromMs: number; toMs: number; issuer: string },
  nowMs: number,
): Finding {
  const dates = `valid from ${dateText(fromMs)} to ${dateText(toMs)}`;
  if (nowMs < fromMs || nowMs > toMs) {
    return broken(`The certificate is ${dates}`, 'Set the clock of the device; see "clock".');
  }
  const by = issuer === "" ? "" : `, issued by ${issuer}`;
  return broken(
    `The certificate is not trusted (${error}${by})`,
    "Add the certificate authority of your network to the device (update-ca-certificates), and restart the agent.",
  );
}

function dateText(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString().slice(0, 10) : "an unknown date";
}
