/** Updates of the operating system, on devices whose system has them. All but this file is loaded when it is used. */

import { TaskSet } from "../async/task_set.ts";
import type { ConnectStep } from "../backend/connect_step.ts";
import { textOf } from "../base/errors.ts";
import { existsSync } from "../files/exists.ts";
import type { OsUpdateDeps, OsUpdatePaths } from "./dependencies.ts";
import type { LastInstallation } from "./installation_record.ts";
import type { OsReleases } from "./os_releases.ts";
import type { OsUpdater } from "./os_updater.ts";

/** No link is so slow that a bundle takes longer; a call that has waited for so long is answered with an error. */
export const osUpdateLimitMs = 24 * 60 * 60 * 1000;

/** Those of systems that have updates. */
export const systemUpdatePaths: OsUpdatePaths = {
  current: "/etc/os-release",
  latest: "/etc/os-release-latest.json",
  sourceFile: "/etc/reswarmos-update",
  bundleFolder: "/tmp",
};

/**
 * Updates of the operating system. Disposing ends a download, and the next one goes on with it; an installation goes on
 * without the agent, and the next process finds it.
 */
export interface OsUpdate extends AsyncDisposable {
  readonly connectSteps: readonly ConnectStep[];
  /** True while an update is being installed. */
  readonly isInstalling: boolean;
  /**
   * The release of this system, and the newest one that it knows of; undefined on a system that does not have such
   * updates. Throws `io_failed`, `bad_request`.
   */
  readReleases(): Promise<OsReleases | undefined>;
  /** How the latest installation stands; undefined when there was none. */
  lastInstallation(): Promise<LastInstallation | undefined>;
  /**
   * Brings the bundle of the update that the system names onto the disk. Throws `not_available`, `busy`, `bad_request`,
   * `denied`, and what `downloadFile()` throws.
   */
  download(): Promise<void>;
  /**
   * Installs that bundle, and removes it. Throws `not_available` when there is no bundle or no installer, `busy` while
   * something is in the way, `denied` for a bundle that others can write to, `install_failed`.
   */
  install(): Promise<void>;
}

/** Creates the area. Nothing is read or fetched before it is asked for. */
export function createOsUpdate(deps: OsUpdateDeps): OsUpdate {
  return new LazyOsUpdate(deps);
}

class LazyOsUpdate implements OsUpdate {
  readonly connectSteps: readonly ConnectStep[];
  readonly #deps: OsUpdateDeps;
  readonly #life = new AbortController();
  readonly #tasks: TaskSet;
  #updater: OsUpdater | undefined;
  #hasLooked = false;

  constructor(deps: OsUpdateDeps) {
    this.#deps = deps;
    this.#tasks = new TaskSet((error) =>
      deps.log.debug("An update of the operating system failed", { error: textOf(error) })
    );
    this.connectSteps = [{
      name: "look for an installation of the operating system that was begun",
      phase: "restore",
      callsBackend: false,
      run: () => Promise.resolve(this.#lookOnce()),
    }];
  }

  get isInstalling(): boolean {
    return this.#updater?.isInstalling ?? false;
  }

  async readReleases(): Promise<OsReleases | undefined> {
    const { readOsReleases } = await import("./os_releases.ts");
    return await readOsReleases(this.#deps.paths);
  }

  async lastInstallation(): Promise<LastInstallation | undefined> {
    const { recordFile, log } = this.#deps;
    if (!existsSync(recordFile)) return undefined;
    const { readInstallation } = await import("./installation_record.ts");
    const record = await readInstallation(recordFile, log);
    return record && { bundle: record.bundle, outcome: record.outcome, why: record.why };
  }

  async download(): Promise<void> {
    const updater = await this.#load();
    await this.#keep(updater.download(this.#life.signal));
  }

  async install(): Promise<void> {
    const updater = await this.#load();
    await this.#keep(updater.install(this.#life.signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await this.#tasks.settled();
  }

  async #load(): Promise<OsUpdater> {
    const { OsUpdater } = await import("./os_updater.ts");
    return this.#updater ??= new OsUpdater(this.#deps);
  }

  /** It goes on when its caller is gone; whoever ends the agent waits for it. */
  async #keep(work: Promise<void>): Promise<void> {
    void this.#tasks.add(work.catch(() => {}));
    await work;
  }

  /** Waits for nothing. Once in the life of a process. */
  #lookOnce(): void {
    if (this.#hasLooked) return;
    this.#hasLooked = true;
    if (!existsSync(this.#deps.recordFile)) return;
    void this.#tasks.add(this.#load().then((updater) => updater.resume(this.#life.signal)));
  }
}
