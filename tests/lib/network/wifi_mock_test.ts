// box bus
/**
 * Wi-Fi with a mock of NetworkManager that speaks its D-Bus interface: lists, profiles, choices, and a wrong password.
 */

import assert from "node:assert/strict";
import { systemClock } from "../../../lib/async/clock.ts";
import { hasCode } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { type BusValue, busVariant } from "../../../lib/dbus/bus_values.ts";
import { networkManagerName, NetworkManagerProxy, type SavedProfile } from "../../../lib/dbus/network_manager.ts";
import { SystemBus } from "../../../lib/dbus/system_bus.ts";
import { profileSsid, profileText } from "../../../lib/network/profiles.ts";
import { ssidText } from "../../../lib/network/ssid.ts";
import { startMockManager } from "../../../scripts/testbed/mock_network_manager.ts";
import { MessageBus } from "../../../scripts/testbed/message_bus.ts";
import { never, startNetwork } from "./network_fixture.ts";

const root = "/org/freedesktop/NetworkManager";
const wlan0 = `${root}/Devices/mock_wlan0`;
const mockInterface = "org.freedesktop.DBus.Mock";
const psk = 0x100;

/** A machine with the Wi-Fi device `wlan0`. `mock` calls a method of the mock itself. */
async function startMachine(stack: AsyncDisposableStack, state: number) {
  const daemon = stack.use(await MessageBus.start());
  stack.use(await startMockManager(daemon.address));
  const bus = stack.use(new SystemBus({ address: daemon.address, clock: systemClock, log: silentLog }));
  const mock = async (member: string, [signature, ...args]: [string, ...BusValue[]], path = root) => {
    const target = { destination: networkManagerName, path, interface: mockInterface };
    return (await bus.call({ ...target, member, signature, args }, never))[0];
  };
  await mock("AddWiFiDevice", ["ssu", "mock_wlan0", "wlan0", state]);
  const folder = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const changeFile = `${folder}/network_change.json`;
  const fixture = stack.use(
    startNetwork({ address: daemon.address, changeFile, reaches: () => Promise.resolve(true) }),
  );
  const manager = new NetworkManagerProxy(bus);
  const addAccessPoint = async (name: string, ssid: string, mac: string) => {
    await mock("AddAccessPoint", ["ssssuuuyu", wlan0, name, ssid, mac, 2, 2_412, 54_000, 82, psk]);
  };
  return { mock, fixture, wifi: fixture.network, manager, addAccessPoint };
}

function profileOf(profiles: readonly SavedProfile[], ssid: string): SavedProfile[] {
  return profiles.filter((profile) => ssidText(profileSsid(profile) ?? new Uint8Array()) === ssid);
}

function protectionOf(profile: SavedProfile | undefined): string {
  return profile === undefined ? "" : profileText(profile, ["802-11-wireless-security", "key-mgmt"]);
}

const plain = { mac: undefined, security: undefined, priority: 1 };

Deno.test("networks are listed, saved once, changed, and removed", async () => {
  await using stack = new AsyncDisposableStack();
  const { mock, wifi, manager, addAccessPoint } = await startMachine(stack, 30);
  await addAccessPoint("ap1", "Home Net", "00:11:22:33:44:55");
  await addAccessPoint("ap2", "Home Net", "00:11:22:33:44:66");
  await addAccessPoint("ap3", "Café 😀", "00:11:22:33:44:77");
  await mock("AddWiFiConnection", ["ssss", wlan0, "con1", "Home Net", "wpa-psk"]);
  const address = new Map([["address", busVariant("s", "192.168.7.20")], ["prefix", busVariant("u", 24)]]);
  const config = new Map([["AddressData", busVariant("aa{sv}", [address])]]);
  const addresses: [string, ...BusValue[]] = [
    "ssa{sv}a(ssss)",
    "/test/IP4Config/1",
    "org.freedesktop.NetworkManager.IP4Config",
    config,
    [],
  ];
  await mock("AddObject", addresses);
  const property = new Map([["Ip4Config", busVariant("o", "/test/IP4Config/1")]]);
  await mock("AddProperties", ["sa{sv}", `${networkManagerName}.Device`, property], wlan0);
  const active: [string, ...BusValue[]] = [
    "assssu",
    [wlan0],
    `${root}/Settings/con1`,
    `${root}/AccessPoint/ap1`,
    "act1",
    2,
  ];
  await mock("AddActiveConnection", active);
  const list = await wifi.listWifi(never);
  assert.deepEqual(list.ipv4, [{ address: "192.168.7.20", prefix: 24 }]);
  assert.deepEqual(list.networks.map(({ ssid, mac, known, current }) => [ssid, mac.slice(-2), known, current]), [
    ["Home Net", "55", true, true],
    ["Home Net", "66", true, false],
    ["Café 😀", "77", false, false],
  ]);
  const { channel, frequency, signal, security } = list.networks[0] ?? {};
  assert.deepEqual([channel, frequency, signal, security], [1, 2_412, 82, "wpa-psk"]);
  const rows: [ssid: string, password: string, security: string | undefined, keyMgmt: string][] = [
    ["Café 😀", "long enough", undefined, "wpa-psk"],
    ["Café 😀", "much longer", "sae", "sae"],
    ["A\\xff", "", undefined, ""],
    ["Hidden", "long enough", "wpa-psk", "wpa-psk"],
  ];
  for (const [ssid, password, security, keyMgmt] of rows) {
    await wifi.addWifi({ ...plain, ssid, password, security }, never);
    const saved = profileOf(await manager.listProfiles(never), ssid);
    assert.deepEqual(saved.map(protectionOf), [keyMgmt], ssid);
  }
  const saved = await manager.listProfiles(never);
  assert.deepEqual([...profileSsid(profileOf(saved, "A\\xff")[0] ?? { path: "", settings: new Map() }) ?? []], [
    65,
    255,
  ]);
  assert.equal(profileOf(saved, "Hidden")[0]?.settings.get("802-11-wireless")?.get("hidden")?.value, true);
  assert.equal(profileOf(saved, "Café 😀")[0]?.settings.get("802-11-wireless")?.has("hidden"), false);
  const away = (await wifi.listWifi(never)).networks.filter(({ mac }) => mac === "");
  assert.deepEqual(away.map(({ ssid, security, known }) => [ssid, security, known]).sort(), [
    ["A\\xff", "none", true],
    ["Hidden", "wpa-psk", true],
  ]);
  await wifi.addWifi({ ...plain, ssid: "ignored", password: "long enough", mac: "00:11:22:33:44:77" }, never);
  assert.deepEqual(profileOf(await manager.listProfiles(never), "ignored"), []);
  await wifi.removeWifi("Café 😀", never);
  await wifi.removeWifi("A\\xff", never);
  assert.deepEqual(profileOf(await manager.listProfiles(never), "Café 😀"), []);
  const missing = (error: unknown) => hasCode(error, "not_available") && error.message === "not found";
  await assert.rejects(() => wifi.removeWifi("Café 😀", never), missing);
  await assert.rejects(() => wifi.addWifi({ ...plain, ssid: "x", password: "", mac: "00" }, never), missing);
  await assert.rejects(() => wifi.selectWifi({ ssid: "Home Net", mac: "00" }, never), missing);
  await assert.rejects(() => wifi.selectWifi({ ssid: "Nowhere", mac: "00:11:22:33:44:55" }, never), missing);
  await assert.rejects(() => wifi.addWifi({ ...plain, ssid: "x", password: "short" }, never), {
    message: "the wifi password is invalid",
  });
});

Deno.test("a network that is chosen is kept; a scan needs a device that is connected", async () => {
  await using stack = new AsyncDisposableStack();
  const { mock, wifi, fixture, addAccessPoint } = await startMachine(stack, 30);
  await addAccessPoint("ap1", "Home Net", "00:11:22:33:44:55");
  await mock("AddWiFiConnection", ["ssss", wlan0, "con1", "Home Net", "wpa-psk"]);
  await assert.rejects(() => wifi.scanWifi(never), { message: "not connected" });
  await wifi.selectWifi({ ssid: "Home Net", mac: "00:11:22:33:44:55" }, never);
  assert.deepEqual(await fixture.untilOutcomes(1), [
    { method: "select_wifi_network", interfaceName: "wlan0", outcome: "kept" },
  ]);
  assert.deepEqual((await wifi.listWifi(never)).networks.map(({ current }) => current), [true]);
});

Deno.test("a wrong password is told, though the device has forgotten it when it is looked at", async () => {
  await using stack = new AsyncDisposableStack();
  const { mock, wifi, fixture, addAccessPoint } = await startMachine(stack, 30);
  await addAccessPoint("ap1", "Home Net", "00:11:22:33:44:55");
  await mock("AddWiFiConnection", ["ssss", wlan0, "con1", "Home Net", "wpa-psk"]);
  const rows: [reason: number, error: string][] = [
    [7, "the wifi password is invalid"],
    [53, "the network is there, but did not let the device in: the wifi password may be wrong"],
    [5, "NetworkManager could not connect with the new settings (reason 5)"],
  ];
  for (const [at, [reason, error]] of rows.entries()) {
    const states = [[40, 30, 0], [120, 60, reason], [30, 120, 0]].map((numbers) => `[${numbers}]`);
    const code = `for numbers in [${states}]:
    objects[args[1]].EmitSignal('${networkManagerName}.Device', 'StateChanged', 'uuu', [dbus.UInt32(n) for n in numbers])
ret = dbus.ObjectPath('/gone')`;
    await mock("AddMethod", ["sssss", networkManagerName, "ActivateConnection", "ooo", "o", code]);
    await wifi.selectWifi({ ssid: "Home Net", mac: "00:11:22:33:44:55" }, never);
    const outcome = { method: "select_wifi_network", interfaceName: "wlan0", outcome: "reverted", error };
    assert.deepEqual((await fixture.untilOutcomes(at + 1))[at], outcome);
  }
});

Deno.test("fifty networks are listed at once", async () => {
  await using stack = new AsyncDisposableStack();
  const { wifi, addAccessPoint } = await startMachine(stack, 100);
  for (let at = 0; at < 50; at += 1) {
    await addAccessPoint(`ap${at}`, `Net ${at}`, `00:11:22:33:44:${at.toString(16).padStart(2, "0")}`);
  }
  const times: number[] = [];
  for (let round = 0; round < 20; round += 1) {
    const startedMs = performance.now();
    assert.equal((await wifi.listWifi(never)).networks.length, 50);
    times.push(performance.now() - startedMs);
  }
  // The mock is written in Python and shares the processors with other tests.
  assert.ok(Math.min(...times) < 250, `${times.map(Math.round).join(" ")} ms`);
});
