/** What updates of the operating system need of the rest of the agent. */

import type { Clock } from "../async/clock.ts";
import type { Log } from "../base/log.ts";
import type { OsReleasePaths } from "./os_releases.ts";

/** Where the operating system describes itself and its updates. */
export interface OsUpdatePaths extends OsReleasePaths {
  /** Names the update. */
  sourceFile: string;
  /** Where bundles lie. */
  bundleFolder: string;
}

/** What the area works with. */
export interface OsUpdateDeps {
  paths: OsUpdatePaths;
  /** How much has to stay free on the disk of a folder. */
  reserveBytes(folder: string): Promise<number>;
  clock: Clock;
  log: Log;
}
