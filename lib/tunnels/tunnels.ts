/**
 * Tunnels: ports of apps that are reached through a tunnel server, by a client (frpc) that runs as a child of the
 * agent. Whatever they need is loaded after the first connect.
 */

import { textOf } from "../base/errors.ts";
import type { ChangeResult, ProxyChange } from "./proxy_change.ts";
import type { RunningTunnels, RunningTunnelsDeps } from "./running_tunnels.ts";
import type { TunnelProxy } from "./tunnel_proxy.ts";
import type { ProxyStatus, TunnelState } from "./tunnel_status.ts";

/** What tunnels need. */
export type TunnelsDeps = RunningTunnelsDeps;

/** The tunnels of the device. */
export interface Tunnels extends AsyncDisposable {
  /** Begins to run the client, and to look after it until the end; only the first call counts. Returns at once. */
  start(): void;
  /** False only when tunnels are known not to work: no client, or no way to the server. */
  isCapable(): boolean;
  /** The proxies that are wanted, with their remote ports; the same as in the file of the client. */
  list(): readonly TunnelProxy[];
  /**
   * Changes the proxies, all at once and one change after the other. What changes nothing costs nothing. Throws
   * `io_failed` when the file cannot be written (then nothing has changed), and `canceled`.
   */
  change(change: ProxyChange, signal: AbortSignal): Promise<ChangeResult>;
  /**
   * What the client reports of its proxies; nothing while tunnels do not work. Throws `call_failed` for a bad answer:
   * `API returned status code: <n>`.
   */
  readStatus(signal: AbortSignal): Promise<ProxyStatus[]>;
  /** The states of the tunnels as Studio gets them. Throws like `readStatus()`. */
  readStates(signal: AbortSignal): Promise<TunnelState[]>;
  /** Publishes the states soon: after each sync of ports and each transition of an app. Never throws. */
  publishStates(): void;
}

/** Creates the tunnels; nothing is loaded or runs before they are started, or a proxy is wanted. */
export function createTunnels(deps: TunnelsDeps): Tunnels {
  return new LoadedTunnels(deps);
}

class LoadedTunnels implements Tunnels {
  readonly #deps: TunnelsDeps;
  #loading: Promise<RunningTunnels> | undefined;
  #running: RunningTunnels | undefined;
  #isEnded = false;

  constructor(deps: TunnelsDeps) {
    this.#deps = deps;
  }

  start(): void {
    if (this.#isEnded) return;
    this.#load().then(
      (running) => running.start(),
      (error) => this.#deps.log.error("Cannot load the tunnels", { error: textOf(error) }),
    );
  }

  isCapable(): boolean {
    return this.#running?.isCapable() ?? true;
  }

  list(): readonly TunnelProxy[] {
    return this.#running?.list() ?? [];
  }

  async change(change: ProxyChange, signal: AbortSignal): Promise<ChangeResult> {
    return await (await this.#load()).change(change, signal);
  }

  async readStatus(signal: AbortSignal): Promise<ProxyStatus[]> {
    return await this.#running?.readStatus(signal) ?? [];
  }

  async readStates(signal: AbortSignal): Promise<TunnelState[]> {
    return await this.#running?.readStates(signal) ?? [];
  }

  publishStates(): void {
    this.#running?.publishStates();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true;
    await (await this.#loading)?.[Symbol.asyncDispose]();
  }

  async #load(): Promise<RunningTunnels> {
    this.#loading ??= this.#create();
    return await this.#loading;
  }

  async #create(): Promise<RunningTunnels> {
    const { RunningTunnels } = await import("./running_tunnels.ts");
    return this.#running = new RunningTunnels(this.#deps);
  }
}
