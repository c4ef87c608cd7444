/** Updates of the operating system, on devices whose system has them. All but this file is loaded when it is used. */

import { TaskSet } from "../async/task_set.ts";
import { textOf } from "../base/errors.ts";
import type { DownloadProgress } from "../files/download.ts";
import type { OsUpdateDeps, OsUpdatePaths } from "./dependencies.ts";
import type { OsReleases } from "./os_releases.ts";
import type { OsUpdater } from "./os_updater.ts";

/** No link is so slow that a bundle takes longer; a call that has waited for so long is answered with an error. */
export const osUpdateLimitMs = 24 * 60 * 60 * 1000;

/** Updates of the operating system. Disposing ends a download; the next one goes on with it. */
export interface OsUpdate extends AsyncDisposable {
  /**
   * The release of this system, and the newest one that it knows of; undefined on a system that does not have such
   * updates. Throws `io_failed`, `bad_request`.
   */
  readReleases(): Promise<OsReleases | undefined>;
  /**
   * Brings the bundle of the update that the system names onto the disk. Throws `not_available`, `busy`, `bad_request`,
   * `denied`, and what `downloadFile()` throws.
   */
  download(options: { onProgress(progress: DownloadProgress): void }): Promise<void>;
}

/** Those of systems that have updates. */
export const systemUpdatePaths: OsUpdatePaths = {
  current: "/etc/os-release",
  latest: "/etc/os-release-latest.json",
  sourceFile: "/etc/reswarmos-update",
  bundleFolder: "/tmp",
};

/** Creates the area. Nothing is read or fetched before it is asked for. */
export function createOsUpdate(deps: OsUpdateDeps): OsUpdate {
  return new LazyOsUpdate(deps);
}

class LazyOsUpdate implements OsUpdate {
  readonly #deps: OsUpdateDeps;
  readonly #life = new AbortController();
  readonly #tasks: TaskSet;
  #updater: Promise<OsUpdater> | undefined;

  constructor(deps: OsUpdateDeps) {
    this.#deps = deps;
    this.#tasks = new TaskSet((error) =>
      deps.log.debug("An update of the operating system failed", {
        error: textOf(error),
      })
    );
  }

  async readReleases(): Promise<OsReleases | undefined> {
    const { readOsReleases } = await import("./os_releases.ts");
    return await readOsReleases(this.#deps.paths);
  }

  async download(options: { onProgress(progress: DownloadProgress): void }): Promise<void> {
    const updater = await this.#load();
    await this.#keep(updater.download(options, this.#life.signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await this.#tasks.settled();
  }

  #load(): Promise<OsUpdater> {
    return this.#updater ??= import("./os_updater.ts").then(({ OsUpdater }) => new OsUpdater(this.#deps));
  }

  /** It goes on when its caller is gone; whoever ends the agent waits for it. */
  async #keep(work: Promise<void>): Promise<void> {
    void this.#tasks.add(work.catch(() => {}));
    await work;
  }
}
