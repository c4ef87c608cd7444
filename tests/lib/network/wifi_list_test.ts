import assert from "node:assert/strict";
import { busVariant } from "../../../lib/dbus/bus_values.ts";
import type { AccessPoint, SavedProfile } from "../../../lib/dbus/network_manager.ts";
import { wifiNetworks } from "../../../lib/network/wifi_list.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function accessPoint(ssid: Uint8Array, mac: string): AccessPoint {
  const numbers = { frequencyMhz: 2_412, strength: 82, flags: 1, wpaFlags: 0, rsnFlags: 0x100 };
  return { path: `/ap/${mac}`, ssid, mac, ...numbers };
}

function profile(ssid: string, { keyMgmt, seen = [] }: { keyMgmt?: string; seen?: string[] }): SavedProfile {
  const wireless = new Map([["ssid", busVariant("ay", bytes(ssid))], ["seen-bssids", busVariant("as", seen)]]);
  const settings = new Map([["802-11-wireless", wireless]]);
  if (keyMgmt) settings.set("802-11-wireless-security", new Map([["key-mgmt", busVariant("s", keyMgmt)]]));
  return { path: `/profile/${ssid}`, settings };
}

const none = { accessPoint: undefined, profile: undefined };

Deno.test("networks in the air come first, then saved ones that are away", () => {
  const accessPoints = [accessPoint(bytes("Home"), "A"), accessPoint(bytes("Other"), "B")];
  const profiles = [
    profile("Home", { keyMgmt: "wpa-psk" }),
    profile("Away", { keyMgmt: "sae" }),
    profile("Open", {}),
    profile("Old", { keyMgmt: "none" }),
  ];
  const networks = wifiNetworks({ accessPoints, profiles, current: none });
  assert.deepEqual(networks[0], {
    ...{ mac: "A", ssid: "Home", channel: 1, signal: 82, security: "wpa-psk", frequency: 2_412 },
    ...{ known: true, current: false },
  });
  assert.deepEqual(networks.map(({ ssid, mac, known, security }) => [ssid, mac, known, security]), [
    ["Home", "A", true, "wpa-psk"],
    ["Other", "B", false, "wpa-psk"],
    ["Away", "", true, "sae"],
    ["Open", "", true, "none"],
    ["Old", "", true, "wep"],
  ]);
});

Deno.test("only the access point in use is current, and hidden ones have no name", () => {
  const hidden = accessPoint(new Uint8Array(8), "C");
  const accessPoints = [accessPoint(bytes("Home"), "A"), accessPoint(bytes("Home"), "B"), hidden];
  const roaming = profile("Home", { seen: ["A", "B"] });
  const isCurrent = (current: Parameters<typeof wifiNetworks>[0]["current"]) => {
    return wifiNetworks({ accessPoints, profiles: [roaming], current }).map((network) => network.current);
  };
  assert.deepEqual(isCurrent({ accessPoint: "/ap/B", profile: roaming }), [false, true, false]);
  assert.deepEqual(isCurrent({ accessPoint: undefined, profile: roaming }), [true, true, false]);
  assert.deepEqual(isCurrent(none), [false, false, false]);
  const found = wifiNetworks({ accessPoints: [hidden], profiles: [profile("X", { seen: ["C"] })], current: none });
  assert.deepEqual(found.map(({ ssid, known }) => [ssid, known]), [["", true], ["X", true]]);
});
