/** The apps of the device: takes Studio's requests, brings the device in line with them, and reports to Studio. */

import type { AppId } from "../model/app.ts";
import type { DiskUser } from "../disk_space/disk_space.ts";
import type { Dict } from "../base/json.ts";
import type { ConnectStep } from "../backend/connect_step.ts";
import { readBoot } from "../host/boot.ts";
import { deleteRemoved } from "./container/app_folders.ts";
import type { HostPortAnswer, HostPortQuestion } from "./container/host_port_check.ts";
import type { TransferPart } from "./build/transfers.ts";
import { DataFolder } from "./container/data_folder.ts";
import { probePort } from "./container/port_probe.ts";
import type { AppsOptions } from "./dependencies.ts";
import { AppController } from "./app_controller.ts";
import type { AppSnapshot } from "./state/app_snapshot.ts";
import { WorkJournal } from "./work/work_journal.ts";

/** Disposing ends waits and downloads, and leaves containers running. */
export interface Apps extends AsyncDisposable {
  /** What to do after every connect. */
  readonly connectSteps: readonly ConnectStep[];
  /**
   * Takes a request of Studio for one app: decodes it, stores it, and begins to act on it. Resolves when it is stored;
   * a request that frees space is acted on even when the disk is too full to store it. Throws `bad_request` with the
   * texts of the wire contract, and `store_failed`; nothing has changed then.
   */
  request(kwargs: Dict): Promise<void>;
  /** Brings the states of all apps in line with the engine; see `requests/reconcile_local.ts`. For the start. */
  reconcileLocal(signal: AbortSignal): Promise<void>;
  /**
   * Waits for `reconcileLocal()`, then brings the device in line with what Studio wants; see
   * `requests/reconcile_remote.ts`. `isRepeated`: an earlier try on this connection has failed.
   */
  reconcileRemote(signal: AbortSignal, options?: { isRepeated?: boolean }): Promise<void>;
  /** Sends missed reports in the background. To be called when Studio is known to answer. */
  sendMissed(): void;
  /** Watches the containers until `signal` is aborted. */
  startObserving(signal: AbortSignal): void;
  /** Whether a port rule could reserve a host port at this moment. Throws `store_failed`. */
  checkHostPort(question: HostPortQuestion): HostPortAnswer;
  /** Brings ports and tunnels of an app in line again, unless work on it does so anyway. Throws `store_failed`. */
  syncPorts(id: AppId): void;
  /** Takes one part of an upload for a DEV app; see `build/transfers.ts`. */
  writeData(part: TransferPart): Promise<void>;
  /** All apps of the device at this moment. */
  list(): AppSnapshot[];
  /** Names of apps that are in transition, or run on probation: a restart of the agent would disturb them. */
  unsettled(): string[];
  /** Acts again on every stored request, in the background. For the end of an emergency of the disk. */
  resume(): void;
  /**
   * What the apps may need of the engine's disk; undefined while that is not known, because the database was lost.
   * Throws `store_failed`.
   */
  diskUses(): DiskUser[] | undefined;
  /** Names of volumes of apps that nothing refers to while they are stopped. Throws `store_failed`. */
  keptVolumes(): ReadonlySet<string>;
}

/** Creates the area; nothing happens before the first call. */
export function createApps(options: AppsOptions): Apps {
  const { appsDir, log } = options;
  return new AppController({
    ...options,
    folderOf: (app) => new DataFolder({ appsDir }, app),
    deleteRemoved: (signal) => deleteRemoved(appsDir, signal),
    workJournal: new WorkJournal({ path: `${appsDir}/.unfinished_work`, readBoot, log }),
    isPortFree: probePort,
  });
}
