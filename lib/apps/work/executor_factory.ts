/** Creates the executor of a transition, bound to an app and its request. */

import type { AppRequest } from "../../model/app.ts";
import type { AppNames, NamedApp } from "../../model/app_names.ts";
import type { ProjectFolders } from "../../model/owner.ts";
import { throwIfAborted } from "../../async/deadline.ts";
import { hasCode } from "../../base/errors.ts";
import type { ContainerSetup } from "../container/container_setup.ts";
import type { AppsDeps } from "../dependencies.ts";
import { isGone, type LiveApp } from "../state/live_app.ts";
import { AppExecutor } from "./app_executor.ts";
import { pullLogin } from "./pull_login.ts";
import { noToken, type RegistryToken } from "./registry_tokens.ts";
import type { Goal } from "../plan/steps.ts";
import type { ObservedApp } from "../state/observed_app.ts";
import { observeApp } from "../watch/observe_app.ts";
import { definitionsFor } from "./projects.ts";
import type { StepContext } from "./step_context.ts";
import { noProgress, runTransition } from "./transition.ts";
import { updateLockName } from "./update_permission.ts";

/** What executors work with. */
export interface ExecutorFactoryDeps extends
  Pick<AppsDeps, "config">,
  Pick<
    StepContext,
    | ("engine" | "appLogs" | "records" | "reporter" | "checkPull" | "pauses" | "readIdleMark" | "handlesSignal")
    | ("build" | "projects" | "projectTools" | "clock" | "log")
  >,
  ProjectFolders {
  setup: ContainerSetup;
  namesOf(app: NamedApp): AppNames;
}

/** What a transition is for. */
export interface ExecutorOptions {
  goal: Goal;
  request: AppRequest;
  token: RegistryToken;
  /** Why the release on probation has failed; empty unless the transition goes back. */
  reason: string;
  /** See `Wanted`. */
  mayUseFormerImage?: boolean;
}

/** Creates the executors of all apps. */
export class ExecutorFactory {
  readonly #deps: ExecutorFactoryDeps;
  readonly #hostUsers: StepContext["hostUsers"] = { areNeeded: false };

  constructor(deps: ExecutorFactoryDeps) {
    this.#deps = deps;
  }

  /** Creates the executor of one transition of an app. To be disposed when the transition has ended. */
  create(app: LiveApp, options: ExecutorOptions): AppExecutor {
    const { goal, request, token, reason, mayUseFormerImage = false } = options;
    const { engine, setup, config, namesOf, projects, records } = this.#deps;
    const names = namesOf(app);
    const { definition, stale } = definitionsFor(goal, {
      request,
      stored: records.request(app.id),
      update: records.updates.find(app.id),
    });
    const folder = setup.folderOf(app);
    const loginSources = async () => {
      return { token: await token(), config: config(), logins: request.dockerCredentials };
    };
    return new AppExecutor({
      ...this.#deps,
      ...{ app, goal, request, reason, mayUseFormerImage },
      ...{ definition, staleDefinition: stale },
      isFresh: isGone(app.state),
      isToRun: app.target === "RUNNING",
      observe: (signal) =>
        observeApp(engine, { app, names, images: projects.imagesOf(app), folders: this.#deps }, signal),
      readUpdateLock: () => folder.changedAt(updateLockName),
      hostUsers: this.#hostUsers,
      names,
      login: async (reference) => pullLogin(reference, await loginSources()),
      loginSources,
      configure: (options, signal) => setup.configure(app, { request, ...options }, signal),
      replacePorts: (engineText) => this.#replacePorts(app, { request, engineText }),
      folderPathOf: (appName) => pathOrName(() => setup.folderOf({ id: app.id, appName }).path, appName),
      releasePorts: () => setup.ports.release(app.id),
      deleteEnvFiles: (signal) => folder.deleteEnv(signal),
      deleteFormerEnv: (appName, signal) => this.#deleteFormerEnv({ id: app.id, appName }, signal),
      deleteData: (signal) => this.#deleteData(app, folder, signal),
    });
  }

  /**
   * Removes what a transition has left that was interrupted in its last step. Best effort: throws `canceled` only.
   * `observed` saves an observation where there is nothing to remove.
   */
  async tidy(
    app: LiveApp,
    { request, observed }: { request: AppRequest; observed: ObservedApp | undefined },
    signal: AbortSignal,
  ): Promise<void> {
    if (isGone(app.state) || app.id.stage === "DEV") return;
    const { clock, log } = this.#deps;
    using executor = this.create(app, { goal: "tidy", request, token: noToken, reason: "" });
    if (observed !== undefined && executor.plan("tidy", { observed, progress: noProgress }).length === 0) return;
    const ending = await runTransition("tidy", executor, { signal, clock, log, onStep: () => {} });
    throwIfAborted(signal, "Removing images that are no longer needed");
    if (ending.kind === "failed") log.warn("Cannot tidy up after an app", { ...app.id, error: ending.error });
  }

  /** False when nothing was replaced: no port is named, or a reserved one. */
  #replacePorts(app: LiveApp, { request, engineText }: { request: AppRequest; engineText: string }): boolean {
    const { setup } = this.#deps;
    const replaced = setup.ports.replace(app.id, { rules: request.ports, engineText });
    if (typeof replaced === "boolean") return replaced;
    for (const pin of replaced) setup.sayRefused(app, pin);
    return false;
  }

  /** Folders are named after the app, so another app of the same name shares the folder and keeps it. */
  async #deleteData(
    app: LiveApp,
    folder: { delete(signal: AbortSignal): Promise<void> },
    signal: AbortSignal,
  ): Promise<void> {
    const isShared = this.#appsNamed(app).some((other) => other.id.appKey !== app.id.appKey);
    const { log } = this.#deps;
    if (isShared) log.warn("The data of an app stays: another app has the same name", { app: app.appName, ...app.id });
    else await folder.delete(signal);
  }

  /** The data under an earlier name stays, but not the secrets among it, unless the name is in use. */
  async #deleteFormerEnv(former: NamedApp, signal: AbortSignal): Promise<void> {
    const { setup, log } = this.#deps;
    if (this.#appsNamed(former).length > 0) return;
    try {
      await setup.folderOf(former).deleteEnv(signal);
    } catch (error) {
      throwIfAborted(signal, "Deleting the variables of an earlier name");
      log.warn("Cannot delete the variables that an app had under another name", { from: former.appName, error });
    }
  }

  /** The apps on the device whose data folder is that of this name. */
  #appsNamed({ id: { stage }, appName }: NamedApp): LiveApp[] {
    return this.#deps.records.all().filter((other) => {
      const hasName = other.appName.toLowerCase() === appName.toLowerCase();
      return hasName && other.id.stage === stage && !isGone(other.state);
    });
  }
}

/** Whoever has named a container by hand need not have chosen the name of an app. */
function pathOrName(pathOf: () => string, appName: string): string {
  try {
    return pathOf();
  } catch (error) {
    if (!hasCode(error, "bad_request")) throw error;
    return `a folder named ${appName}`;
  }
}
