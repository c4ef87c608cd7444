/** Wi-Fi networks in the air of a machine with simulated radios, and what a station needs to join them. */

import { readTextIfThere } from "../files.ts";
import { mustRun } from "../programs.ts";
import { type Background, killProcess, startInBackground } from "./background.ts";
import { requireBox } from "./box.ts";
import { pollUntil } from "./wait.ts";

/** An access point with a router and a DHCP server behind it. */
export interface AccessPointOptions {
  /** The radio that it uses; its number is also that of the network: 2 is `wlan2`, and its router 10.78.2.1. */
  radio: number;
  ssid: string;
  /** From 1 to 13. */
  channel: number;
  /** More lines of its configuration: how it is protected. */
  settings: Readonly<Record<string, string | number>>;
}

const namespace = "air";

/** The address of the router behind an access point. */
export function routerOf({ radio }: Pick<AccessPointOptions, "radio">): string {
  return `10.78.${radio}.1`;
}

/** Access points in a network namespace of their own. Disposing ends them; their radios stay there. */
export class AccessPoints implements AsyncDisposable {
  readonly #folder: string;
  readonly #programs: Background[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Starts them and waits until they send. */
  static async start(points: readonly AccessPointOptions[]): Promise<AccessPoints> {
    requireBox();
    const air = new AccessPoints(await Deno.makeTempDir({ prefix: "air-" }));
    await mustRun("ip", ["netns", "add", namespace]);
    for (const { radio } of points) await mustRun("iw", ["phy", `phy${radio}`, "set", "netns", "name", namespace]);
    for (const point of points) {
      await mustRun("ip", ["-n", namespace, "addr", "add", `${routerOf(point)}/24`, "dev", `wlan${point.radio}`]);
      await Deno.writeTextFile(`${air.#folder}/${point.radio}.conf`, configuration(point));
    }
    const files = points.map(({ radio }) => `${air.#folder}/${radio}.conf`);
    const hostapd = await air.#run("hostapd", files);
    await pollUntil("all access points send", async () => {
      const enabled = (await readTextIfThere(hostapd.logFile) ?? "").match(/AP-ENABLED/g) ?? [];
      return enabled.length === points.length || undefined;
    }, { limitMs: 60_000 });
    await air.#run("dnsmasq", [
      ...["--conf-file=/dev/null", "--no-daemon", "--bind-interfaces", "--no-ping", "--port=0", "--no-hosts"],
      ...["--no-resolv", `--dhcp-leasefile=${air.#folder}/leases`, `--pid-file=${air.#folder}/dnsmasq.pid`],
      ...points.flatMap(({ radio }) => [
        `--interface=wlan${radio}`,
        `--dhcp-range=10.78.${radio}.50,10.78.${radio}.99,2m`,
      ]),
    ]);
    return air;
  }

  async #run(program: string, args: readonly string[]): Promise<Background> {
    const command = [`--net=/run/netns/${namespace}`, program, ...args];
    const running = await startInBackground("nsenter", command, { logFile: `${this.#folder}/${program}.log` });
    this.#programs.push(running);
    return running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { pid } of this.#programs.reverse()) await killProcess(pid);
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** A wpa_supplicant on a bus, which joins networks for NetworkManager. Disposing ends it. */
export async function startSupplicant(address: string): Promise<AsyncDisposable> {
  requireBox();
  const folder = await Deno.makeTempDir({ prefix: "wpa-" });
  const env = { DBUS_SYSTEM_BUS_ADDRESS: address };
  const { pid } = await startInBackground("wpa_supplicant", ["-u"], { logFile: `${folder}/wpa.log`, env });
  return {
    [Symbol.asyncDispose]: async () => {
      await killProcess(pid);
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function configuration({ radio, ssid, channel, settings }: AccessPointOptions): string {
  const bytes = [...new TextEncoder().encode(ssid)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const all = { interface: `wlan${radio}`, driver: "nl80211", hw_mode: "g", channel, ssid2: bytes, ...settings };
  return Object.entries(all).map(([name, value]) => `${name}=${value}\n`).join("");
}
