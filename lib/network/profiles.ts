/** Profiles of NetworkManager as values: what is asked of them, and how they are changed. Pure. */

import type { ProfileSettings, SavedProfile } from "../dbus/network_manager.ts";
import {
  type BusValue,
  type BusVariant,
  busVariant,
  readBusBytes,
  readBusText,
  readBusTexts,
} from "../dbus/bus_values.ts";
import { isSameSsid } from "./ssid.ts";

/** The type of a profile for Ethernet. */
export const ethernetType = "802-3-ethernet";

/** The type of a profile for Wi-Fi, and the name of its group. */
export const wifiType = "802-11-wireless";

/** The group of a profile that protects it. */
export const wifiSecurityGroup = "802-11-wireless-security";

/** A group of a profile, and a key in it. */
export type ProfileKey = readonly [group: string, key: string];

/** Changes of one group: a key that is undefined is removed, and all others stay. */
export type GroupChange = Readonly<Record<string, BusVariant | undefined>>;

/** The settings with some groups changed; a group that is undefined is removed. */
export function changedSettings(
  settings: ProfileSettings,
  changes: Readonly<Record<string, GroupChange | undefined>>,
): ProfileSettings {
  const groups = new Map(settings);
  for (const [name, change] of Object.entries(changes)) {
    if (change === undefined) groups.delete(name);
    else groups.set(name, changedGroup(settings.get(name) ?? new Map(), change));
  }
  return groups;
}

/** A text of a profile; empty when it has none. */
export function profileText({ settings }: SavedProfile, [group, key]: ProfileKey): string {
  const value = valueOf(settings, [group, key]);
  return typeof value === "string" ? readBusText(value, key) : "";
}

/** The name of the network of a Wi-Fi profile; undefined for others. */
export function profileSsid({ settings }: SavedProfile): Uint8Array | undefined {
  const value = valueOf(settings, [wifiType, "ssid"]);
  return value instanceof Uint8Array ? readBusBytes(value, "ssid") : undefined;
}

/** The Wi-Fi profiles of this network. */
export function profilesOfSsid(profiles: readonly SavedProfile[], ssid: Uint8Array): SavedProfile[] {
  return profiles.filter((profile) => {
    const own = profileSsid(profile);
    return own !== undefined && isSameSsid(own, ssid);
  });
}

/** The access points that a profile has been used with. */
export function seenAccessPoints({ settings }: SavedProfile): string[] {
  const value = valueOf(settings, [wifiType, "seen-bssids"]);
  return Array.isArray(value) ? readBusTexts(value, "seen-bssids") : [];
}

/** How a profile protects its network; `none` when it does not. */
export function profileSecurity(profile: SavedProfile): string {
  const word = profileText(profile, [wifiSecurityGroup, "key-mgmt"]);
  if (word === "none") return "wep";
  return word === "" ? "none" : word;
}

/**
 * The profile with endless retries: NetworkManager gives up after four, and a device that nobody can walk to would stay
 * offline when its router restarts slowly. Undefined when nothing is to be changed.
 */
export function withEndlessRetries(profile: SavedProfile): ProfileSettings | undefined {
  if (![ethernetType, wifiType].includes(profileText(profile, ["connection", "type"]))) return undefined;
  if (valueOf(profile.settings, ["connection", "autoconnect-retries"]) === 0) return undefined;
  return changedSettings(profile.settings, { connection: { "autoconnect-retries": busVariant("i", 0) } });
}

/** A value of a profile, out of its variant. */
export function valueOf(settings: ProfileSettings, [group, key]: ProfileKey): BusValue | undefined {
  return settings.get(group)?.get(key)?.value;
}

function changedGroup(keys: ReadonlyMap<string, BusVariant>, change: GroupChange): Map<string, BusVariant> {
  const changed = new Map(keys);
  for (const [key, value] of Object.entries(change)) {
    if (value === undefined) changed.delete(key);
    else changed.set(key, value);
  }
  return changed;
}
