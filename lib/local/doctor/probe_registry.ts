/** Looks whether the registry answers, and whether it takes the login of the device. */

import { hasCode, messageOf, textOf } from "../../base/errors.ts";
import { hostNameOf, isThisMachine } from "../../http/site.ts";
import { askAgent } from "../ask.ts";
import type { ClockProbe, RegistryProbe } from "./doctor_facts.ts";
import type { ProbeSite } from "./probe_site.ts";
import { aheadOf } from "./probe_network.ts";

const loginMs = 10_000;
const registryProbeMs = 6_000;

/** Asks the registry, and has the agent log in to it, which gets a token of Studio for that. */
export async function probeRegistry(
  host: string,
  { site, signal }: { site: ProbeSite; signal: AbortSignal },
): Promise<{ registry: RegistryProbe; aheadMs: ClockProbe["aheadMs"] }> {
  if (host === "") return { registry: { kind: "unreachable", host: "-", error: "it is not named" }, aheadMs: [] };
  const url = URL.parse(`https://${host}/v2/`);
  if (url === null) return { registry: { kind: "unreachable", host, error: "it is no host" }, aheadMs: [] };
  if (isThisMachine(hostNameOf(url))) url.protocol = "http:";
  const [login, seen] = await Promise.all([tryDeviceLogin(host, site), askRegistry(url, signal)]);
  if (login.kind !== "reachable" || seen.error === undefined) return { registry: login, aheadMs: seen.aheadMs };
  return { registry: { kind: "unreachable", host, error: seen.error }, aheadMs: seen.aheadMs };
}

/** Nothing is sent that is worth anything: only that something answers counts, and what time it has. */
async function askRegistry(
  url: URL,
  signal: AbortSignal,
): Promise<{ error: string | undefined; aheadMs: ClockProbe["aheadMs"] }> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(registryProbeMs)]);
    const response = await fetch(url, { redirect: "manual", signal: limit });
    await response.body?.cancel();
    const ms = aheadOf(response.headers.get("date"), Date.now());
    const aheadMs = ms === undefined ? [] : [{ server: url.host, ms }];
    const isRegistry = response.status === 401 || response.status < 400;
    return { error: isRegistry ? undefined : `it answers with status ${response.status}`, aheadMs };
  } catch (error) {
    return { error: textOf(error), aheadMs: [] };
  }
}

async function tryDeviceLogin(host: string, { agent, flags }: ProbeSite): Promise<RegistryProbe> {
  if (agent === undefined) return { kind: "reachable", host, why: "the agent does not run" };
  if (agent.connection.state !== "connected") return { kind: "reachable", host, why: "Studio is not connected" };
  try {
    await askAgent({ ask: "registryLogin" }, { agentDir: flags.agentDir, limitMs: loginMs });
    return { kind: "accepts", host };
  } catch (error) {
    const text = messageOf(error);
    if (hasCode(error, "timeout", "not_available")) return { kind: "reachable", host, why: text };
    if (/unauthorized|denied|incorrect|forbidden/i.test(text)) return { kind: "denied", host, error: text };
    return { kind: "reachable", host, why: text };
  }
}
