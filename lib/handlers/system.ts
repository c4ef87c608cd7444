/** The device and the agent: what they are, and the three ways to restart them. */

import { localTimeText } from "../base/local_time.ts";
import type { PowerAction } from "../host/power.ts";
import { tunnelClientVersion } from "../version.ts";
import type { Reply } from "../wamp/invocations.ts";
import type { Device } from "./device.ts";
import type { Call } from "./procedure.ts";

/** `device_handshake`: the device's time and its serial number, as keyword results. */
export function deviceHandshake(device: Device): Reply {
  return { kwargs: { utp: localTimeText(device.host.wall()), id: device.serialNumber } };
}

/** `get_storage_data`: the stats of a status report. */
export async function getStorageData(device: Device): Promise<Reply> {
  return { args: [await device.host.readStats()] };
}

/** `get_agent_metadata`: what runs here, and the newest version, if the version index can be read. */
export async function getAgentMetadata(device: Device, _input: void, { signal }: Call): Promise<Reply> {
  const [{ os, arch, variant, version }, latest, lastUpdate] = await Promise.all([
    device.host.readMetadata(signal),
    readLatest(device),
    device.selfUpdate.lastUpdate(),
  ]);
  const metadata = {
    os,
    OSVersion: os,
    arch,
    variant,
    version,
    serialNumber: device.serialNumber,
    canUpdate: true,
    tunnelCapable: device.tunnels.isCapable(),
    ...(lastUpdate === undefined ? {} : { lastUpdate }),
  };
  if (latest === undefined) return { args: [metadata] };
  const versions = {
    latestVersion: latest,
    latestAgentVersion: latest,
    latestTunnelVersion: tunnelClientVersion,
    hasLatest: latest === version,
  };
  return { args: [{ ...metadata, ...versions }] };
}

/**
 * `update_agent`: answers when the new version is in its place, or when there is none. What went wrong is told in the
 * answer, which is no error.
 */
export async function updateAgent({ selfUpdate }: Device): Promise<Reply> {
  const { current, latest, message, isPlaced, isInProgress, sizeBytes, last } = await selfUpdate.update();
  const result = {
    CurrentVersion: current,
    LatestVersion: latest,
    Message: message,
    DidAgentUpdate: isPlaced,
    DidTunnelUpdate: false,
    DidUpdate: isPlaced,
    InProgress: isInProgress,
    TotalFileSize: sizeBytes,
    ...(last === undefined ? {} : { lastUpdate: last }),
  };
  return { args: [result] };
}

/** `get_tunnel_state`: the tunnels of the device; the list is empty while they do not work. */
export async function getTunnelState({ tunnels }: Device, _input: void, { signal }: Call): Promise<Reply> {
  return { args: [await tunnels.readStates(signal)] };
}

/**
 * `system_reboot`, `system_shutdown`, `system_restart_agent`: the reply leaves first, the action follows two seconds
 * later.
 */
export function schedulePower(action: PowerAction): (device: Device) => Reply {
  return (device) => {
    device.host.schedulePower(action);
    return {};
  };
}

async function readLatest({ selfUpdate, log }: Device): Promise<string | undefined> {
  try {
    return await selfUpdate.readLatestVersion();
  } catch (error) {
    // What runs here is worth knowing without it.
    log.debug("Cannot find out the newest version", { error });
    return undefined;
  }
}
