/** What the apps need of the rest of the agent. */

import type { AppLogs } from "../app_logs/app_logs.ts";
import type { NamedApp } from "../model/app_names.ts";
import type { Clock } from "../async/clock.ts";
import type { Log } from "../base/log.ts";
import type { Recorder } from "../base/recorder.ts";
import type { PullSpace } from "../disk_space/pull_space.ts";
import type { DeviceConfig } from "../config/flock.ts";
import type { EngineEnvironment } from "../docker/endpoint.ts";
import type { Engine } from "../docker/engine.ts";
import type { EngineEvent } from "../docker/events.ts";
import type { RegistryAuth } from "../docker/registry.ts";
import type { ProxySettings } from "../wamp/proxy.ts";
import type { Database } from "../store/database.ts";
import type { AppTunnels } from "../tunnels/app_tunnels.ts";
import type { Backend } from "../backend/backend.ts";
import type { AppFolder } from "./container/journaled_folder.ts";
import type { SnapshotEngine } from "./watch/engine_snapshot.ts";
import type { WorkJournal } from "./work/work_journal.ts";

/** The engine as the steps of a transition see it. */
export type StepEngine = Pick<
  Engine,
  | (
    | "addTag"
    | "checkLogin"
    | "create"
    | "imagesOf"
    | "inspect"
    | "listContainers"
    | "listImages"
    | "openBuild"
    | "openPull"
    | "openPush"
  )
  | (
    | "inspectImage"
    | "hasImage"
    | "listProject"
    | "networksWith"
    | "platform"
    | "remapsUsers"
    | "remove"
    | "removeNetwork"
    | "removeVolume"
    | "rename"
    | "settingsOf"
    | "start"
    | "stop"
  )
  | ("untag" | "volumesWith" | "watchExit")
>;

/** The engine as the apps see it. */
export interface AppEngine extends StepEngine, SnapshotEngine, Pick<Engine, "networksWith" | "removeNetwork"> {
  events(signal: AbortSignal, onOpen?: () => void): AsyncIterable<EngineEvent>;
}

/** What is known of the device besides its config, at this moment. */
export interface Surroundings {
  /** The device's address in its local network. */
  lanAddress: string | undefined;
  /** Studio's address, as Studio last reported it. */
  baseUrl: string | undefined;
  /** What credentials of apps are derived from. Secret. */
  appCredKey: string | undefined;
}

/** What `createApps()` takes. */
export interface AppsOptions extends Omit<AppsDeps, "deleteRemoved" | "folderOf" | "isPortFree" | "workJournal"> {
  /** The folder of the data folders of all apps. */
  appsDir: string;
}

/** Everything that the apps use. */
export interface AppsDeps {
  engine: AppEngine;
  backend: Pick<
    Backend,
    "getAppCredKey" | "getRegistryToken" | "getRequestedAppStates" | "reportAppState" | "savePorts"
  >;
  database: Database;
  appLogs: Pick<
    AppLogs,
    | ("say" | "clearViewer" | "clearHistory" | "showProgress" | "follow" | "leave" | "openFeed" | "showExited")
    | ("followProject" | "noteServiceExit" | "showExitedService" | "forget")
  >;
  /** The tunnels to ports of apps. */
  tunnels: Pick<AppTunnels, "close" | "publishStates" | "remotePorts" | "sync">;
  /** The config in force. */
  config(): DeviceConfig;
  surroundings(): Omit<Surroundings, "appCredKey">;
  /** The data folder of an app. Throws `bad_request` for a name that no app can have. */
  folderOf(app: NamedApp): AppFolder;
  /** Deletes what interrupted deletions of folders have left. Throws `io_failed`, `no_space`, `timeout`, `canceled`. */
  deleteRemoved(signal: AbortSignal): Promise<void>;
  /** Notes work on what apps have written. */
  workJournal: Pick<WorkJournal, keyof WorkJournal>;
  /** Frees the memory of what is no longer needed, which takes some 20 ms. */
  collectGarbage(): void;
  /** The folder of uploads; only root and the agent's user can enter it. */
  buildDir: string;
  /** The folder of the compose files of `PROD` apps, each in a folder with the app's name. */
  composeDir: string;
  /** Of uploaded archives, without a dot. */
  uploadExtension: string;
  /** For private settings of the `docker` command line; see `DockerConfigs`. */
  dockerConfigDir: string;
  /** How the engine is reached. */
  engineEnvironment: EngineEnvironment;
  /** Whether a file fits into a folder, before it is written. */
  checkFile(file: { folder: string; neededBytes: number }): Promise<PullSpace>;
  /** The folder that all apps see as `/shared`. */
  sharedDir: string;
  /** The certificates that apps are to trust at this site; its folder is mounted into them when the file exists. */
  caBundleFile: string;
  /** The proxies of the agent's own environment. */
  proxies: ProxySettings;
  /** Of this machine, as image names spell it: `amd64`. */
  arch: string;
  /** True when containers can use a graphics processor. */
  hasGpu(signal: AbortSignal): Promise<boolean>;
  /** See `readIdleMark()` in `host/process_idle.ts`. */
  readIdleMark(container: { containerId: string; pid: number }): string | undefined;
  /** See `handlesSignal()` in `host/process_signals.ts`. */
  handlesSignal(container: { containerId: string; pid: number }, signal: number): boolean | undefined;
  /** True when the port can be bound on all addresses at this moment. */
  isPortFree(port: number, transport: "tcp" | "udp"): boolean;
  /**
   * True when what was stored is lost and Studio has not said since what it wants: running apps are adopted from the
   * engine, and their logs say so.
   */
  isRebuilt: boolean;
  /** Masks a text in the log from now on. */
  hideSecret(text: string): void;
  /** Masks the secrets of an owner in the log, until the next call for it. */
  hideSecretsOf(owner: string, texts: readonly string[]): void;
  /** True while the disk is too full to work. */
  isEmergency(): boolean;
  /** True while the link to Studio is up. */
  isConnected(): boolean;
  /** Whether an image fits on the disk. Throws `RegistryBusyError` when the registry asks for a pause. */
  checkPull(pull: { reference: string; auth: RegistryAuth | undefined; signal: AbortSignal }): Promise<PullSpace>;
  /** Measures transitions and their steps; nothing does without it. */
  recorder?: Recorder;
  /** Called when the container engine goes away, and when it is back. */
  onEngineChange(): void;
  clock: Clock;
  /** A number from 0 to 1. */
  random(): number;
  log: Log;
}
