/** Answers about the device and the agent, and the three ways to restart them. */

import { localTimeText } from "../base/local_time.ts";
import type { PowerAction } from "../host/power.ts";
import type { Reply } from "../wamp/session.ts";
import type { HandlerParts } from "./device.ts";
import type { Call } from "./procedure.ts";

/** The version of the tunnel client that goes with this agent; it has to equal that of the tunnel servers. */
export const tunnelClientVersion = "0.70.0";

/** `device_handshake`: the device's time and its serial number, as keyword results. */
export function deviceHandshake(parts: HandlerParts): Reply {
  return { kwargs: { utp: localTimeText(parts.wall()), id: parts.serialNumber } };
}

/** `get_storage_data`: the figures of a status report. */
export async function getStorageData(parts: HandlerParts): Promise<Reply> {
  return { args: [await parts.readStats()] };
}

/** `get_agent_metadata`: what runs here, and what could; the latter only when the version index can be read. */
export async function getAgentMetadata(parts: HandlerParts, _input: void, { signal }: Call): Promise<Reply> {
  const [{ os, arch, variant, version }, latest] = await Promise.all([
    parts.readAgentFacts(signal),
    readLatest(parts),
  ]);
  const facts = {
    os,
    OSVersion: os,
    arch,
    variant,
    version,
    serialNumber: parts.serialNumber,
    canUpdate: true,
    tunnelCapable: parts.tunnelCapable(),
  };
  if (latest === undefined) return { args: [facts] };
  const versions = {
    latestVersion: latest,
    latestAgentVersion: latest,
    latestTunnelVersion: tunnelClientVersion,
    hasLatest: latest === version,
  };
  return { args: [{ ...facts, ...versions }] };
}

/** `get_tunnel_state`: the tunnels of the device; the list is empty while there is no tunnel client. */
export function getTunnelState(): Reply {
  return { args: [[]] };
}

/** `system_reboot`, `system_shutdown`, `system_restart_agent`: the reply leaves first, the action follows two seconds later. */
export function schedulePower(action: PowerAction): (parts: HandlerParts) => Reply {
  return (parts) => {
    parts.schedulePower(action);
    return {};
  };
}

async function readLatest({ readLatestVersion, log }: HandlerParts): Promise<string | undefined> {
  try {
    return await readLatestVersion();
  } catch (error) {
    // The facts about what runs here are worth having without it.
    log.debug("Cannot find out the newest version", { error });
    return undefined;
  }
}
