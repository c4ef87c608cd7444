/** What the steps of one transition work with. */

import type { Dict } from "../../base/json.ts";
import type { AppRequest } from "../../model/app.ts";
import type { AppNames, NamedApp } from "../../model/app_names.ts";
import type { EngineEnvironment } from "../../docker/endpoint.ts";
import type { Clock } from "../../async/clock.ts";
import type { Log } from "../../base/log.ts";
import type { CreateRequest } from "../../docker/engine.ts";
import type { AppsDeps, StepEngine } from "../dependencies.ts";
import type { StateReporter } from "../report/state_reporter.ts";
import type { AppRecords } from "../state/app_records.ts";
import type { LiveApp } from "../state/live_app.ts";
import type { ObservedApp } from "../state/observed_app.ts";
import type { Goal } from "../plan/steps.ts";
import type { Projects } from "./projects.ts";
import type { ProjectTools } from "./project_tools.ts";
import type { LoginSources, PullLogin } from "./pull_login.ts";
import type { RegistryPauses } from "./registry_pauses.ts";

/** What builds need of the device. */
export interface BuildSite {
  /** Of this machine, as Dockerfiles are named after it. */
  arch: string;
  buildDir: string;
  /** Of uploaded archives. */
  uploadExtension: string;
  dockerConfigDir: string;
  engineEnvironment: EngineEnvironment;
  namesOf(app: NamedApp): AppNames;
}

/** The app of a transition, and the rest of the device as far as steps need it. */
export interface StepContext {
  app: LiveApp;
  request: AppRequest;
  names: AppNames;
  /** Why the release on probation has failed; empty unless the transition goes back. */
  reason: string;
  /** See `Wanted`. */
  mayUseFormerImage: boolean;
  /** The compose file of what runs next; null when that is an app of one container. */
  readonly definition: Dict | null;
  /** That of a release that has gone, or is about to. */
  readonly staleDefinition: Dict | null;
  /** Nothing of the app was on the device when the transition began. */
  readonly isFresh: boolean;
  projects: Projects;
  /** What compose projects are worked on with; loaded on first use. */
  projectTools(): Promise<ProjectTools>;
  /** What builds need. */
  build: BuildSite;
  /** Where the logins of the app's registries come from. */
  loginSources(): Promise<LoginSources>;
  /** What the transition is to reach. */
  goal: Goal;
  /** Studio wanted the app to run when the transition began. */
  isToRun: boolean;
  observe(signal: AbortSignal): Promise<ObservedApp>;
  /** When the app has last said that it holds its update back; undefined when it does not. */
  readUpdateLock(): Promise<Date | undefined>;
  engine: StepEngine;
  appLogs: AppsDeps["appLogs"];
  records: AppRecords;
  reporter: StateReporter;
  checkPull: AppsDeps["checkPull"];
  readIdleMark: AppsDeps["readIdleMark"];
  handlesSignal: AppsDeps["handlesSignal"];
  /** Shared by all apps: whether the engine has been found to need containers with the users of the device. */
  hostUsers: { areNeeded: boolean };
  clock: Clock;
  log: Log;
  /** Registries that do not want to be asked. */
  pauses: RegistryPauses;
  /** The login for the registry of an image. */
  login(reference: string): Promise<PullLogin>;
  /** Chooses host ports and returns the create request. Throws `port_in_use` when no port is free. */
  configure(options: { image: string; withGpu: boolean }, signal: AbortSignal): Promise<CreateRequest>;
  /** Replaces the host ports of this app that an error text of the engine names; false when it names none. */
  replacePorts(engineText: string): boolean;
  /** Where an app of this name has its data. */
  folderPathOf(appName: string): string;
  releasePorts(): void;
  deleteEnvFiles(signal: AbortSignal): Promise<void>;
  /** Deletes the variables that the app has left under an earlier name. Best effort: throws `canceled` only. */
  deleteFormerEnv(appName: string, signal: AbortSignal): Promise<void>;
  deleteData(signal: AbortSignal): Promise<void>;
}

/** The reference of the app's image with this tag. */
export function referenceOf({ names }: Pick<StepContext, "names">, tag: string): string {
  return `${names.repository}:${tag}`;
}
