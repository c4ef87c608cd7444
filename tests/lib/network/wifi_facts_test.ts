import assert from "node:assert/strict";
import { wifiChannel, wifiSecurity } from "../../../lib/network/wifi_facts.ts";

Deno.test("wifiChannel() knows the channels of all bands, and 0 for everything else", () => {
  const rows: [mhz: number, channel: number][] = [
    [0, 0],
    [1_000, 0],
    [2_406, 0],
    [2_412, 1],
    [2_437, 6],
    [2_472, 13],
    [2_484, 14],
    [4_920, 184],
    [5_180, 36],
    [5_825, 165],
    [5_935, 2],
    [5_955, 1],
    [7_115, 233],
    [58_320, 1],
    [70_200, 6],
    [50_000, 0],
    [4_294_967_295, 0],
  ];
  for (const [mhz, channel] of rows) assert.equal(wifiChannel(mhz), channel, `${mhz}`);
});

Deno.test("wifiSecurity() reads the RSN flags, and those of WPA only without them", () => {
  const rows: [rsnFlags: number, wpaFlags: number, word: string][] = [
    [0, 0, "none"],
    [0x1, 0, "wep"],
    [0, 0x20, "wep"],
    [0x210, 0, "ieee8021x"],
    [0x2000, 0, "wpa-eap"],
    [0x200, 0, "wpa-eap"],
    [0x188, 0, "wpa-psk"],
    [0, 0x144, "wpa-psk"],
    [0x588, 0, "wpa-psk"],
    [0x488, 0x144, "sae"],
    [0x800, 0, "unknown"],
  ];
  for (const [rsnFlags, wpaFlags, word] of rows) {
    assert.equal(wifiSecurity({ rsnFlags, wpaFlags }), word, `${rsnFlags}, ${wpaFlags}`);
  }
});
