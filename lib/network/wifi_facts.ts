/** What the numbers of an access point mean. Pure. */

/** How a network is protected, in Studio's words, which are NetworkManager's where it has one. */
export type WifiSecurity = "none" | "wep" | "ieee8021x" | "wpa-eap" | "wpa-psk" | "sae" | "unknown";

/** The channel of a frequency in MHz; 0 when it is in no band of Wi-Fi. */
export function wifiChannel(frequencyMhz: number): number {
  const f = frequencyMhz;
  if (f === 2_484) return 14;
  if (f < 2_407) return 0;
  if (f < 2_484) return whole((f - 2_407) / 5);
  if (f >= 4_910 && f <= 4_980) return whole((f - 4_000) / 5);
  if (f < 5_925) return whole((f - 5_000) / 5);
  if (f === 5_935) return 2;
  if (f <= 45_000) return whole((f - 5_950) / 5);
  return f >= 58_320 && f <= 70_200 ? whole((f - 56_160) / 2_160) : 0;
}

const wepBits = 0x1 | 0x2 | 0x10 | 0x20;
const pskBit = 0x100;
const enterpriseBit = 0x200;
const saeBit = 0x400;
const suiteBBit = 0x2000;

/** The protection that an access point announces; WPA2 and newer (RSN) count before WPA. */
export function wifiSecurity({ rsnFlags, wpaFlags }: { rsnFlags: number; wpaFlags: number }): WifiSecurity {
  const flags = rsnFlags === 0 ? wpaFlags : rsnFlags;
  const has = (bits: number) => (flags & bits) !== 0;
  if (flags === 0) return "none";
  if (has(wepBits)) return has(enterpriseBit) ? "ieee8021x" : "wep";
  if (has(suiteBBit)) return "wpa-eap";
  if (has(pskBit)) return "wpa-psk";
  if (has(enterpriseBit)) return "wpa-eap";
  return has(saeBit) ? "sae" : "unknown";
}

function whole(value: number): number {
  return Math.max(0, Math.trunc(value));
}
