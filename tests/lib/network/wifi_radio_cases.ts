/**
 * Wi-Fi with a real NetworkManager, a real wpa_supplicant and real access points. Runs on a machine with four simulated
 * radios, which `wifi_radio_test.ts` boots. The first radio is the device's.
 */

import assert from "node:assert/strict";
import {
  type AccessPointOptions,
  AccessPoints,
  routerOf,
  startSupplicant,
} from "../../../scripts/testbed/access_points.ts";
import { MessageBus } from "../../../scripts/testbed/message_bus.ts";
import { NetworkManager } from "../../../scripts/testbed/network_manager.ts";
import { pollUntil } from "../../../scripts/testbed/wait.ts";
import { addressesOf, answers, type NetworkFixture, never, startNetwork } from "./network_fixture.ts";

const isProtected = { wpa: 2, rsn_pairwise: "CCMP" };

const home: AccessPointOptions = {
  radio: 1,
  ssid: "Home Net",
  channel: 1,
  settings: { ...isProtected, wpa_key_mgmt: "WPA-PSK", wpa_passphrase: "the right one" },
};

const cafe: AccessPointOptions = {
  radio: 2,
  ssid: "Café 😀",
  channel: 6,
  settings: { ...isProtected, wpa_key_mgmt: "SAE", ieee80211w: 2, sae_password: "newer" },
};

const hall: AccessPointOptions = { radio: 3, ssid: "Hall", channel: 11, settings: { ignore_broadcast_ssid: 1 } };

const points = [home, cafe, hall];

const limit = { limitMs: 60_000 };

const plain = { mac: undefined, security: undefined, priority: 1 };

const refusedText = "the network is there, but did not let the device in: the wifi password may be wrong";

/** Simulated radios have addresses with their numbers. */
function macOf({ radio }: AccessPointOptions): string {
  return `02:00:00:00:0${radio}:00`;
}

/** The device `wlan0`, not connected. */
async function startDevice(stack: AsyncDisposableStack): Promise<NetworkFixture> {
  stack.use(await AccessPoints.start(points));
  const { address } = stack.use(await MessageBus.start());
  stack.use(await startSupplicant(address));
  stack.use(await NetworkManager.start({ address, interfaces: ["wlan0"] }));
  const folder = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const reaches = async () => (await Promise.all(points.map((point) => answers(routerOf(point))))).includes(true);
  return stack.use(startNetwork({ address, changeFile: `${folder}/network_change.json`, reaches }));
}

/** Waits until the device is in the network of this access point, has an address there, and the list shows both. */
async function untilIn(fixture: NetworkFixture, point: AccessPointOptions): Promise<void> {
  const prefix = routerOf(point).slice(0, -1);
  await pollUntil(`the device is in "${point.ssid}"`, async () => {
    const { networks, ipv4 } = await fixture.network.listWifi(never);
    // The kernel has an address some time before NetworkManager reports it.
    const shown = ipv4.map(({ address, prefix }) => `${address}/${prefix}`).join(" ");
    const current = networks.filter((network) => network.current).map(({ mac }) => mac).join(" ");
    const isThere = shown.startsWith(prefix) && shown === (await addressesOf("wlan0")).join(" ");
    return (isThere && current === macOf(point) && await answers(routerOf(point))) || undefined;
  }, limit);
}

/** Chooses a network and waits for the outcome, which is the last. */
async function select(fixture: NetworkFixture, point: AccessPointOptions) {
  const count = fixture.outcomes.length + 1;
  await fixture.network.selectWifi({ ssid: point.ssid, mac: macOf(point) }, never);
  return (await fixture.untilOutcomes(count)).at(-1);
}

const selected = { method: "select_wifi_network", interfaceName: "wlan0" };

const steps: Record<string, (fixture: NetworkFixture) => Promise<void>> = {
  "networks in the air are listed with their protection": async ({ network }) => {
    const networks = await pollUntil("all networks are seen", async () => {
      const { networks } = await network.listWifi(never);
      return networks.length === points.length ? networks : undefined;
    }, limit);
    networks.sort((a, b) => a.channel - b.channel);
    assert.deepEqual(networks.map(({ ssid, mac, channel, security }) => [ssid, mac, channel, security]), [
      [home.ssid, macOf(home), 1, "wpa-psk"],
      [cafe.ssid, macOf(cafe), 6, "sae"],
      ["", macOf(hall), 11, "none"],
    ]);
    assert.ok(networks.every(({ known, current, signal }) => !known && !current && signal > 0));
  },

  "a WPA2 network is joined": async (fixture) => {
    await fixture.network.addWifi({ ...plain, ssid: home.ssid, password: "the right one" }, never);
    assert.deepEqual(await select(fixture, home), { ...selected, outcome: "kept" });
    await untilIn(fixture, home);
  },

  "a device in a network scans, which takes it longer": async ({ network }) => {
    await network.scanWifi(never);
    assert.ok((await network.listWifi(never)).networks.length >= points.length);
  },

  "a wrong password for the network in use is told, and undone": async (fixture) => {
    const count = fixture.outcomes.length + 1;
    await fixture.network.addWifi({ ...plain, ssid: home.ssid, password: "a wrong one" }, never);
    assert.deepEqual((await fixture.untilOutcomes(count)).at(-1), {
      method: "add_wifi_configuration",
      interfaceName: "wlan0",
      outcome: "reverted",
      error: "the wifi password is invalid",
    });
    await untilIn(fixture, home);
  },

  "a wrong password for a WPA3 network is told, and the device returns": async (fixture) => {
    await fixture.network.addWifi({ ...plain, ssid: "", mac: macOf(cafe), password: "older" }, never);
    assert.deepEqual(await select(fixture, cafe), { ...selected, outcome: "reverted", error: refusedText });
    await untilIn(fixture, home);
  },

  "a WPA3 network is joined with the right one": async (fixture) => {
    await fixture.network.addWifi({ ...plain, ssid: "", mac: macOf(cafe), password: "newer" }, never);
    assert.deepEqual(await select(fixture, cafe), { ...selected, outcome: "kept" });
    await untilIn(fixture, cafe);
  },

  "an open network that hides its name is joined": async (fixture) => {
    await fixture.network.addWifi({ ...plain, ssid: hall.ssid, password: "" }, never);
    assert.deepEqual(await select(fixture, hall), { ...selected, outcome: "kept" });
    await untilIn(fixture, hall);
  },
};

Deno.test("Wi-Fi", async (t) => {
  await using stack = new AsyncDisposableStack();
  const fixture = await startDevice(stack);
  for (const [name, step] of Object.entries(steps)) {
    const isDone = await t.step(name, async () => {
      await step(fixture).catch((error) => {
        throw new Error(`${error}\n${fixture.lines.join("\n")}`, { cause: error });
      });
    });
    if (!isDone) return;
  }
});
