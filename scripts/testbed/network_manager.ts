/** Starts and stops a real NetworkManager that manages the network of the box, for tests. */

import { readTextIfThere } from "../files.ts";
import { type Background, endProcess, isRunning, killProcess, startInBackground } from "./background.ts";
import { requireBox } from "./box.ts";
import { pollUntil } from "./wait.ts";
import { mustRun, runProgram } from "../programs.ts";

/** What it needs. */
export interface NetworkManagerOptions {
  /** The value for `DBUS_SYSTEM_BUS_ADDRESS`. */
  address: string;
  /** The interfaces that it manages. All others are left alone. */
  interfaces: readonly string[];
}

/** A profile as in a file of NetworkManager: its groups with their keys. */
export type Profile = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * A running NetworkManager.
 * - Its profiles survive stop and start.
 * - Disposing ends it and removes its folder.
 */
export class NetworkManager implements AsyncDisposable {
  readonly #folder: string;
  readonly #options: NetworkManagerOptions;
  #process: Background | undefined;

  private constructor(folder: string, options: NetworkManagerOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Starts one with these profiles, by their names, and waits until it is on the bus. */
  static async start(
    options: NetworkManagerOptions,
    profiles: Readonly<Record<string, Profile>> = {},
  ): Promise<NetworkManager> {
    requireBox();
    const manager = new NetworkManager(await Deno.makeTempDir({ prefix: "nm-" }), options);
    for (const folder of ["conns", "lib", "none"]) await Deno.mkdir(`${manager.#folder}/${folder}`);
    await Deno.writeTextFile(`${manager.#folder}/nm.conf`, configuration(manager.#folder, options));
    for (const [name, profile] of Object.entries(profiles)) {
      await Deno.writeTextFile(`${manager.#folder}/conns/${name}.nmconnection`, profileText(profile), { mode: 0o600 });
    }
    await manager.start();
    return manager;
  }

  /** The process id. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Starts it again after `stop()` or `kill()`. */
  async start(): Promise<void> {
    const folder = this.#folder;
    const files = [
      "config=nm.conf",
      "config-dir=none",
      "intern-config=intern.conf",
      "state-file=nm.state",
      "pid-file=pid",
    ];
    const args = ["--no-daemon", ...files.map((file) => `--${file.replace("=", `=${folder}/`)}`)];
    // A read-only /sys makes it not wait for udev. It is the box's own network that it must show. One that shows it
    // already, as that of a virtual machine does, cannot be mounted over itself.
    const script =
      'umount /sys 2>/dev/null || true; mount -t sysfs -o ro sysfs /sys; mount --bind "$0/lib" /var/lib/NetworkManager; ' +
      'mkdir -p /run/NetworkManager; exec NetworkManager "$@"';
    const command = ["--mount", "--propagation", "private", "bash", "-ec", script, folder, ...args];
    const env = { DBUS_SYSTEM_BUS_ADDRESS: this.#options.address };
    const logFile = `${folder}/nm.log`;
    const process = await startInBackground("unshare", command, { logFile, env });
    this.#process = process;
    await pollUntil("NetworkManager is on the bus", async () => {
      if (await isOnBus(this.#options.address)) return true;
      if (!await isRunning(process.pid)) throw new Error(`NetworkManager ended:\n${await this.readLog()}`);
      return undefined;
    }, { limitMs: 60_000 });
  }

  /** Ends it; the interfaces keep their addresses. */
  async stop(): Promise<void> {
    if (this.#process !== undefined) await endProcess(this.#process.pid);
    await this.#gone();
  }

  /** Kills it. */
  async kill(): Promise<void> {
    if (this.#process !== undefined) await killProcess(this.#process.pid);
    await this.#gone();
  }

  /** A profile as it is on disk; undefined when there is none. */
  async readProfile(name: string): Promise<string | undefined> {
    return await readTextIfThere(`${this.#folder}/conns/${name}.nmconnection`);
  }

  /** The end of its log. */
  async readLog(): Promise<string> {
    return (await readTextIfThere(`${this.#folder}/nm.log`) ?? "").split("\n").slice(-60).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.#folder, { recursive: true });
  }

  /** The bus hears of the end of a process a moment later: its successor must not be taken for it. */
  async #gone(): Promise<void> {
    this.#process = undefined;
    const { address } = this.#options;
    await pollUntil("NetworkManager is off the bus", async () => !await isOnBus(address) || undefined);
  }
}

/** Where a DHCP server and a router of a network are. */
export interface TestNetwork {
  /** The interface of the box that leads there. */
  interfaceName: string;
  /** The address of the router, which is also the DHCP server: `10.77.0.1`. */
  router: string;
  /** The range of addresses that it gives away, as dnsmasq reads it. */
  range: string;
  /** Its clients get no gateway. */
  isClosed?: boolean;
}

/**
 * A network behind an interface of the box: the other end of a pair of interfaces, in a network namespace of its own,
 * with a DHCP server. Disposing removes it.
 */
export class SmallNetwork implements AsyncDisposable {
  readonly options: TestNetwork;
  /** The name of the network namespace: for `ip netns exec` and `nsenter`. */
  readonly namespace: string;
  readonly #folder: string;
  #server: Background | undefined;

  private constructor(folder: string, options: TestNetwork) {
    this.#folder = folder;
    this.options = options;
    this.namespace = `n-${options.interfaceName}`;
  }

  /** Makes it. */
  static async start(options: TestNetwork): Promise<SmallNetwork> {
    requireBox();
    const network = new SmallNetwork(await Deno.makeTempDir({ prefix: "net-" }), options);
    const { namespace } = network;
    const ip = (...args: string[]) => mustRun("ip", args);
    await ip("netns", "add", namespace);
    await ip("link", "add", options.interfaceName, "type", "veth", "peer", "name", "r0", "netns", namespace);
    await ip("-n", namespace, "link", "set", "lo", "up");
    await ip("-n", namespace, "addr", "add", `${options.router}/24`, "dev", "r0");
    await ip("-n", namespace, "link", "set", "r0", "up");
    await network.serve();
    return network;
  }

  /** Starts its DHCP server. */
  async serve(): Promise<void> {
    const args = ["--conf-file=/dev/null", "--no-daemon", "--interface=r0", "--bind-interfaces", "--no-ping"];
    const own = [`--dhcp-range=${this.options.range},2m`, `--dhcp-leasefile=${this.#folder}/leases`, "--no-resolv"];
    // Without a gateway of its own it names none; with no DNS server on it, clients are told of it all the same.
    const told = [
      `--dhcp-option=3${this.options.isClosed ? "" : `,${this.options.router}`}`,
      `--dhcp-option=6,${this.options.router}`,
    ];
    const files = [...told, "--no-hosts", "--port=0", `--pid-file=${this.#folder}/dm.pid`];
    const command = [`--net=/run/netns/${this.namespace}`, "dnsmasq", ...args, ...own, ...files];
    this.#server = await startInBackground("nsenter", command, { logFile: `${this.#folder}/dnsmasq.log` });
  }

  /** Ends its DHCP server. */
  async silence(): Promise<void> {
    if (this.#server !== undefined) await killProcess(this.#server.pid);
    this.#server = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.silence();
    await mustRun("ip", ["netns", "del", this.namespace]);
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Whether a NetworkManager is on the bus. */
export async function isOnBus(address: string): Promise<boolean> {
  const call = ["--dest=org.freedesktop.DBus", "--type=method_call", "/", "org.freedesktop.DBus.NameHasOwner"];
  const { stdout } = await runProgram("dbus-send", [
    `--bus=${address}`,
    "--print-reply",
    ...call,
    "string:org.freedesktop.NetworkManager",
  ]);
  return stdout.includes("true");
}

function configuration(folder: string, { interfaces }: NetworkManagerOptions): string {
  const devices = interfaces.map((name) => `except:interface-name:${name}`).join(";");
  return `[main]
plugins=keyfile
dns=none
rc-manager=unmanaged
systemd-resolved=false
auth-polkit=false
hostname-mode=none
dhcp=internal
no-auto-default=*
[keyfile]
path=${folder}/conns
unmanaged-devices=${devices}
[connectivity]
enabled=false
`;
}

function profileText(profile: Profile): string {
  return Object.entries(profile).map(([group, keys]) => {
    const lines = Object.entries(keys).map(([key, value]) => `${key}=${value}\n`);
    return `[${group}]\n${lines.join("")}`;
  }).join("\n");
}
