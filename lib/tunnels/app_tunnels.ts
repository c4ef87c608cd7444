/**
 * The tunnels of apps: between the port rules that Studio sends and the client. What it needs is loaded with the first
 * rule that wants a tunnel.
 */

import type { AppId, PortRule } from "../model/app.ts";
import type { PortSync, PortSyncDeps } from "./port_sync.ts";
import type { SyncedPorts, SyncOptions, TunnelledApp } from "./synced_ports.ts";

/** What the tunnels of apps need. */
export type AppTunnelsDeps = PortSyncDeps;

/** The tunnels of all apps. */
export interface AppTunnels extends AsyncDisposable {
  /**
   * Brings the tunnels of an app in line with its rules, one sync of an app at a time. What cannot be done is tried
   * again later. Never throws.
   */
  sync(app: TunnelledApp, options: SyncOptions): Promise<SyncedPorts>;
  /** Closes the tunnels of an app that is gone, in the background. */
  close(id: AppId): void;
  /** The ports of the tunnel server by `<protocol>:<declared port>`, of all tunnels that an app has; 0 for none. */
  remotePorts(id: AppId): ReadonlyMap<`${PortRule["protocol"]}:${number}`, number>;
  /** Publishes the states of all tunnels soon: something about an app has changed. */
  publishStates(): void;
}

/** Creates the tunnels of apps; nothing is loaded or runs before one is wanted. */
export function createAppTunnels(deps: AppTunnelsDeps): AppTunnels {
  return new LoadedAppTunnels(deps);
}

class LoadedAppTunnels implements AppTunnels {
  readonly #deps: AppTunnelsDeps;
  #loading: Promise<PortSync> | undefined;
  #loaded: PortSync | undefined;

  constructor(deps: AppTunnelsDeps) {
    this.#deps = deps;
  }

  async sync(app: TunnelledApp, options: SyncOptions): Promise<SyncedPorts> {
    const { rules, wants } = options;
    const isWanted = wants === "open" && rules.some(({ active }) => active);
    // The client begins with no tunnel, so there is nothing to close either.
    if (this.#loading === undefined && !isWanted) return { rules: [...rules], lines: [] };
    return await (await this.#load()).sync(app, options);
  }

  close(id: AppId): void {
    this.#loaded?.close(id);
  }

  remotePorts(id: AppId): ReadonlyMap<`${PortRule["protocol"]}:${number}`, number> {
    return this.#loaded?.remotePorts(id) ?? new Map();
  }

  publishStates(): void {
    this.#deps.tunnels.publishStates();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#loading)?.[Symbol.asyncDispose]();
  }

  async #load(): Promise<PortSync> {
    this.#loading ??= this.#create();
    return await this.#loading;
  }

  async #create(): Promise<PortSync> {
    const { PortSync } = await import("./port_sync.ts");
    return this.#loaded = new PortSync(this.#deps);
  }
}
