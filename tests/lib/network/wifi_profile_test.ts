import assert from "node:assert/strict";
import { busVariant } from "../../../lib/dbus/bus_values.ts";
import type { ProfileSettings } from "../../../lib/dbus/network_manager.ts";
import { wifiSettings, type WifiWish } from "../../../lib/network/wifi_profile.ts";

function wish(change: Partial<WifiWish> = {}): WifiWish {
  const ssid = new TextEncoder().encode("Home");
  return { ssid, security: "wpa-psk", password: "long enough", priority: 3, isHidden: false, ...change };
}

function protection(settings: ProfileSettings): Record<string, unknown> | undefined {
  const group = settings.get("802-11-wireless-security");
  return group && Object.fromEntries([...group].map(([key, { signature, value }]) => [key, `${signature} ${value}`]));
}

Deno.test("a new profile has all that NetworkManager needs", () => {
  const settings = wifiSettings(wish());
  const connection = settings.get("connection");
  assert.deepEqual(connection?.get("id"), busVariant("s", "Home"));
  assert.deepEqual(connection?.get("type"), busVariant("s", "802-11-wireless"));
  assert.match(String(connection?.get("uuid")?.value), /^[0-9a-f-]{36}$/);
  assert.deepEqual(connection?.get("autoconnect-priority"), busVariant("i", 3));
  assert.deepEqual(connection?.get("autoconnect-retries"), busVariant("i", 0));
  const wireless = settings.get("802-11-wireless");
  assert.deepEqual(wireless?.get("ssid"), busVariant("ay", new TextEncoder().encode("Home")));
  assert.deepEqual(wireless?.get("security"), busVariant("s", "802-11-wireless-security"));
  assert.equal(wireless?.has("hidden"), false);
  assert.equal(wifiSettings(wish({ isHidden: true })).get("802-11-wireless")?.get("hidden")?.value, true);
});

Deno.test("each protection has the keys that NetworkManager wants", () => {
  const rows: [security: string, password: string, keys: Record<string, string> | undefined][] = [
    ["wpa-psk", "long enough", { "key-mgmt": "s wpa-psk", "psk-flags": "u 0", psk: "s long enough" }],
    ["sae", "short", { "key-mgmt": "s sae", "psk-flags": "u 0", psk: "s short" }],
    ["wep", "12345", { "key-mgmt": "s none", "wep-key-type": "u 1", "wep-key0": "s 12345" }],
    ["none", "", undefined],
    ["", "", undefined],
    ["", "long enough", { "key-mgmt": "s wpa-psk", "psk-flags": "u 0", psk: "s long enough" }],
  ];
  for (const [security, password, keys] of rows) {
    const settings = wifiSettings(wish({ security, password }));
    assert.deepEqual(protection(settings), keys, security);
    assert.equal(settings.get("802-11-wireless")?.has("security"), keys !== undefined, security);
  }
});

Deno.test("a saved profile keeps everything but what is asked for", () => {
  const saved = new Map(wifiSettings(wish({ security: "wep", password: "12345" })));
  saved.set("ipv4", new Map([["method", busVariant("s", "manual")], ["x", busVariant("a(ayuay)", [])]]));
  const settings = wifiSettings(wish({ password: "another one", priority: 7 }), saved);
  assert.deepEqual(settings.get("ipv4"), saved.get("ipv4"));
  assert.deepEqual(settings.get("connection")?.get("uuid"), saved.get("connection")?.get("uuid"));
  assert.deepEqual(protection(settings), { "key-mgmt": "s wpa-psk", "psk-flags": "u 0", psk: "s another one" });
  assert.equal(wifiSettings(wish({ security: "none" }), settings).has("802-11-wireless-security"), false);
});

Deno.test("a password that cannot be right is refused", () => {
  const rows: [security: string, password: string][] = [
    ["wpa-psk", "seven77"],
    ["wpa-psk", ""],
    ["wpa-psk", "x".repeat(64)],
    ["wpa-psk", "null\0 byte"],
    ["sae", ""],
    ["wep", "1234"],
    ["", "short"],
  ];
  for (const [security, password] of rows) {
    const error = { code: "bad_request", message: "the wifi password is invalid" };
    assert.throws(() => wifiSettings(wish({ security, password })), error, `${security} ${password}`);
  }
  assert.ok(wifiSettings(wish({ password: "a".repeat(64) })));
});
