/** Brings files and host ports of an app in line with a request before anything else is done for it. */

import { type AppId, type AppIdText, type AppRequest, idText, type PortRule } from "../../model/app.ts";
import type { AppNames, NamedApp } from "../../model/app_names.ts";
import type { Clock } from "../../async/clock.ts";
import { throwIfAborted, waitAtMost } from "../../async/deadline.ts";
import { hasCode, isCanceled, textOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Backend } from "../../backend/backend.ts";
import type { Engine } from "../../docker/engine.ts";
import type { SyncOptions } from "../../tunnels/synced_ports.ts";
import { portEntriesOf } from "../compose/port_entries.ts";
import type { CurrentPorts } from "../container/app_ports.ts";
import { publishedBy } from "../container/port_slots.ts";
import type { ContainerSetup } from "../container/container_setup.ts";
import type { AppsDeps } from "../dependencies.ts";
import { patienceMs } from "../report/state_reporter.ts";
import type { AppRecords } from "../state/app_records.ts";
import { isGone, type LiveApp } from "../state/live_app.ts";
import { isAlive, type ObservedApp, type ObservedService, soleContainer } from "../state/observed_app.ts";
import { stableTarget } from "../state/transitions.ts";
import { servicesAmong } from "../watch/observe_project.ts";

/** What the preparation works with. */
export interface AppPreparationDeps {
  engine: Pick<Engine, "inspect" | "listProject">;
  backend: Pick<Backend, "savePorts">;
  records: AppRecords;
  setup: ContainerSetup;
  tunnels: Pick<AppsDeps["tunnels"], "sync">;
  namesOf(app: NamedApp): AppNames;
  /** Writes one line to the log of an app. */
  say(app: LiveApp, text: string): void;
  /** Takes over a promise that nobody waits for, and whatever it rejects with. */
  keep(task: Promise<void>): void;
  clock: Clock;
  log: Log;
}

/** A request to prepare for. */
export interface PreparationOptions {
  request: AppRequest;
  /** What the engine has of the app; it is asked when that is undefined, or has nothing of its kind. */
  observed?: ObservedApp | undefined;
}

/** Prepares all apps. */
export class AppPreparation {
  readonly #deps: AppPreparationDeps;
  /** Apps whose ports Studio has not taken yet. */
  readonly #unsaved = new Set<AppIdText>();

  constructor(deps: AppPreparationDeps) {
    this.#deps = deps;
  }

  /**
   * Refreshes the app's credential, its host ports as far as they are known, and its tunnels, and saves the ports at
   * Studio. An app that is to be removed gets no new files. Throws `canceled` only; other errors are logged.
   */
  async prepare(app: LiveApp, options: PreparationOptions, signal: AbortSignal): Promise<void> {
    const { request } = options;
    try {
      if (!isGone(stableTarget(request.target))) await this.#deps.setup.refreshCredential(app, request);
      if (request.stage === "PROD") await this.#syncPorts(app, options, signal);
    } catch (error) {
      if (isCanceled(error) && signal.aborted) throw error;
      this.#deps.log.warn("Cannot bring files and ports of an app in line", { app: app.appName, error });
    }
  }

  /** Forgets an app that is gone. */
  forget(id: AppId): void {
    this.#unsaved.delete(idText(id));
  }

  async #syncPorts(app: LiveApp, options: PreparationOptions, signal: AbortSignal): Promise<void> {
    const { setup, tunnels, keep, clock, say } = this.#deps;
    const { request } = options;
    const current = request.ports.length === 0 ? noPorts : await this.#currentPorts(app, options, signal);
    const resolved = setup.ports.resolve(app.id, { ...current, rules: request.ports });
    for (const text of resolved.lines) say(app, text);
    let ports = resolved.rules;
    let isLate = false;
    const syncing = tunnels.sync(app, { rules: ports, wants: wantedTunnels(app, request) }).then(
      async ({ rules, lines }) => {
        for (const text of lines) say(app, text);
        ports = rules;
        if (isLate) await this.#settleLate(app, { request, ports });
      },
    );
    keep(syncing);
    // The app does not wait for a Studio that takes its time.
    await waitAtMost(syncing, { limitMs: patienceMs, clock, signal });
    isLate = true;
    if (ports.length > 0) await this.#settle(app, { request, ports }, signal);
  }

  /** The tunnels were ready only when work had gone on without them. */
  async #settleLate(app: LiveApp, found: { request: AppRequest; ports: readonly PortRule[] }): Promise<void> {
    if (!this.#deps.records.isKnown(app)) return;
    try {
      await this.#settle(app, found, new AbortController().signal);
    } catch (error) {
      this.#deps.log.warn("Cannot bring files and ports of an app in line", { app: app.appName, error });
    }
  }

  /** Stores and saves what has become of the ports, and writes it where the app looks. */
  async #settle(
    app: LiveApp,
    { request, ports }: { request: AppRequest; ports: readonly PortRule[] },
    signal: AbortSignal,
  ): Promise<void> {
    const { records, setup } = this.#deps;
    this.#storePorts(app, records.request(app.id), ports);
    const saving = this.#mustSave(app.id, { before: request.ports, ports })
      ? this.#save(app.id, { ports, request }, signal)
      : Promise.resolve();
    const target = records.request(app.id)?.target ?? request.target;
    const writing = isGone(stableTarget(target)) ? Promise.resolve() : setup.folderOf(app).refreshPorts(ports);
    const [saved, written] = await Promise.allSettled([saving, writing]);
    for (const ended of [saved, written]) if (ended.status === "rejected") throw ended.reason;
  }

  async #currentPorts(
    app: LiveApp,
    { request, observed }: PreparationOptions,
    signal: AbortSignal,
  ): Promise<Omit<CurrentPorts, "rules">> {
    if (request.dockerCompose !== null) {
      const services = portEntriesOf(request.dockerCompose);
      const found = observed?.project?.services ?? await this.#listServices(app, signal);
      const isRunning = found.some(({ status }) => isAlive(status));
      return { services, published: publishedBy(found), isRunning };
    }
    const published = observed && soleContainer(observed)?.published;
    if (published !== undefined) return { published, isRunning: true };
    const details = await this.#deps.engine.inspect(this.#deps.namesOf(app).container, signal);
    return { published: details?.portBindings, isRunning: details !== undefined && isAlive(details.status) };
  }

  async #listServices(app: LiveApp, signal: AbortSignal): Promise<ObservedService[]> {
    const { engine, namesOf } = this.#deps;
    return servicesAmong(await engine.listProject(namesOf(app).project, signal));
  }

  /** Studio has to hear of rules that are no longer as it has sent them. */
  #mustSave(id: AppId, { before, ports }: { before: readonly PortRule[]; ports: readonly PortRule[] }): boolean {
    const isSame = ports.every((rule, index) => isSameOutcome(rule, before[index]));
    return !isSame || this.#unsaved.has(idText(id));
  }

  async #save(
    id: AppId,
    { ports, request }: { ports: readonly PortRule[]; request: AppRequest },
    signal: AbortSignal,
  ): Promise<void> {
    const { keep, clock } = this.#deps;
    const saving = this.#savePorts(id, { ports, others: request.otherPorts });
    keep(saving);
    await waitAtMost(saving, { limitMs: patienceMs, clock, signal });
    throwIfAborted(signal, "Saving the ports of an app");
  }

  /** The stored request may be newer than the one that is acted on, so only what was found out is taken over. */
  #storePorts(app: LiveApp, stored: AppRequest | undefined, rules: readonly PortRule[]): void {
    const { records, log } = this.#deps;
    if (stored === undefined || !records.isKnown(app)) return;
    const ports = withFoundPorts(stored.ports, rules);
    if (ports.every((rule, index) => isSameOutcome(rule, stored.ports[index]))) return;
    try {
      records.setPorts({ ...stored, ports });
    } catch (error) {
      // They can be read from the container again, and Studio has to know them all the same.
      log.warn("Cannot store the ports of an app", { app: app.appName, error });
    }
  }

  async #savePorts(id: AppId, list: { ports: readonly PortRule[]; others: readonly unknown[] }): Promise<void> {
    const { backend, log } = this.#deps;
    this.#unsaved.add(idText(id));
    try {
      await backend.savePorts({ id, ...list });
      this.#unsaved.delete(idText(id));
    } catch (error) {
      // The next request, and the next connect, save them again.
      const level = hasCode(error, "not_connected") ? "debug" : "warn";
      log[level]("Cannot save the ports of an app at Studio", { ...id, error: textOf(error) });
    }
  }
}

const noPorts = { published: undefined };

/** An app that is stopped keeps the tunnels that it has, and one that is removed has none. */
function wantedTunnels(app: LiveApp, { target }: AppRequest): SyncOptions["wants"] {
  const wanted = stableTarget(target);
  if (isGone(wanted)) return "close";
  return wanted === "RUNNING" || app.state === "RUNNING" ? "open" : "keep";
}

/** `rules` with what was found out of the same ports. */
function withFoundPorts(rules: readonly PortRule[], resolved: readonly PortRule[]): PortRule[] {
  const keyOf = ({ protocol, port }: PortRule) => `${protocol}:${port}`;
  const found = new Map(resolved.map((rule) => [keyOf(rule), rule]));
  return rules.map((rule) => {
    const { hostPort, remotePort, reservationError } = found.get(keyOf(rule)) ?? rule;
    return { ...rule, hostPort, remotePort, reservationError };
  });
}

/** True when the agent has nothing new to say of a rule. */
function isSameOutcome(rule: PortRule, before: PortRule | undefined): boolean {
  return rule.hostPort === before?.hostPort && rule.remotePort === before.remotePort &&
    rule.reservationError === before.reservationError;
}
