/** The list of Wi-Fi networks as Studio shows it. Pure. */

import type { AccessPoint, SavedProfile } from "../dbus/network_manager.ts";
import type { WifiNetwork } from "./network_shapes.ts";
import { profileSecurity, profileSsid, seenAccessPoints } from "./profiles.ts";
import { ssidText } from "./ssid.ts";
import { wifiChannel, wifiSecurity } from "./wifi_facts.ts";

/** What the list is made of. */
export interface WifiState {
  accessPoints: readonly AccessPoint[];
  profiles: readonly SavedProfile[];
  current: {
    /** The path of the access point in use. */
    accessPoint: string | undefined;
    profile: SavedProfile | undefined;
  };
}

/** The networks in the air, then those that are only saved. */
export function wifiNetworks({ accessPoints, profiles, current }: WifiState): WifiNetwork[] {
  const saved = new Map<string, SavedProfile>();
  for (const profile of profiles) {
    const ssid = profileSsid(profile);
    if (ssid !== undefined && !saved.has(ssidText(ssid))) saved.set(ssidText(ssid), profile);
  }
  const seen = new Set(profiles.flatMap(seenAccessPoints));
  const isCurrent = currentTest(accessPoints, current);
  const inTheAir = accessPoints.map((point): WifiNetwork => {
    const ssid = shownSsid(point.ssid);
    return {
      mac: point.mac,
      ssid,
      channel: wifiChannel(point.frequencyMhz),
      signal: Math.min(point.strength, 100),
      security: wifiSecurity(point),
      frequency: point.frequencyMhz,
      known: seen.has(point.mac) || saved.has(ssid),
      current: isCurrent(point),
    };
  });
  const shown = new Set(inTheAir.map(({ ssid }) => ssid));
  const away = [...saved].filter(([ssid]) => !shown.has(ssid)).map(([ssid, profile]) => awayNetwork(ssid, profile));
  return [...inTheAir, ...away];
}

/** Hidden networks announce a name of NUL bytes, or none. */
function shownSsid(ssid: Uint8Array): string {
  return ssid.every((byte) => byte === 0) ? "" : ssidText(ssid);
}

/** The access point in use; where NetworkManager does not say, those that the profile in use has been used with. */
function currentTest(
  accessPoints: readonly AccessPoint[],
  current: WifiState["current"],
): (point: AccessPoint) => boolean {
  const { accessPoint, profile } = current;
  if (accessPoints.some(({ path }) => path === accessPoint)) return ({ path }) => path === accessPoint;
  const used = profile === undefined ? [] : seenAccessPoints(profile);
  return ({ mac }) => used.includes(mac);
}

function awayNetwork(ssid: string, profile: SavedProfile): WifiNetwork {
  const security = profileSecurity(profile);
  return { mac: "", ssid, channel: 0, signal: 0, security, frequency: 0, known: true, current: false };
}
