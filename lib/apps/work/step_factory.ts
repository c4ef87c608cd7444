/** Where apps are worked on: their names, folders, ports and variables, and the tools for one transition. */

import type { AppId, AppRequest, PortRule } from "../../model/app.ts";
import { throwIfAborted, waitAtMost } from "../../async/deadline.ts";
import { hasCode, isCanceled, textOf } from "../../base/errors.ts";
import { type RegistryAuth, trimHost } from "../../docker/registry.ts";
import { patienceMs, type StateReporter } from "../report/state_reporter.ts";
import { observeApp } from "../watch/observe_app.ts";
import type { ObservedApp, ObservedContainer } from "../state/observed_app.ts";
import type { PortBindings } from "../container/app_ports.ts";
import { ContainerSetup } from "../container/container_setup.ts";
import { isGone, type LiveApp } from "../state/live_app.ts";
import { type AppNames, namesOf } from "../../model/app_names.ts";
import type { AppsDeps, Surroundings } from "../dependencies.ts";
import type { AppRecords } from "../state/app_records.ts";
import { stableTarget } from "../state/transitions.ts";
import { ContainerSteps } from "./container_steps.ts";
import { runTransition } from "./transition.ts";

/** What a bench is built from. */
export interface StepFactoryDeps {
  outside: Omit<AppsDeps, "surroundings"> & { surroundings(): Surroundings };
  records: AppRecords;
  reporter: StateReporter;
  /** Takes over a promise that nobody waits for, and what it fails with. */
  keep(task: Promise<void>): void;
}

/** A request with the login for the registry that is got for it; empty when there is none to be had. */
export interface ReadyRequest {
  request: AppRequest;
  token(): Promise<string>;
  /** Why the release on probation has failed; empty unless the work is to go back. */
  reason: string;
}

/** The bench of all apps. */
export class StepFactory {
  readonly #parts: StepFactoryDeps;
  readonly #setup: ContainerSetup;

  constructor(parts: StepFactoryDeps) {
    this.#parts = parts;
    this.#setup = new ContainerSetup(parts.outside);
  }

  /** The names of an app. */
  namesOf(app: { id: AppId; appName: string }): AppNames {
    const { registryUrl, mainRepository } = this.#parts.outside.config();
    return namesOf(app, { registryUrl, mainRepository, arch: this.#parts.outside.arch });
  }

  /** What the engine has of an app. Throws `engine_unreachable`, `engine_failed`, `canceled`. */
  async observe(app: LiveApp, signal: AbortSignal): Promise<ObservedApp> {
    return await observeApp(this.#parts.outside.engine, this.namesOf(app), signal);
  }

  /**
   * Brings files and ports in line with a request: the app's credential, the host ports as far as they are known, and what Studio
   * knows of them. Nothing is made for an app that shall go. `published` spares a look at the engine. Throws `canceled` only; what
   * else fails is told in the log.
   */
  async prepare(
    app: LiveApp,
    { request, published }: { request: AppRequest; published?: PortBindings | undefined },
    signal: AbortSignal,
  ): Promise<void> {
    if (request.stage === "DEV") return;
    try {
      if (!isGone(stableTarget(request.target))) await this.#setup.refreshCredential(app, request);
      await this.#syncPorts(app, { request, published }, signal);
    } catch (error) {
      if (isCanceled(error) && signal.aborted) throw error;
      this.#parts.outside.log.warn("Cannot bring files and ports of an app in line", { app: app.appName, error });
    }
  }

  /**
   * Asks for the login for the registry, on behalf of who owns the device. Returns when it is there, or after a second: only a download
   * has to wait for it. Throws `canceled`.
   */
  async fetchToken(request: AppRequest, signal: AbortSignal): Promise<Pick<ReadyRequest, "token">> {
    const token = this.#askForToken(request, signal);
    await waitAtMost(token, { limitMs: patienceMs, clock: this.#parts.outside.clock, signal });
    throwIfAborted(signal, "Asking for a registry token");
    return { token: () => token };
  }

  /** The login for the registry, which is asked for when a download needs it. */
  lateToken(request: AppRequest, signal: AbortSignal): Pick<ReadyRequest, "token"> {
    let token: Promise<string> | undefined;
    return { token: () => token ??= this.#askForToken(request, signal) };
  }

  /** The tools for one transition of an app. To be disposed at its end. */
  open(app: LiveApp, ready: ReadyRequest): ContainerSteps {
    const { records, reporter, outside: { engine, appLogs, clock, log, checkRoom, readIdleMark } } = this.#parts;
    const { request } = ready;
    const folder = this.#setup.folderOf(app);
    return new ContainerSteps({ engine, appLogs, clock, log, records, reporter, checkRoom, readIdleMark }, {
      app,
      request,
      names: this.namesOf(app),
      login: async () => this.#loginOf(await ready.token()),
      reason: ready.reason,
      configure: (options, signal) => this.#setup.configure(app, { request, ...options }, signal),
      replacePorts: (engineText) => this.#setup.ports.replace(app.id, { rules: request.ports, engineText }),
      releasePorts: () => this.#setup.ports.release(app.id),
      deleteEnvFiles: () => folder.deleteEnv(),
      deleteData: () => this.#deleteData(app, folder),
    });
  }

  /** Removes what a transition has left that was cut in its last step. Nothing depends on it. Throws `canceled` only. */
  async tidy(app: LiveApp, request: AppRequest, signal: AbortSignal): Promise<void> {
    if (isGone(app.state) || app.id.stage === "DEV" || request.dockerCompose !== null) return;
    const { clock, log } = this.#parts.outside;
    using work = this.open(app, { request, token: () => Promise.resolve(""), reason: "" });
    const ending = await runTransition("tidy", work, { signal, clock, log, onStep: () => {} });
    throwIfAborted(signal, "Removing images that are not needed any more");
    if (ending.kind === "failed") log.warn("Cannot tidy up after an app", { ...app.id, error: ending.error });
  }

  /** One line for people in the app's log. */
  say(app: LiveApp, text: string): void {
    this.#parts.outside.appLogs.say(this.namesOf(app).container, text);
  }

  /** Shows what a container said that has exited, and says with which code. */
  async showExit(app: LiveApp, exitCode: number, signal: AbortSignal): Promise<void> {
    const { container } = this.namesOf(app);
    await this.#parts.outside.appLogs.showExited(container, container, signal);
    this.say(app, `${app.appName} (${app.id.stage}) exited with status code: ${exitCode}`);
  }

  /** The log of a running container goes to its channel. */
  follow({ id, name, isMadeByAgent = false }: ObservedContainer): void {
    const known = isMadeByAgent ? { id, status: "running", tty: true } : undefined;
    this.#parts.outside.appLogs.follow(name, { containerName: name, known });
  }

  /** Forgets an app that is gone. What its log says of the removal stays for those who look at it, unless its data went too. */
  forget(app: LiveApp): void {
    if (app.state !== "REMOVED") this.#parts.outside.appLogs.forget(app.id, this.namesOf(app).container);
  }

  /** Folders go by the name, so another app of the same name has the same one, and keeps it. */
  async #deleteData(app: LiveApp, folder: { delete(): Promise<void> }): Promise<void> {
    const { records, outside: { log } } = this.#parts;
    const isShared = records.all().some((other) => {
      const hasName = other.appName.toLowerCase() === app.appName.toLowerCase();
      return hasName && other.id.stage === app.id.stage && other.id.appKey !== app.id.appKey && !isGone(other.state);
    });
    if (isShared) log.warn("The data of an app stays: another app has the same name", { app: app.appName, ...app.id });
    else await folder.delete();
  }

  /** Empty when Studio gives none. Never throws. */
  async #askForToken(request: AppRequest, signal: AbortSignal): Promise<string> {
    const { backend, log, hideSecret } = this.#parts.outside;
    const isOwners = request.stage === "PROD" && request.deviceOwnerAccountKey > 0;
    const account = isOwners ? request.deviceOwnerAccountKey : request.requestorAccountKey;
    try {
      const token = await backend.getRegistryToken(account, signal);
      hideSecret(token);
      return token;
    } catch (error) {
      // What is here already can be started and stopped without it.
      const isCut = signal.aborted || hasCode(error, "not_connected");
      const fields = { app: request.appName, error: textOf(error) };
      log[isCut ? "debug" : "warn"]("Cannot get a registry token, going on without one", fields);
      return "";
    }
  }

  #loginOf(token: string): RegistryAuth | undefined {
    const { registryUrl, secret } = this.#parts.outside.config();
    return token === "" ? undefined : { host: trimHost(registryUrl), user: token, password: secret };
  }

  async #syncPorts(
    app: LiveApp,
    { request, published }: { request: AppRequest; published: PortBindings | undefined },
    signal: AbortSignal,
  ): Promise<void> {
    if (request.ports.length === 0) return;
    const { records, outside: { engine } } = this.#parts;
    const bound = published ?? (await engine.inspect(this.namesOf(app).container, signal))?.portBindings;
    const ports = this.#setup.ports.resolve(app.id, { rules: request.ports, published: bound });
    this.#keepPorts(app, records.request(app.id), ports);
    const saving = this.#savePorts(app.id, { ports, others: request.otherPorts });
    this.#parts.keep(saving);
    await waitAtMost(saving, { limitMs: patienceMs, clock: this.#parts.outside.clock, signal });
    throwIfAborted(signal, "Saving the ports of an app");
    if (!isGone(stableTarget(request.target))) await this.#setup.folderOf(app).refreshPorts(ports);
  }

  /** The stored request may be newer than the one that is acted on; only the host ports go into it. */
  #keepPorts(app: LiveApp, stored: AppRequest | undefined, ports: readonly PortRule[]): void {
    if (stored === undefined || !this.#parts.records.isKnown(app)) return;
    const hostPortOf = new Map(ports.map((rule) => [`${rule.protocol}:${rule.port}`, rule.hostPort]));
    const kept = stored.ports.map((rule) => {
      return { ...rule, hostPort: hostPortOf.get(`${rule.protocol}:${rule.port}`) ?? rule.hostPort };
    });
    const isNews = kept.some((rule, index) => rule.hostPort !== stored.ports[index]?.hostPort);
    if (!isNews) return;
    try {
      this.#parts.records.setPorts({ ...stored, ports: kept });
    } catch (error) {
      // The container tells them as well, and Studio must know them.
      this.#parts.outside.log.warn("Cannot store the ports of an app", { app: app.appName, error });
    }
  }

  async #savePorts(
    id: AppId,
    list: { ports: readonly PortRule[]; others: readonly unknown[] },
  ): Promise<void> {
    const { backend, log } = this.#parts.outside;
    try {
      await backend.savePorts({ id, ...list });
    } catch (error) {
      // The next request, and the next connect, save them again.
      const isAway = hasCode(error, "not_connected");
      log[isAway ? "debug" : "warn"]("Cannot tell Studio the ports of an app", { ...id, error: textOf(error) });
    }
  }
}
