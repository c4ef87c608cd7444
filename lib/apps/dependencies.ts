/** What the apps need of the rest of the agent. The composition root hands it over. */

import type { AppId } from "../model/app.ts";
import type { Clock } from "../async/clock.ts";
import type { Log } from "../base/log.ts";
import type { PullSpace } from "../disk_space/pull_space.ts";
import type { DeviceConfig } from "../config/flock.ts";
import type { Engine } from "../docker/engine.ts";
import type { EngineEvent } from "../docker/events.ts";
import type { RegistryAuth } from "../docker/registry.ts";
import type { Database } from "../store/database.ts";
import type { Backend } from "../backend/backend.ts";
import type { DataFolder } from "./container/data_folder.ts";
import type { SnapshotEngine } from "./watch/engine_snapshot.ts";

/** Lines of a pull on their way to whoever watches. */
export interface LogFeed {
  /** Takes one line as the engine sent it. Never blocks. */
  push(line: string): void;
  /** Sends what waits, within bounds. Never throws. */
  end(): Promise<void>;
}

/** Where the agent writes for the people who use an app, and where the app's own lines go. Best effort: nothing throws. */
export interface AppLog {
  say(channel: string, text: string): void;
  /** Viewers forget what they show. */
  clearViewer(channel: string): void;
  clearHistory(id: AppId, channel: string): void;
  /** The container's log goes to the channel until it ends. */
  follow(channel: string, containerName: string, known?: { id: string; status: string; tty: boolean }): void;
  /** The container of the channel was removed: what is left of its log is not worth a long wait. */
  leave(channel: string): void;
  openFeed(channel: string): LogFeed;
  /** Shows the log of a container that has exited. Resolves when it was read, within bounds. */
  showExited(channel: string, containerName: string, signal: AbortSignal): Promise<void>;
  /** Forgets the channel with all that is kept of it. */
  forget(id: AppId, channel: string): void;
}

/** The engine as the steps of a transition see it. */
export type StepEngine = Pick<
  Engine,
  | ("checkLogin" | "create" | "imagesOf" | "inspect" | "openPull")
  | ("inspectImage" | "platform" | "remove" | "settingsOf" | "start" | "stop" | "untag" | "watchExit")
>;

/** The engine as the apps see it. */
export interface AppEngine extends StepEngine, SnapshotEngine {
  events(signal: AbortSignal, onOpen?: () => void): AsyncIterable<EngineEvent>;
}

/** What is known of the device beyond its config, at the moment of asking. */
export interface Surroundings {
  /** The device's address in its local network. */
  lanAddress: string | undefined;
  /** Studio's address, once Studio has told it. */
  baseUrl: string | undefined;
  /** What credentials of apps are derived from. Secret. */
  appCredKey: string | undefined;
}

/** The data folder of an app, as `AppFolder` keeps it on the disk. */
export type AppHome = Pick<
  DataFolder,
  "path" | "create" | "writeEnv" | "refreshCredential" | "refreshPorts" | "deleteEnv" | "delete"
>;

/** Everything that apps use. */
export interface AppsDeps {
  engine: AppEngine;
  backend: Pick<Backend, "getRequestedAppStates" | "getRegistryToken" | "reportAppState" | "savePorts">;
  database: Database;
  appLog: AppLog;
  /** The config in force. */
  config(): DeviceConfig;
  surroundings(): Surroundings;
  /** The data folder of an app. Throws `bad_request` for a name that no app can have. */
  folderOf(app: { id: AppId; appName: string }): AppHome;
  /** A folder that all apps see as `/shared`. */
  sharedDir: string;
  /** Of this machine, as image names spell it: `amd64`. */
  arch: string;
  /** True when containers can use a graphics processor. */
  hasGpu(signal: AbortSignal): Promise<boolean>;
  /** See `readIdleMark()` in `host/rest.ts`. */
  readIdleMark(container: { containerId: string; pid: number }): string | undefined;
  /** True when the port can be bound on all addresses at this moment. */
  isPortFree(port: number, transport: "tcp" | "udp"): boolean;
  /**
   * True when what was stored was lost and Studio has not said since what it wants: what runs is taken over from the engine, and
   * people are told.
   */
  isRebuilt: boolean;
  /** A value that must never be seen in the log from now on. */
  hideSecret(text: string): void;
  /** True while the disk is too full to work. */
  isEmergency(): boolean;
  /** Whether an image fits on the disk, asked before it is pulled. */
  checkRoom(pull: { reference: string; auth: RegistryAuth | undefined; signal: AbortSignal }): Promise<PullSpace>;
  clock: Clock;
  /** A number from 0 to 1. */
  random(): number;
  log: Log;
}
