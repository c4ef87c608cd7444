/** Looks whether the router takes the device. */

import { systemClock as clock } from "../../async/clock.ts";
import { hasCode, textOf } from "../../base/errors.ts";
import { silentLog as log } from "../../base/log.ts";
import { realm } from "../../backend/uris.ts";
import { authid, usesClientCertificate } from "../../config/derived.ts";
import type { ProxySettings } from "../../wamp/proxy.ts";
import type { RouterProbe } from "./doctor_facts.ts";
import type { ProbeSite } from "./probe_site.ts";

const responseMs = 5_000;
const farewellMs = 500;

/**
 * Asks the agent, and where it is not connected joins the realm as the device would, and leaves it again: nothing is
 * registered, and nobody is told.
 */
export async function probeRouter(
  { agent, config }: ProbeSite,
  { proxies, signal }: { proxies: ProxySettings; signal: AbortSignal },
): Promise<RouterProbe> {
  if (agent?.connection.state === "connected") return { kind: "connected" };
  if (agent?.connection.state === "offline") return { kind: "offline" };
  if (config === undefined) return { kind: "unreachable", error: "The .flock file does not say where it is" };
  const { endpointUrl: url, secret, authentication } = config;
  const { Transport } = await import("../../wamp/transport.ts");
  const { joinSession } = await import("../../wamp/join.ts");
  try {
    const certificate = usesClientCertificate(url) ? { clientCertificate: authentication } : {};
    const transport = await Transport.open({ url, ...certificate, proxies, pingMs: 0, clock, log, signal });
    try {
      const who = { realm, authid: authid(config), secret };
      const session = await joinSession(transport, { ...who, responseMs, clock, log, signal });
      await session.close({ waitMs: farewellMs });
    } finally {
      transport.terminate();
    }
    return { kind: "joins" };
  } catch (error) {
    return hasCode(error, "auth_rejected") ? { kind: "rejected" } : { kind: "unreachable", error: textOf(error) };
  }
}
