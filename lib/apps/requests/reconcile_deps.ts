/** What reconciling works with. */

import type { AppId, AppRequest } from "../../model/app.ts";
import type { Clock } from "../../async/clock.ts";
import type { Backend } from "../../backend/backend.ts";
import type { Log } from "../../base/log.ts";
import type { Engine } from "../../docker/engine.ts";
import type { AppNames } from "../../model/app_names.ts";
import type { ProjectFolders } from "../../model/owner.ts";
import type { AppRecords } from "../state/app_records.ts";
import type { LiveApp } from "../state/live_app.ts";
import type { SnapshotEngine } from "../watch/engine_snapshot.ts";
import type { AppWorker } from "../work/app_worker.ts";
import type { Projects } from "../work/projects.ts";

/** What reconciling works with. */
export interface ReconcileDeps {
  records: AppRecords;
  engine: SnapshotEngine & Pick<Engine, "inspect" | "networksWith" | "removeNetwork">;
  backend: Pick<Backend, "getRequestedAppStates">;
  /** Accepts a request. False when it is only held in memory. Throws `store_failed`. */
  accept(request: AppRequest): boolean;
  /** Takes note of what was left out of what Studio wants of an app, for the app's log. */
  noteLeftOut(id: AppId, texts: readonly string[]): void;
  /** Sends the reports that Studio has missed. Throws when it refuses one or cannot be reached. */
  sendMissed(): Promise<void>;
  /** Called when everything that Studio wants is stored. Throws `store_failed`. */
  onAnswer(): void;
  workerOf(id: AppId): AppWorker;
  projects: Projects;
  /** Names of the app's container and of its image repository. */
  namesOf(app: { id: AppId; appName: string }): AppNames;
  /** Where compose files of apps are. */
  folders: ProjectFolders;
  /** Stops a container in order and removes it, by id or name. A missing one is fine. */
  removeContainer(idOrName: string, signal: AbortSignal): Promise<void>;
  /** Forgets everything about an app except its data. */
  forget(app: LiveApp): void;
  /** True when Studio has sent a request for the app of its own accord since this moment of the clock. */
  wasRequestedSince(id: AppId, sinceMs: number): boolean;
  /** Takes over a promise that nobody waits for, and whatever it rejects with. */
  keep(task: Promise<void>): void;
  clock: Clock;
  log: Log;
  /** Ends with the agent. */
  life: AbortSignal;
}
