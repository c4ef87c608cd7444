/** Brings tunnels in line with the port rules of apps. */

import type { Clock } from "../async/clock.ts";
import { KeyedMutex } from "../async/keyed_mutex.ts";
import { TaskSet } from "../async/task_set.ts";
import type { Backend } from "../backend/backend.ts";
import { hasCode, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type AppId, type AppIdText, idText, type PortRule } from "../model/app.ts";
import type { Database } from "../store/database.ts";
import type { StoredRemotePort } from "../store/remote_port_rows.ts";
import type { SyncedPorts, SyncOptions, TunnelledApp } from "./synced_ports.ts";
import { GrantedPorts } from "./granted_ports.ts";
import { RetryWaits } from "./retry_waits.ts";
import { reservationLine, reservationProblem, ruleAfter, type TunnelOutcome } from "./tunnel_outcome.ts";
import { planTunnels, proxiesOf, rebuildDelayMs, type TunnelPlan, type TunnelStep } from "./tunnel_plan.ts";
import { readSubdomain, type TunnelProxy } from "./tunnel_proxy.ts";
import type { ProxyStatus } from "./tunnel_status.ts";
import type { Tunnels } from "./tunnels.ts";

/** What the sync works with. */
export interface PortSyncDeps {
  tunnels: Pick<Tunnels, "isCapable" | "list" | "change" | "readStatus" | "publishStates">;
  backend: Pick<Backend, "exposePort">;
  database: Database;
  deviceKey(): number;
  /** Asks for another sync of an app's ports, some time later. */
  resync(app: AppId): void;
  clock: Clock;
  log: Log;
}

/** A tunnel that is to be opened. */
type Opening = Extract<TunnelStep, { kind: "open" }> & { rule: PortRule };

/** One sync of an app. */
interface Run {
  app: TunnelledApp;
  rules: readonly PortRule[];
  granted: readonly StoredRemotePort[];
  /** What has become of the tunnels, by name. */
  outcomes: Map<string, TunnelOutcome>;
  /** Something is left to be done. */
  isLeft: boolean;
}

/**
 * The tunnels of all apps.
 *
 * - One sync of an app at a time.
 * - A tunnel belongs to the app that has opened it, also after the app was renamed, until it is closed.
 * - What could not be brought in line is tried again for as long as the app is there.
 */
export class PortSync implements AsyncDisposable {
  readonly #deps: PortSyncDeps;
  readonly #life = new AbortController();
  readonly #turns = new KeyedMutex<AppIdText>();
  readonly #tasks: TaskSet;
  readonly #granted: GrantedPorts;
  readonly #waits: RetryWaits<AppIdText>;
  /** Whose a tunnel is, by its name. */
  readonly #owners = new Map<string, AppIdText>();
  /** How often in a row a dead tunnel was built again, and when last. */
  readonly #rebuilt = new Map<string, { count: number; atMs: number }>();
  /** What is wrong with a reservation, by the name of its tunnel; said once. */
  readonly #problems = new Map<string, string>();

  constructor(deps: PortSyncDeps) {
    const { tunnels, clock, log } = deps;
    this.#deps = deps;
    this.#tasks = new TaskSet((error) => log.error("Work on tunnels failed", { error }));
    const keep = (task: Promise<void>) => void this.#tasks.add(task);
    this.#granted = new GrantedPorts(deps);
    this.#waits = new RetryWaits({ isReady: () => tunnels.isCapable(), keep, clock });
  }

  /** Opens, keeps and closes the tunnels of an app, and returns its rules as they are then. Never throws. */
  async sync(app: TunnelledApp, options: SyncOptions): Promise<SyncedPorts> {
    return await this.#turns.run(idText(app.id), () => this.#sync(app, options));
  }

  /** The ports of the tunnel server by `<protocol>:<declared port>`, of all tunnels that an app has; 0 for none. */
  remotePorts(id: AppId): Map<`${PortRule["protocol"]}:${number}`, number> {
    const own = this.#deps.tunnels.list().filter(({ name }) => this.#owners.get(name) === idText(id));
    return new Map(own.map(({ protocol, subdomain, remotePort }) => {
      return [`${protocol}:${readSubdomain(subdomain)?.port ?? 0}`, remotePort];
    }));
  }

  /** Closes the tunnels of an app that is gone, however many tries that takes. */
  close(id: AppId): void {
    const closing = this.#turns.run(idText(id), async () => {
      this.#waits.end(idText(id));
      const names = [...this.#owners].filter(([, owner]) => owner === idText(id)).map(([name]) => name);
      if (await this.#remove(names)) this.#waits.forget(idText(id));
      else if (!this.#life.signal.aborted) this.#waits.begin(idText(id), () => this.close(id));
    });
    void this.#tasks.add(closing);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    this.#waits.stop();
    await this.#tasks.settled();
  }

  async #sync(app: TunnelledApp, { rules, wants }: SyncOptions): Promise<SyncedPorts> {
    const { tunnels } = this.#deps;
    this.#waits.end(idText(app.id));
    const present = proxiesOf(tunnels.list(), {
      appName: app.appName,
      isOwned: (name) => this.#owners.has(name) ? this.#owners.get(name) === idText(app.id) : undefined,
    });
    if (rules.length === 0 && present.length === 0) return { rules: [], lines: [] };
    const isCapable = tunnels.isCapable();
    const run: Run = { app, rules, granted: this.#granted.of(app.id), outcomes: new Map(), isLeft: false };
    const plan = planTunnels({
      deviceKey: this.#deps.deviceKey(),
      appName: app.appName,
      rules,
      // What nobody wants any more is closed in any case, or it would be back as soon as the server is.
      wants: wants === "open" && !isCapable ? "keep" : wants,
      present,
      statuses: isCapable && present.length > 0 ? await this.#readStatus() : undefined,
      granted: run.granted,
      mayRebuild: (name) => this.#mayRebuild(name),
    });
    run.isLeft = wants === "open" && !isCapable && rules.some(({ active }) => active);
    await this.#carryOut(run, plan);
    const result = this.#resultOf(run, { plan, isCapable });
    if (!run.isLeft || wants === "close") this.#waits.forget(idText(app.id));
    else if (!this.#life.signal.aborted) this.#waits.begin(idText(app.id), () => this.#deps.resync(app.id));
    if (isCapable) tunnels.publishStates();
    return result;
  }

  async #carryOut(run: Run, { steps, remove }: TunnelPlan): Promise<void> {
    const openings: Opening[] = [];
    for (const [index, step] of steps.entries()) {
      const rule = run.rules[index];
      if (rule === undefined || run.outcomes.has(step.name)) continue;
      const outcome = this.#outcomeOf(run, step);
      if (outcome !== undefined) run.outcomes.set(step.name, outcome);
      else if (step.kind === "open" && !openings.some(({ name }) => name === step.name)) {
        openings.push({ ...step, rule });
      }
    }
    const exposed = await this.#expose(run, openings);
    const dead = openings.filter(({ name, isDead }) => isDead && exposed.has(name)).map(({ name }) => name);
    if (!await this.#remove([...remove, ...dead])) run.isLeft = true;
    for (const name of dead) this.#noteRebuilt(name);
    await this.#put(run, exposed);
  }

  /** What is clear without doing anything; undefined for what has to be done. */
  #outcomeOf(run: Run, step: TunnelStep): TunnelOutcome | undefined {
    const owner = this.#owners.get(step.name);
    switch (step.kind) {
      case "none":
        return undefined;
      case "keep":
        this.#owners.set(step.name, idText(run.app.id));
        if (step.isDead) run.isLeft = true;
        else this.#rebuilt.delete(step.name);
        return { kind: "open", remotePort: step.proxy.remotePort };
      case "refuse":
        return this.#failure(run, { name: step.name, error: step.error });
      case "open":
        if (owner === undefined || owner === idText(run.app.id)) return undefined;
        return this.#failure(run, { name: step.name, error: "another app of this name has the tunnel" });
    }
  }

  /** Asks for the ports of the tunnel server. Returns the proxies of those that may be opened. */
  async #expose(run: Run, openings: readonly Opening[]): Promise<Map<string, TunnelProxy>> {
    const { app, rules, granted } = run;
    const answers = await Promise.all(openings.map(async ({ name, proxy, rule }) => {
      try {
        const remotePort = await this.#granted.ask(rule, { remotePort: proxy.remotePort, granted });
        return [{ name, rule, proxy: { ...proxy, remotePort } }];
      } catch (error) {
        const isOffline = hasCode(error, "not_connected");
        run.isLeft = true;
        run.outcomes.set(name, this.#failure(run, { name, error: textOf(error), isOffline }));
        return [];
      }
    }));
    const exposed = answers.flat();
    const now = exposed.flatMap(({ rule: { protocol, port }, proxy: { remotePort } }): StoredRemotePort[] => {
      return protocol === "tcp" || protocol === "udp" ? [{ protocol, port, remotePort }] : [];
    });
    this.#granted.store(app.id, { rules, before: granted, now });
    return new Map(exposed.map(({ name, proxy }) => [name, proxy]));
  }

  async #put(run: Run, proxies: ReadonlyMap<string, TunnelProxy>): Promise<void> {
    if (proxies.size === 0) return;
    const problem = await this.#change({ put: [...proxies.values()] });
    for (const [name, { remotePort }] of proxies) {
      if (problem === undefined) {
        this.#owners.set(name, idText(run.app.id));
        run.outcomes.set(name, { kind: "open", remotePort });
      } else {
        run.isLeft = true;
        run.outcomes.set(name, this.#failure(run, { name, error: problem }));
      }
    }
  }

  /** Closes tunnels; false when they are still there. */
  async #remove(names: readonly string[]): Promise<boolean> {
    if (names.length === 0) return true;
    const problem = await this.#change({ remove: names });
    if (problem !== undefined) {
      this.#deps.log.warn("Cannot close tunnels", { tunnels: names, error: problem });
      return false;
    }
    for (const name of names) for (const notes of [this.#owners, this.#problems]) notes.delete(name);
    return true;
  }

  /** Undefined when it was done, else why not. */
  async #change(change: { put?: TunnelProxy[]; remove?: readonly string[] }): Promise<string | undefined> {
    try {
      const result = await this.#deps.tunnels.change(change, this.#life.signal);
      return result.kind === "refused" ? result.error : undefined;
    } catch (error) {
      return textOf(error);
    }
  }

  /** An app gets along without its tunnels, so this is no more than a line in the log. */
  #failure(
    { app }: Run,
    { name, error, isOffline = false }: { name: string; error: string; isOffline?: boolean },
  ): TunnelOutcome {
    this.#deps.log[isOffline ? "debug" : "warn"]("Cannot open a tunnel", { app: app.appName, tunnel: name, error });
    return isOffline ? { kind: "none" } : { kind: "failed", error };
  }

  #resultOf(run: Run, { plan, isCapable }: { plan: TunnelPlan; isCapable: boolean }): SyncedPorts {
    const lines: string[] = [];
    const rules = run.rules.map((rule, index) => {
      const name = plan.steps[index]?.name ?? "";
      const outcome = rule.active ? run.outcomes.get(name) ?? { kind: "none" } : { kind: "none" } as const;
      const known = this.#problems.get(name) ?? "";
      // Nothing new is known of what was not tried.
      const isOpen = rule.active && outcome.kind === "none" && !isCapable;
      const problem = isOpen ? known : reservationProblem(rule, outcome);
      if (problem !== "") run.isLeft = true;
      if (problem !== "" && problem !== known) lines.push(reservationLine(rule, problem));
      if (problem === "") this.#problems.delete(name);
      else this.#problems.set(name, problem);
      return ruleAfter(rule, { outcome, problem });
    });
    return { rules, lines };
  }

  #mayRebuild(name: string): boolean {
    const { count, atMs } = this.#rebuilt.get(name) ?? { count: 0, atMs: -Infinity };
    return this.#deps.clock.now() >= atMs + rebuildDelayMs(count);
  }

  #noteRebuilt(name: string): void {
    const count = (this.#rebuilt.get(name)?.count ?? 0) + 1;
    this.#rebuilt.set(name, { count, atMs: this.#deps.clock.now() });
  }

  async #readStatus(): Promise<ProxyStatus[] | undefined> {
    try {
      return await this.#deps.tunnels.readStatus(this.#life.signal);
    } catch (error) {
      this.#deps.log.debug("Cannot read the state of the tunnels", { error: textOf(error) });
      return undefined;
    }
  }
}
