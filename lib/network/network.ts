/**
 * The network of the device as Studio sees and changes it. NetworkManager is loaded and asked with the first use; a
 * device that does without it (`-nmw=false`, or another system than Linux) has empty lists, and changes without effect.
 */

import { textOf } from "../base/errors.ts";
import type { ConnectStep } from "../backend/connect_step.ts";
import type { LazyBus } from "../dbus/dbus.ts";
import { existsSync } from "../files/exists.ts";
import type { InterfaceAddress } from "../host/addresses.ts";
import type { ManagedNetwork, ManagedNetworkDeps } from "./managed_network.ts";
import type { EthernetDevice, Ipv4Request, WifiList, WifiRequest } from "./network_shapes.ts";

/** What the network needs. */
export interface NetworkDeps extends Omit<ManagedNetworkDeps, "bus"> {
  bus: LazyBus;
  /** NetworkManager is to be used. */
  isManaged: boolean;
  /** The addresses of all network interfaces. */
  readInterfaces(): InterfaceAddress[];
}

/** The network of the device. Errors are the answers of the procedures. */
export interface Network extends AsyncDisposable {
  readonly connectSteps: ConnectStep[];
  /** Looks after saved profiles and after a change that was left undecided, some seconds from now. */
  start(): void;
  /** The addresses of all network interfaces, by the kernel. */
  readInterfaces(): InterfaceAddress[];
  listEthernet(signal: AbortSignal): Promise<EthernetDevice[]>;
  listWifi(signal: AbortSignal): Promise<WifiList>;
  scanWifi(signal: AbortSignal): Promise<void>;
  addWifi(request: WifiRequest, signal: AbortSignal): Promise<void>;
  removeWifi(ssid: string, signal: AbortSignal): Promise<void>;
  selectWifi(network: { ssid: string; mac: string }, signal: AbortSignal): Promise<void>;
  restartWifi(signal: AbortSignal): Promise<void>;
  updateIpv4(request: Ipv4Request, signal: AbortSignal): Promise<void>;
}

/** After the start of the agent, which has better things to do; NetworkManager's own retries take minutes. */
const startMs = 5_000;

/** How often a machine without a system bus is looked at again. */
const busCheckMs = 60_000;

/** Creates the network; nothing is loaded or runs. */
export function createNetwork(deps: NetworkDeps): Network {
  return deps.isManaged ? new LoadedNetwork(deps) : unmanagedNetwork(deps);
}

function unmanagedNetwork({ readInterfaces }: NetworkDeps): Network {
  const nothing = () => Promise.resolve();
  return {
    connectSteps: [],
    start() {},
    readInterfaces,
    listEthernet: () => Promise.resolve([]),
    listWifi: () => Promise.resolve({ networks: [], ipv4: [], ipv6: [] }),
    scanWifi: nothing,
    addWifi: nothing,
    removeWifi: nothing,
    selectWifi: nothing,
    restartWifi: nothing,
    updateIpv4: nothing,
    [Symbol.asyncDispose]: nothing,
  };
}

class LoadedNetwork implements Network {
  readonly connectSteps: ConnectStep[];
  readonly #deps: NetworkDeps;
  readonly #life = new AbortController();
  #starting: Promise<void> | undefined;
  #managed: Promise<ManagedNetwork> | undefined;

  constructor(deps: NetworkDeps) {
    this.#deps = deps;
    this.connectSteps = [{
      name: "tell how a change of the network ended",
      phase: "prepare",
      callsBackend: false,
      run: async () => {
        if (this.#managed !== undefined) await (await this.#managed).onConnect();
      },
    }];
  }

  start(): void {
    this.#starting ??= this.#startLater();
  }

  readInterfaces(): InterfaceAddress[] {
    return this.#deps.readInterfaces();
  }

  async listEthernet(signal: AbortSignal): Promise<EthernetDevice[]> {
    return await (await this.#load()).listEthernet(signal);
  }

  async listWifi(signal: AbortSignal): Promise<WifiList> {
    return await (await this.#load()).listWifi(signal);
  }

  async scanWifi(signal: AbortSignal): Promise<void> {
    await (await this.#load()).scanWifi(signal);
  }

  async addWifi(request: WifiRequest, signal: AbortSignal): Promise<void> {
    await (await this.#load()).addWifi(request, signal);
  }

  async removeWifi(ssid: string, signal: AbortSignal): Promise<void> {
    await (await this.#load()).removeWifi(ssid, signal);
  }

  async selectWifi(network: { ssid: string; mac: string }, signal: AbortSignal): Promise<void> {
    await (await this.#load()).selectWifi(network, signal);
  }

  async restartWifi(signal: AbortSignal): Promise<void> {
    await (await this.#load()).restartWifi(signal);
  }

  async updateIpv4(request: Ipv4Request, signal: AbortSignal): Promise<void> {
    await (await this.#load()).updateIpv4(request, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await this.#starting;
    await (await this.#managed)?.[Symbol.asyncDispose]();
  }

  /** An undecided change is looked after at once, and everything else when the start is over. */
  async #startLater(): Promise<void> {
    const { bus, changeFile, clock, log } = this.#deps;
    const { signal } = this.#life;
    try {
      if (!existsSync(changeFile)) {
        await clock.sleep(startMs, signal);
        while (!bus.isThere()) await clock.sleep(busCheckMs, signal);
      }
      (await this.#load()).start();
    } catch (error) {
      if (!signal.aborted) log.warn("Cannot look after the network", { error: textOf(error) });
    }
  }

  async #load(): Promise<ManagedNetwork> {
    this.#managed ??= this.#create();
    return await this.#managed;
  }

  async #create(): Promise<ManagedNetwork> {
    const { ManagedNetwork } = await import("./managed_network.ts");
    return new ManagedNetwork({ ...this.#deps, bus: await this.#deps.bus.load() });
  }
}
