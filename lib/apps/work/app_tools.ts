/** What all apps are worked on with. */

import type { AppId } from "../../model/app.ts";
import { type AppNames, type NamedApp, namesOf } from "../../model/app_names.ts";
import { registryHost } from "../../model/registry_host.ts";
import { registryHostOf } from "../../docker/registry.ts";
import { ContainerSetup } from "../container/container_setup.ts";
import type { AppsDeps, Surroundings } from "../dependencies.ts";
import type { StateReporter } from "../report/state_reporter.ts";
import type { AppRecords } from "../state/app_records.ts";
import type { LiveApp } from "../state/live_app.ts";
import type { ObservedApp } from "../state/observed_app.ts";
import { observeApp } from "../watch/observe_app.ts";
import { AppChannels } from "./app_channels.ts";
import { AppPreparation } from "./app_preparation.ts";
import { ExecutorFactory } from "./executor_factory.ts";
import { RegistryPauses } from "./registry_pauses.ts";
import { RegistryTokens } from "./registry_tokens.ts";

/** What the tools work with. */
export interface AppToolsDeps extends Omit<AppsDeps, "surroundings"> {
  surroundings(): Surroundings;
  records: AppRecords;
  reporter: StateReporter;
  /** Takes over a promise that nobody waits for, and whatever it rejects with. */
  keep(task: Promise<void>): void;
}

/** The tools. */
export interface AppTools {
  /** The names of an app's container and image repository. */
  namesOf(app: NamedApp): AppNames;
  /** Observes an app. Throws `engine_unreachable`, `engine_failed`, `canceled`. */
  observeApp(app: LiveApp, signal: AbortSignal): Promise<ObservedApp>;
  channels: AppChannels;
  preparation: AppPreparation;
  tokens: RegistryTokens;
  executors: ExecutorFactory;
  /** For how long the registry of an app does not want to be asked. */
  pauseOf(app: NamedApp): number;
  /** Frees the host ports of an app. */
  releasePorts(id: AppId): void;
}

/** Creates the tools. */
export function createAppTools(deps: AppToolsDeps): AppTools {
  const { engine, config, arch } = deps;
  const appNames = (app: NamedApp) => {
    const { registryUrl, mainRepository } = config();
    return namesOf(app, { registryUrl, mainRepository, arch });
  };
  const setup = new ContainerSetup(deps);
  const pauses = new RegistryPauses(deps.clock);
  return {
    namesOf: appNames,
    observeApp: (app, signal) => observeApp(engine, appNames(app), signal),
    channels: new AppChannels({ ...deps, namesOf: appNames }),
    preparation: new AppPreparation({ ...deps, namesOf: appNames, setup }),
    tokens: new RegistryTokens(deps),
    executors: new ExecutorFactory({ ...deps, namesOf: appNames, setup, pauses }),
    pauseOf: (app) => pauses.leftMs(registryHost(registryHostOf(appNames(app).repository))),
    releasePorts: (id) => setup.ports.release(id),
  };
}
