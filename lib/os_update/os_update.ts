/** Updates of the operating system, on devices whose system has them: so far, which release there is. */

import type { OsReleases, OsUpdatePaths } from "./os_releases.ts";

/** Updates of the operating system. */
export interface OsUpdate {
  /**
   * The release of this system, and the newest one that it knows of; undefined on a system that does not have such
   * updates. Throws `io_failed`, `bad_request`.
   */
  readReleases(): Promise<OsReleases | undefined>;
}

const systemPaths: OsUpdatePaths = { current: "/etc/os-release", latest: "/etc/os-release-latest.json" };

/** Creates the area, which is loaded when it is first used. */
export function createOsUpdate(paths: OsUpdatePaths = systemPaths): OsUpdate {
  return {
    readReleases: async () => {
      const { readOsReleases } = await import("./os_releases.ts");
      return await readOsReleases(paths);
    },
  };
}
