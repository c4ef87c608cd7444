/** Where apps are worked on: their names, folders, ports and variables, and the tools for one transition. */

import type { AppId, AppRequest, PortRule } from "../base/app.ts";
import { isCanceled, textOf } from "../base/errors.ts";
import { bareHost, type RegistryAuth } from "../docker/registry.ts";
import type { Announcer } from "./announce.ts";
import type { Found } from "./corrections.ts";
import { Housing } from "./housing.ts";
import { isGone, type LiveApp } from "./live_app.ts";
import { type AppNames, namesOf } from "./names.ts";
import type { Outside } from "./outside.ts";
import type { AppRecords } from "./records.ts";
import { stableTarget } from "./state.ts";
import { Steps } from "./steps.ts";

/** What a bench is built from. */
export interface BenchParts {
  outside: Outside;
  records: AppRecords;
  announcer: Announcer;
}

/** A request with the login for the registry that was got for it; empty when there is none. */
export interface ReadyRequest {
  request: AppRequest;
  token: string;
}

/** The bench of all apps. */
export class AppBench {
  readonly #parts: BenchParts;
  readonly #housing: Housing;

  constructor(parts: BenchParts) {
    this.#parts = parts;
    this.#housing = new Housing(parts.outside);
  }

  /** The names of an app. */
  namesOf(app: { id: AppId; appName: string }): AppNames {
    const { registryUrl, mainRepository } = this.#parts.outside.config();
    return namesOf(app, { registryUrl, mainRepository, arch: this.#parts.outside.arch });
  }

  /** What the engine has of an app. Throws `engine_unreachable`, `engine_failed`, `canceled`. */
  async find(app: LiveApp, signal: AbortSignal): Promise<Found> {
    const { engine } = this.#parts.outside;
    const { container, repository } = this.namesOf(app);
    const [seen, tags] = await Promise.all([engine.inspect(container, signal), engine.imagesOf(repository, signal)]);
    return {
      status: seen?.status,
      hasImage: tags.length > 0,
      run: seen === undefined ? "" : `${seen.id} ${seen.startedAt}`,
      exitCode: seen?.exitCode ?? 0,
    };
  }

  /**
   * Brings files and ports in line with a request: the app's credential, the host ports as far as they are known, and what Studio
   * knows of them. Nothing is made for an app that shall go. Throws `canceled` only; what else fails is told in the log.
   */
  async prepare(app: LiveApp, request: AppRequest, signal: AbortSignal): Promise<void> {
    if (request.stage === "DEV") return;
    try {
      if (!isGone(stableTarget(request.target))) await this.#housing.refreshCredential(app, request);
      await this.#syncPorts(app, request, signal);
    } catch (error) {
      if (isCanceled(error) && signal.aborted) throw error;
      this.#parts.outside.log.warn("Cannot bring files and ports of an app in line", { app: app.appName, error });
    }
  }

  /** The login for the registry, on behalf of who owns the device; empty when there is none to be had. Throws `canceled`. */
  async fetchToken(request: AppRequest, signal: AbortSignal): Promise<string> {
    const { backend, log, hideSecret } = this.#parts.outside;
    const isOwners = request.stage === "PROD" && request.deviceOwnerAccountKey > 0;
    const account = isOwners ? request.deviceOwnerAccountKey : request.requestorAccountKey;
    try {
      const token = await backend.getRegistryToken(account, signal);
      hideSecret(token);
      return token;
    } catch (error) {
      if (isCanceled(error) && signal.aborted) throw error;
      // What is here already can be started and stopped without it.
      log.warn("Cannot get a registry token, going on without one", { app: request.appName, error: textOf(error) });
      return "";
    }
  }

  /** The tools for one transition of an app. To be disposed at its end. */
  open(app: LiveApp, ready: ReadyRequest): Steps {
    const { records, announcer, outside: { engine, appLog, clock, log } } = this.#parts;
    const { request } = ready;
    const folder = this.#housing.folderOf(app);
    return new Steps({ engine, appLog, clock, log, records, announcer }, {
      app,
      request,
      names: this.namesOf(app),
      login: this.#loginOf(ready),
      configure: (options, signal) => this.#housing.configure(app, request, { ...options, signal }),
      replacePorts: (engineText) => this.#housing.replacePorts(app, request, engineText),
      releasePorts: () => this.#housing.releasePorts(app.id),
      deleteEnvFiles: () => folder.deleteEnv(),
      deleteData: () => folder.delete(),
    });
  }

  /** One line for people in the app's log. */
  say(app: LiveApp, text: string): void {
    this.#parts.outside.appLog.say(this.namesOf(app).container, text);
  }

  /** Shows what a container said that has exited, and says with which code. */
  async showExit(app: LiveApp, exitCode: number, signal: AbortSignal): Promise<void> {
    const { container } = this.namesOf(app);
    await this.#parts.outside.appLog.showExited(container, container, signal);
    this.say(app, `${app.appName} (${app.id.stage}) exited with status code: ${exitCode}`);
  }

  /** The container's log goes to the app's log. */
  follow(app: LiveApp): void {
    const { container } = this.namesOf(app);
    this.#parts.outside.appLog.follow(container, container);
  }

  /** Forgets an app that is gone. What its log says of the removal stays for those who look at it, unless its data went too. */
  forget(app: LiveApp): void {
    if (app.state !== "REMOVED") this.#parts.outside.appLog.forget(app.id, this.namesOf(app).container);
  }

  #loginOf({ token }: ReadyRequest): RegistryAuth | undefined {
    const { registryUrl, secret } = this.#parts.outside.config();
    return token === "" ? undefined : { host: bareHost(registryUrl), user: token, password: secret };
  }

  async #syncPorts(app: LiveApp, request: AppRequest, signal: AbortSignal): Promise<void> {
    if (request.ports.length === 0) return;
    const { records, outside: { engine } } = this.#parts;
    const seen = await engine.inspect(this.namesOf(app).container, signal);
    const ports = this.#housing.resolvePorts(app.id, request.ports, seen);
    this.#keepPorts(app, records.request(app.id), ports);
    await this.#savePorts(app.id, ports, signal);
    if (!isGone(stableTarget(request.target))) await this.#housing.folderOf(app).refreshPorts(ports);
  }

  /** The stored request may be newer than the one that is acted on; only the host ports go into it. */
  #keepPorts(app: LiveApp, stored: AppRequest | undefined, ports: readonly PortRule[]): void {
    if (stored === undefined || !this.#parts.records.isKnown(app)) return;
    const hostPortOf = new Map(ports.map((rule) => [`${rule.protocol}:${rule.port}`, rule.hostPort]));
    const kept = stored.ports.map((rule) => {
      return { ...rule, hostPort: hostPortOf.get(`${rule.protocol}:${rule.port}`) ?? rule.hostPort };
    });
    const isNews = kept.some((rule, index) => rule.hostPort !== stored.ports[index]?.hostPort);
    if (isNews) this.#parts.records.setPorts({ ...stored, ports: kept });
  }

  async #savePorts(id: AppId, ports: readonly PortRule[], signal: AbortSignal): Promise<void> {
    const { backend, log } = this.#parts.outside;
    try {
      await backend.savePorts({ id, ports }, signal);
    } catch (error) {
      if (isCanceled(error) && signal.aborted) throw error;
      log.warn("Cannot tell Studio the ports of an app", { ...id, error: textOf(error) });
    }
  }
}
