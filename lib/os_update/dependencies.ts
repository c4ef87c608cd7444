/** What updates of the operating system need of the rest of the agent. */

import type { Clock } from "../async/clock.ts";
import type { Log } from "../base/log.ts";
import type { LazyBus } from "../dbus/dbus.ts";
import type { DownloadProgress } from "../files/download.ts";
import type { OsReleasePaths } from "./os_releases.ts";

/** Where the operating system describes itself and its updates. */
export interface OsUpdatePaths extends OsReleasePaths {
  /** Names the update. */
  sourceFile: string;
  /** Where bundles lie. */
  bundleFolder: string;
}

/** What is told of an installation. */
export interface InstallProgress {
  /** What is done, in the words of the installer. */
  step: string;
  /** 0 to 100. */
  percent: number;
}

/** What the area works with. */
export interface OsUpdateDeps {
  paths: OsUpdatePaths;
  /** What is remembered of the latest installation. */
  recordFile: string;
  bus: Pick<LazyBus, "load">;
  /** Called for every progress that is to be told. */
  onDownload(progress: DownloadProgress): void;
  onInstall(progress: InstallProgress): void;
  /** Why nothing may be installed at this moment; undefined when it may. */
  reasonToWait(): string | undefined;
  /** How much has to stay free on the disk of a folder. */
  reserveBytes(folder: string): Promise<number>;
  clock: Clock;
  log: Log;
}
