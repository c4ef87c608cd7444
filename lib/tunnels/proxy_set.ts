/**
 * The proxies that are wanted, and the file in which the tunnel client finds them.
 *
 * - The file always has what `list()` returns, from `prepare()` on.
 * - A client that is attached has read the newest file, or has refused it, or is about to be replaced.
 * - One thing happens at a time.
 */

import { Semaphore } from "../async/semaphore.ts";
import { AgentError, hasCode, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { removeLeftovers, temporaryPath, tryRemove } from "../files/leftovers.ts";
import { fileError } from "../files/os_error.ts";
import { isSameProxy, proxyProblem, type TunnelProxy } from "./tunnel_proxy.ts";
import type { ChangeResult, ProxyChange } from "./proxy_change.ts";

/** A client that runs. */
export interface AttachedClient {
  /** Has it read the file. Throws `call_failed` when it refuses it, and others when it does not answer. */
  reload(): Promise<void>;
  /** It does not answer. */
  onLost(): void;
}

/** What a set needs. */
export interface ProxySetOptions {
  configFile: string;
  log: Log;
}

/** More than any device has; each takes a line of the file and memory of the client. */
export const proxyLimit = 1_000;

/** The proxies. */
export class ProxySet {
  readonly #options: ProxySetOptions;
  readonly #turn = new Semaphore(1);
  #proxies: ReadonlyMap<string, TunnelProxy> = new Map();
  #format: ((proxies: readonly TunnelProxy[]) => string) | undefined;
  #client: AttachedClient | undefined;
  /** The set that the starting client finds in the file. */
  #prepared: ReadonlyMap<string, TunnelProxy> | undefined;

  constructor(options: ProxySetOptions) {
    this.#options = options;
  }

  /** What is wanted. */
  list(): TunnelProxy[] {
    return [...this.#proxies.values()];
  }

  /** See `Tunnels.change()`. */
  async change(change: ProxyChange, signal: AbortSignal): Promise<ChangeResult> {
    return await this.#turn.run(() => this.#change(change), signal);
  }

  /** Writes the file for a client that is about to start, with the settings that `format` knows. */
  async prepare(format: (proxies: readonly TunnelProxy[]) => string, signal: AbortSignal): Promise<void> {
    await this.#turn.run(async () => {
      this.#client = undefined;
      this.#format = format;
      await removeLeftovers(this.#options.configFile, this.#options.log);
      await this.#write(this.#proxies);
      this.#prepared = this.#proxies;
    }, signal);
  }

  /** From now on changes reach this client; those that came while it started do so at once. */
  async attach(client: AttachedClient, signal: AbortSignal): Promise<void> {
    await this.#turn.run(async () => {
      if (this.#prepared !== this.#proxies) await client.reload();
      this.#client = client;
    }, signal);
  }

  /** The client has ended. */
  detach(): void {
    this.#client = undefined;
  }

  async #change({ put = [], remove = [] }: ProxyChange): Promise<ChangeResult> {
    const problem = put.map(describeProblem).find((text) => text !== undefined);
    const before = this.#proxies;
    const removed = without(before, remove);
    const wanted = problem === undefined ? withAll(removed, put) : removed;
    const tooMany = wanted.size > proxyLimit && wanted.size > before.size;
    const error = tooMany ? `There are more than ${proxyLimit} tunnels` : problem;
    const result = await this.#replace(tooMany ? removed : wanted, removed);
    return error === undefined || result.kind === "refused" ? result : { kind: "refused", error };
  }

  /** Makes the set `next`; what the client refuses of it becomes `fallback`. */
  async #replace(
    next: ReadonlyMap<string, TunnelProxy>,
    fallback: ReadonlyMap<string, TunnelProxy>,
  ): Promise<ChangeResult> {
    if (isSameSet(next, this.#proxies)) return { kind: this.#client === undefined ? "saved" : "applied" };
    await this.#write(next);
    this.#proxies = next;
    const client = this.#client;
    if (client === undefined) return { kind: "saved" };
    const refusal = await this.#reload(client);
    if (refusal === undefined) return { kind: this.#client === undefined ? "saved" : "applied" };
    if (isSameSet(next, fallback)) return { kind: "refused", error: refusal };
    await this.#write(fallback);
    this.#proxies = fallback;
    // It has kept the set before; it must not go on with what was to be removed.
    if (await this.#reload(client) !== undefined) this.#lose(client);
    return { kind: "refused", error: refusal };
  }

  /** Why the client refuses the file. One that does not answer is replaced, and its successor reads the file. */
  async #reload(client: AttachedClient): Promise<string | undefined> {
    try {
      await client.reload();
    } catch (error) {
      if (hasCode(error, "call_failed")) return textOf(error);
      this.#lose(client);
    }
    return undefined;
  }

  #lose(client: AttachedClient): void {
    this.#client = undefined;
    client.onLost();
  }

  /**
   * Only its owner may read it: with what it holds anybody could be this device at the tunnel server. It need not
   * survive a power loss, because every start of the agent writes it; it must never be half written.
   */
  async #write(proxies: ReadonlyMap<string, TunnelProxy>): Promise<void> {
    if (this.#format === undefined) return;
    const { configFile } = this.#options;
    const text = this.#format([...proxies.values()]);
    const temporary = temporaryPath(configFile);
    try {
      await Deno.writeTextFile(temporary, text, { createNew: true, mode: 0o600 });
      await Deno.rename(temporary, configFile);
    } catch (error) {
      await tryRemove(temporary);
      throw error instanceof AgentError ? error : fileError(`Cannot write "${configFile}"`, error);
    }
  }
}

function describeProblem(proxy: TunnelProxy): string | undefined {
  const problem = proxyProblem(proxy);
  return problem === undefined ? undefined : `Cannot open a tunnel: ${problem}`;
}

function without(
  proxies: ReadonlyMap<string, TunnelProxy>,
  names: readonly string[],
): ReadonlyMap<string, TunnelProxy> {
  if (!names.some((name) => proxies.has(name))) return proxies;
  return new Map([...proxies].filter(([name]) => !names.includes(name)));
}

function withAll(
  proxies: ReadonlyMap<string, TunnelProxy>,
  put: readonly TunnelProxy[],
): ReadonlyMap<string, TunnelProxy> {
  return new Map([...proxies, ...put.map((proxy): [string, TunnelProxy] => [proxy.name, proxy])]);
}

function isSameSet(one: ReadonlyMap<string, TunnelProxy>, other: ReadonlyMap<string, TunnelProxy>): boolean {
  if (one === other) return true;
  return one.size === other.size && [...one].every(([name, proxy]) => {
    const found = other.get(name);
    return found !== undefined && isSameProxy(proxy, found);
  });
}
