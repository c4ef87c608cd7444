/** A fake tunnel client that keeps its proxies in memory, for what decides which ones there are. */

import { AgentError } from "../../lib/base/errors.ts";
import type { TunnelProxy } from "../../lib/tunnels/tunnel_proxy.ts";
import type { ProxyStatus } from "../../lib/tunnels/tunnel_status.ts";
import type { ChangeResult, ProxyChange } from "../../lib/tunnels/proxy_change.ts";
import type { Tunnels } from "../../lib/tunnels/tunnels.ts";

/** The client, and what can go wrong with it. */
export class FakeTunnelClient implements Tunnels {
  readonly #proxies = new Map<string, TunnelProxy>();
  /** Every change that has changed anything, as `+name` and `-name`. */
  readonly changes: string[] = [];
  /** What the client reports of a proxy, by name; `running` where nothing stands here. */
  readonly reported = new Map<string, Partial<ProxyStatus>>();
  published = 0;
  capable = true;
  /** The file cannot be written. */
  isDiskFull = false;
  /** Why the client does not take new proxies. */
  refusal: string | undefined;

  start(): void {}

  isCapable(): boolean {
    return this.capable;
  }

  list(): TunnelProxy[] {
    return [...this.#proxies.values()];
  }

  /** `<name> <local port> <remote port>`, for tunnels to other machines `<name> <ip>:<port> <remote port>`. */
  shown(): string[] {
    return this.list().map(({ name, localIp, localPort, remotePort }) => {
      return `${name} ${localIp === "" ? localPort : `${localIp}:${localPort}`} ${remotePort}`;
    });
  }

  async change({ put = [], remove = [] }: ProxyChange, _signal: AbortSignal): Promise<ChangeResult> {
    await Promise.resolve();
    const isNew = (proxy: TunnelProxy) => JSON.stringify(this.#proxies.get(proxy.name)) !== JSON.stringify(proxy);
    const gone = remove.filter((name) => this.#proxies.has(name));
    if (this.isDiskFull) throw new AgentError("io_failed", "Cannot write the file: no space");
    for (const name of gone) {
      this.#proxies.delete(name);
      this.changes.push(`-${name}`);
    }
    if (put.length > 0 && this.refusal !== undefined) return { kind: "refused", error: this.refusal };
    for (const proxy of put.filter(isNew)) {
      this.#proxies.set(proxy.name, proxy);
      this.changes.push(`+${proxy.name}`);
    }
    return { kind: "applied" };
  }

  readStatus(): Promise<ProxyStatus[]> {
    const places = { localAddress: "", plugin: "", remoteAddress: "" };
    return Promise.resolve(
      this.list().map(({ name, protocol, remotePort }) => {
        return { name, protocol, status: "running", error: "", remotePort, ...places, ...this.reported.get(name) };
      }),
    );
  }

  readStates(): Promise<never[]> {
    return Promise.resolve([]);
  }

  publishStates(): void {
    this.published += 1;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
