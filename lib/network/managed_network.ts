/** The network of a device with NetworkManager: everything that is loaded with the first use. */

import type { Clock } from "../async/clock.ts";
import { TaskSet } from "../async/task_set.ts";
import { singleFlight } from "../async/single_flight.ts";
import { AgentError, hasCode, isCanceled, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { isServiceMissing } from "../dbus/bus_errors.ts";
import { networkManagerName, NetworkManagerProxy } from "../dbus/network_manager.ts";
import type { SystemBus } from "../dbus/system_bus.ts";
import { type ChangeOutcome, ChangeRecordFile } from "./change_record.ts";
import { retryProfilesForever } from "./endless_retries.ts";
import { listEthernet, updateIpv4 } from "./ethernet.ts";
import { type ChangeLimits, GuardedChanges } from "./guarded_changes.ts";
import type { EthernetDevice, Ipv4Request, WifiList, WifiRequest } from "./network_shapes.ts";
import { addWifi, listWifi, reloadWifi, removeWifi, scanWifi, selectWifi } from "./wifi.ts";

/** What it needs. */
export interface ManagedNetworkDeps {
  bus: SystemBus;
  /** Where a change that is being tried out is noted. */
  changeFile: string;
  /** Opens a new connection to the router; undefined for a device that stays offline. */
  reconnect: ((reason: string) => void) | undefined;
  isConnected(): boolean;
  /** Tells Studio how a change ended. Throws when the router has not taken it. */
  publish(outcome: ChangeOutcome): Promise<void>;
  /** Of changes; usual ones when absent. */
  limits?: ChangeLimits;
  clock: Clock;
  log: Log;
}

const watchAgainMs = 60_000;

/** The network. Lists are empty where there is no NetworkManager; changes then throw. */
export class ManagedNetwork implements AsyncDisposable {
  readonly #deps: ManagedNetworkDeps;
  readonly #manager: NetworkManagerProxy;
  readonly #changes: GuardedChanges;
  readonly #life = new AbortController();
  readonly #tasks: TaskSet;
  readonly #scan: (signal: AbortSignal) => Promise<void>;

  constructor(deps: ManagedNetworkDeps) {
    const { bus, changeFile, reconnect, isConnected, publish, limits, clock, log } = deps;
    this.#deps = deps;
    this.#manager = new NetworkManagerProxy(bus);
    this.#changes = new GuardedChanges({
      manager: this.#manager,
      file: new ChangeRecordFile({ path: changeFile, log }),
      ...{ reconnect, isConnected, publish, clock, log },
      ...(limits === undefined ? {} : { limits }),
    });
    this.#tasks = new TaskSet((error) => {
      if (!isCanceled(error)) log.warn("Cannot look after the network profiles", { error: textOf(error) });
    });
    this.#scan = singleFlight((signal) => scanWifi(this.#parts, signal));
  }

  /** Goes on with a change that was left, and lets profiles be retried for ever once NetworkManager is there. */
  start(): void {
    this.#changes.resume();
    void this.#tasks.add(this.#watch());
  }

  /** The router was reached on a new connection. */
  async onConnect(): Promise<void> {
    await this.#changes.onConnect();
  }

  async listEthernet(signal: AbortSignal): Promise<EthernetDevice[]> {
    return await emptyWithout([], () => listEthernet(this.#parts, signal));
  }

  async listWifi(signal: AbortSignal): Promise<WifiList> {
    return await emptyWithout({ networks: [], ipv4: [], ipv6: [] }, () => listWifi(this.#parts, signal));
  }

  async scanWifi(signal: AbortSignal): Promise<void> {
    await changing(() => this.#scan(signal));
  }

  async addWifi(request: WifiRequest, signal: AbortSignal): Promise<void> {
    await changing(() => addWifi(this.#parts, request, signal));
  }

  async removeWifi(ssid: string, signal: AbortSignal): Promise<void> {
    await changing(() => removeWifi(this.#parts, ssid, signal));
  }

  async selectWifi(network: { ssid: string; mac: string }, signal: AbortSignal): Promise<void> {
    await changing(() => selectWifi(this.#parts, network, signal));
  }

  async restartWifi(signal: AbortSignal): Promise<void> {
    await changing(() => reloadWifi(this.#parts, signal));
  }

  async updateIpv4(request: Ipv4Request, signal: AbortSignal): Promise<void> {
    await changing(() => updateIpv4(this.#parts, request, signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await this.#changes[Symbol.asyncDispose]();
    await this.#tasks.settled();
  }

  get #parts() {
    return { manager: this.#manager, changes: this.#changes, clock: this.#deps.clock };
  }

  /** Until the bus can be watched: a machine may get one later. */
  async #watch(): Promise<void> {
    const { bus, clock, log } = this.#deps;
    const { signal } = this.#life;
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => end(), { once: true });
    while (true) {
      try {
        await using _watch = await bus.watchName(networkManagerName, (hasOwner) => {
          if (hasOwner) void this.#tasks.add(retryProfilesForever({ manager: this.#manager, log }, signal));
        });
        return await ended;
      } catch (error) {
        log.debug("NetworkManager cannot be watched yet", { error: textOf(error) });
        await clock.sleep(watchAgainMs, signal);
      }
    }
  }
}

/** A machine without a bus or NetworkManager has nothing to list. */
async function emptyWithout<T>(empty: T, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (isManagerMissing(error)) return empty;
    throw error;
  }
}

/** A change needs NetworkManager: throws `not_available` with a plain sentence where there is none. */
async function changing(change: () => Promise<void>): Promise<void> {
  try {
    await change();
  } catch (error) {
    if (!isManagerMissing(error)) throw error;
    throw new AgentError("not_available", "NetworkManager does not run on this device", { cause: error });
  }
}

function isManagerMissing(error: unknown): boolean {
  return hasCode(error, "bus_unreachable") || isServiceMissing(error);
}
