/**
 * Tunnels: ports of apps that are reached through a tunnel server, by a client (frpc) that runs as a child of the
 * agent. Whatever they need is loaded after the first connect.
 */

import { AgentError } from "../base/errors.ts";
import type { TunnelProxy } from "./tunnel_proxy.ts";
import type { ProxyStatus, TunnelState } from "./tunnel_status.ts";

/** What is to become of some proxies; all others stay. */
export interface ProxyChange {
  /** Added, or in place of those with the same name. */
  put?: readonly TunnelProxy[];
  /** Names; one that is not there is no error. */
  remove?: readonly string[];
}

/**
 * What has become of a change. Whatever is removed is gone in each case.
 *
 * - `applied`: the client has taken it, or has had it before.
 * - `saved`: the client does not run at this moment. It takes it when it starts.
 * - `refused`: what was to be put has been taken back; `error` is for people.
 */
export type ChangeResult = { kind: "applied" } | { kind: "saved" } | { kind: "refused"; error: string };

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

/** The tunnels of an agent without a client. */
export function noTunnels(): Tunnels {
  return {
    start() {},
    isCapable: () => false,
    list: () => [],
    change: () => Promise.reject(new AgentError("not_available", "There is no tunnel client")),
    readStatus: () => Promise.resolve([]),
    readStates: () => Promise.resolve([]),
    publishStates() {},
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
