/** What is asked of the network, and what it answers. */

/** An address with the length of its network's prefix. */
export interface AddressOnDevice {
  address: string;
  prefix: number;
}

/** An Ethernet device. */
export interface EthernetDevice {
  interfaceName: string;
  mac: string;
  ipv4: readonly AddressOnDevice[];
  ipv6: readonly AddressOnDevice[];
  /** How it gets its IPv4 addresses: `auto`, `manual`, …; empty when unknown. */
  method: string;
}

/** IPv4 settings that are asked for. */
export type Ipv4Wish = { method: "auto" } | { method: "manual"; address: string; prefix: number };

/** A change of the IPv4 settings of an Ethernet device. */
export interface Ipv4Request {
  /** Of the device; either of its two. */
  mac: string;
  interfaceName: string;
  wish: Ipv4Wish;
}

/** A network in the air, or one that is only saved: then without MAC address and with zeros. */
export interface WifiNetwork {
  mac: string;
  ssid: string;
  channel: number;
  /** From 0 to 100. */
  signal: number;
  security: string;
  /** In MHz. */
  frequency: number;
  /** A profile is saved for it. */
  known: boolean;
  /** The device is connected to it. */
  current: boolean;
}

/** The networks, and the addresses of the Wi-Fi device. */
export interface WifiList {
  networks: WifiNetwork[];
  ipv4: readonly AddressOnDevice[];
  ipv6: readonly AddressOnDevice[];
}

/** A network that is to be saved; with `mac`, name and protection are those of that access point. */
export interface WifiRequest {
  ssid: string;
  password: string;
  priority: number;
  mac: string | undefined;
  security: string | undefined;
}
