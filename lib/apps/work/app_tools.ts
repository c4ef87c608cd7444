/** What all apps are worked on with. */

import type { AppId, AppRequest } from "../../model/app.ts";
import { type AppNames, type NamedApp, namesOf } from "../../model/app_names.ts";
import { registryHost } from "../../model/registry_host.ts";
import { registryHostOf } from "../../docker/registry.ts";
import { ContainerSetup } from "../container/container_setup.ts";
import { answerHostPort, type HostPortAnswer, type HostPortQuestion } from "../container/host_port_check.ts";
import { reservationsOf } from "../container/port_reservations.ts";
import type { AppsDeps, Surroundings } from "../dependencies.ts";
import type { StateReporter } from "../report/state_reporter.ts";
import type { AppRecords } from "../state/app_records.ts";
import type { LiveApp } from "../state/live_app.ts";
import type { ObservedApp } from "../state/observed_app.ts";
import { localImage } from "../watch/compose_facts.ts";
import { observeApp } from "../watch/observe_app.ts";
import type { ComposeFacts } from "../watch/observed_state.ts";
import { readHealth } from "../watch/read_health.ts";
import { AppChannels } from "./app_channels.ts";
import { AppPreparation } from "./app_preparation.ts";
import { ExecutorFactory, type ExecutorFactoryDeps } from "./executor_factory.ts";
import { Projects } from "./projects.ts";
import { RegistryPauses } from "./registry_pauses.ts";
import { RegistryTokens } from "./registry_tokens.ts";

/** What the tools work with. */
export interface AppToolsDeps extends Omit<AppsDeps, "surroundings"> {
  surroundings(): Surroundings;
  records: AppRecords;
  reporter: StateReporter;
  /** Takes over a promise that nobody waits for, and whatever it rejects with. */
  keep(task: Promise<void>): void;
  /** Starts an app again if it runs. */
  makeWay(id: AppId): void;
}

/** The tools. */
export interface AppTools {
  /** The names of an app's container and image repository. */
  namesOf(app: NamedApp): AppNames;
  /**
   * What counts for a compose app besides what the engine has; undefined for every other app. Throws `store_failed`.
   */
  composeOf(app: LiveApp): ComposeFacts | undefined;
  /** The reference by which an image of a compose app is pulled on this device. */
  relocate(app: NamedApp, image: string): string;
  /** What the last health check of a container has printed; empty when that is not known. Throws `canceled`. */
  readHealth(containerId: string, signal: AbortSignal): Promise<string>;
  /** Observes an app. Throws `engine_unreachable`, `engine_failed`, `canceled`. */
  observeApp(app: LiveApp, signal: AbortSignal): Promise<ObservedApp>;
  /** The compose apps among them. */
  projects: Projects;
  channels: AppChannels;
  preparation: AppPreparation;
  tokens: RegistryTokens;
  executors: ExecutorFactory;
  /** For how long the registry of an app does not want to be asked. */
  pauseOf(app: NamedApp): number;
  /** Forgets an app that is gone: its host ports, and what was left out of its requests. */
  forget(id: AppId): void;
  /** Takes note of fields that were left out of the latest request for an app. */
  noteLeftOut(id: AppId, texts: readonly string[]): void;
  /** Says in the app's log what of its request cannot be used, unless that was said already. */
  sayLeftOut(app: LiveApp, request: AppRequest): void;
  /** Whether a rule could reserve a host port at this moment. Throws `store_failed`. */
  checkHostPort(question: HostPortQuestion): HostPortAnswer;
}

/** Creates the tools. */
export function createAppTools(deps: AppToolsDeps): AppTools {
  const { config, arch, records, isPortFree } = deps;
  const appNames = (app: NamedApp) => {
    const { registryUrl, mainRepository } = config();
    return namesOf(app, { registryUrl, mainRepository, arch });
  };
  const channels = new AppChannels({ ...deps, namesOf: appNames });
  const setup = new ContainerSetup({
    ...deps,
    reservations: () => records.reservingRules().flatMap(({ id, rules }) => reservationsOf(id, rules)),
    say: (app, text) => channels.say(app, text),
  });
  const pauses = new RegistryPauses(deps.clock);
  const projects = new Projects({ ...deps, registry: config });
  const observation = observationTools(deps, { namesOf: appNames, projects });
  return {
    namesOf: appNames,
    ...observation,
    projects,
    channels,
    preparation: new AppPreparation({ ...deps, namesOf: appNames, setup, say: (app, text) => channels.say(app, text) }),
    tokens: new RegistryTokens(deps),
    executors: executorsOf(deps, { namesOf: appNames, setup, pauses, projects }),
    pauseOf: (app) => pauses.leftMs(registryHost(registryHostOf(appNames(app).repository))),
    forget: (id) => {
      setup.ports.release(id);
      setup.leftOut.forget(id);
    },
    noteLeftOut: (id, texts) => setup.leftOut.note(id, texts),
    sayLeftOut: (app, request) => setup.sayLeftOut(app, request),
    checkHostPort: (question) =>
      answerHostPort(question, {
        apps: records.portRules(),
        dockerCompose: records.request(question.app)?.dockerCompose ?? null,
        owner: setup.ports.ownerOf(question.hostPort, question.transport),
        isFree: isPortFree,
      }),
  };
}

function observationTools(
  deps: AppToolsDeps,
  { namesOf: namesOfApp, projects }: Pick<AppTools, "namesOf" | "projects">,
): Pick<AppTools, "composeOf" | "observeApp" | "readHealth" | "relocate"> {
  const { engine, config } = deps;
  return {
    relocate: (app, image) => localImage(config(), { app, image }),
    composeOf: (app) => projects.factsOf(app),
    readHealth: (containerId, signal) => readHealth(engine, containerId, signal),
    observeApp: (app, signal) =>
      observeApp(
        engine,
        { app, names: namesOfApp(app), images: projects.imagesOf(app), folders: deps },
        signal,
      ),
  };
}

function executorsOf(
  deps: AppToolsDeps,
  parts: Pick<ExecutorFactoryDeps, "namesOf" | "pauses" | "projects" | "setup">,
): ExecutorFactory {
  const projectTools = singleton(async () => {
    const { createProjectTools } = await import("./project_tools.ts");
    return createProjectTools({ ...deps, setup: parts.setup });
  });
  return new ExecutorFactory({ ...deps, ...parts, projectTools, build: { ...deps, namesOf: parts.namesOf } });
}

/** Calls `make` once, when the value is first needed. */
function singleton<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
