/** What the steps of one transition work with. */

import type { AppRequest } from "../../model/app.ts";
import type { AppNames } from "../../model/app_names.ts";
import type { Clock } from "../../async/clock.ts";
import type { Log } from "../../base/log.ts";
import type { CreateRequest } from "../../docker/engine.ts";
import type { AppsDeps, StepEngine } from "../dependencies.ts";
import type { StateReporter } from "../report/state_reporter.ts";
import type { AppRecords } from "../state/app_records.ts";
import type { LiveApp } from "../state/live_app.ts";
import type { PullLogin } from "./pull_login.ts";
import type { RegistryPauses } from "./registry_pauses.ts";

/** The app of a transition, and the rest of the device as far as steps need it. */
export interface StepContext {
  app: LiveApp;
  request: AppRequest;
  names: AppNames;
  /** Why the release on probation has failed; empty unless the transition goes back. */
  reason: string;
  /** See `Wanted`. */
  mayUseFormerImage: boolean;
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
  deleteData(signal: AbortSignal): Promise<void>;
}

/** The reference of the app's image with this tag. */
export function referenceOf({ names }: Pick<StepContext, "names">, tag: string): string {
  return `${names.repository}:${tag}`;
}
