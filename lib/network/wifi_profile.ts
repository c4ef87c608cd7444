/** The profile of a Wi-Fi network: a new one, or what becomes of one that is saved already. Pure. */

import { AgentError } from "../base/errors.ts";
import type { ProfileSettings } from "../dbus/network_manager.ts";
import { busVariant } from "../dbus/bus_values.ts";
import { changedSettings, type GroupChange, wifiSecurityGroup, wifiType } from "./profiles.ts";
import { ssidText } from "./ssid.ts";

/** A network that is to be saved. */
export interface WifiWish {
  ssid: Uint8Array;
  /** Studio's word; empty when it is not known. */
  security: string;
  password: string;
  priority: number;
  /** It does not announce its name, so it must be asked for. */
  isHidden: boolean;
}

/** NetworkManager's own limit. */
const priorityLimit = 999;

/** Words of ours that NetworkManager does not know as key management, and those that it does. */
const keyManagement: Readonly<Record<string, string>> = { wep: "none" };

/**
 * The settings for this wish: of a new profile, or with `saved` of that one. Throws `bad_request` when the password
 * cannot be one of such a network.
 */
export function wifiSettings(wish: WifiWish, saved?: ProfileSettings): ProfileSettings {
  const security = wish.security === "" ? (wish.password === "" ? "none" : "wpa-psk") : wish.security;
  checkPassword(security, wish.password);
  const isOpen = security === "none";
  const fresh: Record<string, GroupChange> = saved === undefined ? newProfile(wish) : {};
  return changedSettings(saved ?? new Map(), {
    connection: {
      ...fresh.connection,
      "autoconnect-priority": busVariant("i", Math.min(wish.priority, priorityLimit)),
      "autoconnect-retries": busVariant("i", 0),
    },
    [wifiType]: {
      ...fresh[wifiType],
      ssid: busVariant("ay", wish.ssid),
      security: isOpen ? undefined : busVariant("s", wifiSecurityGroup),
      ...(wish.isHidden ? { hidden: busVariant("b", true) } : {}),
    },
    [wifiSecurityGroup]: isOpen ? undefined : securityGroup(security, wish.password),
    ...(saved === undefined ? { ipv4: automaticAddresses, ipv6: automaticAddresses } : {}),
  });
}

/** NetworkManager needs the groups to know that addresses are asked for. */
const automaticAddresses: GroupChange = { method: busVariant("s", "auto") };

function newProfile({ ssid }: WifiWish): Record<string, GroupChange> {
  return {
    connection: {
      id: busVariant("s", ssidText(ssid)),
      uuid: busVariant("s", crypto.randomUUID()),
      type: busVariant("s", wifiType),
    },
    [wifiType]: { mode: busVariant("s", "infrastructure") },
  };
}

/** All keys of the protection that was there before are dropped: they belong to another password. */
function securityGroup(security: string, password: string): GroupChange {
  const keyMgmt = { "key-mgmt": busVariant("s", keyManagement[security] ?? security) };
  if (security === "wep") {
    return { ...droppedSecrets, ...keyMgmt, "wep-key-type": busVariant("u", 1), "wep-key0": busVariant("s", password) };
  }
  return { ...droppedSecrets, ...keyMgmt, "psk-flags": busVariant("u", 0), psk: busVariant("s", password) };
}

const droppedSecrets: GroupChange = {
  "auth-alg": undefined,
  group: undefined,
  pairwise: undefined,
  pmf: undefined,
  proto: undefined,
  psk: undefined,
  "psk-flags": undefined,
  "wep-key0": undefined,
  "wep-key-type": undefined,
  "wep-key-flags": undefined,
  "wep-tx-keyidx": undefined,
};

/** The text is that of the wire contract. */
function checkPassword(security: string, password: string): void {
  const bytes = new TextEncoder().encode(password).length;
  const isHex = /^[0-9a-fA-F]+$/.test(password);
  const isGood = {
    "wpa-psk": (bytes >= 8 && bytes <= 63) || (isHex && bytes === 64),
    sae: bytes >= 1 && bytes <= 128,
    wep: bytes === 5 || bytes === 13 || (isHex && (bytes === 10 || bytes === 26)),
  }[security] ?? true;
  if (!isGood || password.includes("\0")) throw new AgentError("bad_request", wrongPasswordText);
}

/** What is told of a password that cannot be right, or was not. */
export const wrongPasswordText = "the wifi password is invalid";
