/** The tunnels with everything they need: the proxies, the client, and what tells Studio about both. */

import type { Clock } from "../async/clock.ts";
import type { Log } from "../base/log.ts";
import { tunnelServer } from "../config/derived.ts";
import { readProxySettings } from "../wamp/proxy.ts";
import { readTunnelProxies, type TunnelSite } from "./client_config.ts";
import { ProxySet } from "./proxy_set.ts";
import { StateMonitor } from "./state_monitor.ts";
import { TunnelClient } from "./tunnel_client.ts";
import type { TunnelProxy } from "./tunnel_proxy.ts";
import { type ProxyStatus, type TunnelState, tunnelStates } from "./tunnel_status.ts";
import type { ChangeResult, ProxyChange } from "./proxy_change.ts";

/** What tunnels need. */
export interface RunningTunnelsDeps {
  /** The device as its `.flock` file has it at this moment. */
  site(): TunnelSite;
  /** The client's program, its configuration and its own log; it runs in `agentDir`. */
  paths: { agentDir: string; program: string; configFile: string; logFile: string };
  /** Folders in which the packed program of the client may be, each with a slash at its end. */
  sources: readonly URL[];
  environment: { get(name: string): string | undefined };
  os: string;
  /** Tells Studio the states of all tunnels. Throws when that fails. */
  publish(states: readonly TunnelState[]): Promise<void>;
  /** Masks a text in the log. */
  hideSecret(text: string): void;
  clock: Clock;
  /** A number from 0 to 1. */
  random(): number;
  log: Log;
}

/** Tunnels that were loaded; see `Tunnels`. */
export class RunningTunnels implements AsyncDisposable {
  readonly #deps: RunningTunnelsDeps;
  readonly #proxySet: ProxySet;
  readonly #client: TunnelClient;
  readonly #monitor: StateMonitor;
  readonly #life = new AbortController();
  #running: Promise<unknown> | undefined;

  constructor(deps: RunningTunnelsDeps) {
    const { site, paths, sources, environment, os, publish, hideSecret, clock, random, log } = deps;
    this.#deps = deps;
    this.#proxySet = new ProxySet({ configFile: paths.configFile, log });
    this.#client = new TunnelClient({
      ...{ site, paths, sources, hideSecret, clock, random, log },
      proxySet: this.#proxySet,
      proxies: readTunnelProxies(environment, { os, standard: readProxySettings(environment) }),
      onChange: () => this.publishStates(),
    });
    this.#monitor = new StateMonitor({ read: (signal) => this.#readSettled(signal), publish, clock, log });
  }

  start(): void {
    const { signal } = this.#life;
    if (signal.aborted) return;
    this.#running ??= Promise.all([this.#client.run(signal), this.#monitor.run(signal)]);
  }

  isCapable(): boolean {
    return this.#client.capability !== "unavailable";
  }

  list(): TunnelProxy[] {
    return this.#proxySet.list();
  }

  async change(change: ProxyChange, signal: AbortSignal): Promise<ChangeResult> {
    return await this.#proxySet.change(change, signal);
  }

  async readStatus(signal: AbortSignal): Promise<ProxyStatus[]> {
    return await this.#client.readStatus(signal);
  }

  async readStates(signal: AbortSignal): Promise<TunnelState[]> {
    const proxies = this.#proxySet.list();
    if (proxies.length === 0) return [];
    const statuses = await this.#client.readStatus(signal);
    return tunnelStates(proxies, { statuses, domain: tunnelServer(this.#deps.site()) });
  }

  publishStates(): void {
    this.#monitor.publishSoon();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await this.#running;
  }

  /** A client that is being started is no reason to tell Studio that all tunnels are gone. */
  async #readSettled(signal: AbortSignal): Promise<TunnelState[] | undefined> {
    const { capability } = this.#client;
    if (capability === "unknown" || capability === "starting") return undefined;
    return await this.readStates(signal);
  }
}
