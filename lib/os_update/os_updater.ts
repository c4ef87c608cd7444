/** Downloads and installs updates of the operating system, one at a time. */

import { AgentError, hasCode, isCanceled, textOf } from "../base/errors.ts";
import { Rauc } from "../dbus/rauc.ts";
import { readBoot } from "../host/boot.ts";
import { BundleFolder } from "./bundle_folder.ts";
import { readBundleSource } from "./bundle_source.ts";
import type { OsUpdateDeps } from "./dependencies.ts";
import { downloadBundle } from "./download_bundle.ts";
import {
  followInstallation,
  installBundle,
  installerBusy,
  type InstallFollowOptions,
  readInstaller,
} from "./install_bundle.ts";
import { judgeBegun } from "./installation.ts";
import { type InstallationRecord, readInstallation, writeInstallation } from "./installation_record.ts";

type OsUpdateWork = "download" | "installation";

/**
 * - A download and an installation exclude each other, and themselves.
 * - An installation is noted before it begins and when it has ended, so that the next process knows of it.
 */
export class OsUpdater {
  readonly #deps: OsUpdateDeps;
  readonly #folder: BundleFolder;
  #running: OsUpdateWork | undefined;

  constructor(deps: OsUpdateDeps) {
    this.#deps = deps;
    this.#folder = new BundleFolder({ path: deps.paths.bundleFolder, log: deps.log });
  }

  /** Whether an installation runs, as far as this process knows. */
  get isInstalling(): boolean {
    return this.#running === "installation";
  }

  /** See `OsUpdate.download()`. */
  async download(signal: AbortSignal): Promise<void> {
    await this.#runAlone("download", async () => {
      const { paths, onDownload: onProgress, log } = this.#deps;
      const source = await readBundleSource(paths.sourceFile);
      const { fileName, url } = source;
      log.info("Downloading an update of the operating system", { host: url.host, fileName });
      await downloadBundle({ ...this.#deps, folder: this.#folder }, { source, onProgress, signal });
    });
  }

  /** See `OsUpdate.install()`. */
  async install(signal: AbortSignal): Promise<void> {
    await this.#runAlone("installation", async () => {
      this.#assertSettled();
      const { fileName } = await readBundleSource(this.#deps.paths.sourceFile);
      await this.#folder.placeIfWhole(fileName);
      const path = await this.#folder.find(fileName);
      const rauc = new Rauc(await this.#deps.bus.load());
      const { operation, bootSlot } = await readInstaller(rauc, signal);
      if (operation !== "idle") throw installerBusy();
      // Apps may have begun something meanwhile.
      this.#assertSettled();
      const record = { bundle: fileName, bootSlot, bootId: readBoot().id };
      const note = (isBegun: boolean) => this.#note({ ...record, outcome: "installing", why: "", isBegun });
      await note(false);
      this.#deps.log.info("Installing an update of the operating system", { path });
      const options = { ...this.#followOptions(signal), path, onBegun: () => note(true) };
      await this.#conclude({ ...record, isBegun: true }, () => installBundle(rauc, options), signal);
    });
  }

  /**
   * Finds out what has become of an installation that an earlier process has begun, and follows it if it still runs.
   * Does nothing when there is none.
   */
  async resume(signal: AbortSignal): Promise<void> {
    const { recordFile, bus, log } = this.#deps;
    const record = await readInstallation(recordFile, log);
    if (record?.outcome !== "installing") return;
    await this.#runAlone("installation", async () => {
      const rauc = new Rauc(await bus.load());
      const state = judgeBegun(record, { state: await readInstaller(rauc, signal), bootId: readBoot().id });
      log.info("An installation of an earlier process was found", { bundle: record.bundle, ...state });
      const settle = () => {
        switch (state.kind) {
          case "running":
            return followInstallation(rauc, this.#followOptions(signal));
          case "installed":
            return Promise.resolve();
          case "failed":
            return Promise.reject(new AgentError("install_failed", `Cannot install the update: ${state.why}`));
          case "unknown":
            return Promise.reject(new UnknownEnd("install_failed", state.why));
        }
      };
      await this.#conclude(record, settle, signal);
    });
  }

  #followOptions(signal: AbortSignal): InstallFollowOptions {
    const { onInstall: onProgress, clock } = this.#deps;
    return { onProgress, clock, signal };
  }

  #assertSettled(): void {
    const reason = this.#deps.reasonToWait();
    if (reason !== undefined) throw new AgentError("busy", `Not now: ${reason}`);
  }

  /** Notes how an installation ends. One that this process only stops to follow stays noted as running. */
  async #conclude(
    begun: Omit<InstallationRecord, "outcome" | "why">,
    work: () => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const { bundle } = begun;
    try {
      await work();
    } catch (error) {
      if (signal.aborted || isCanceled(error)) throw error;
      const why = textOf(error);
      // An installer that has only become silent may be at work.
      const isUnknown = error instanceof UnknownEnd || hasCode(error, "timeout");
      await this.#note({ ...begun, outcome: isUnknown ? "unknown" : "failed", why });
      if (hasCode(error, "install_failed")) await this.#folder.distrust(bundle);
      throw error;
    }
    try {
      await this.#folder.remove(bundle, signal);
    } catch (error) {
      this.#deps.log.warn("Cannot remove a bundle that is installed", { bundle, error });
    }
    await this.#note({ ...begun, outcome: "installed", why: "" });
    this.#deps.log.info("An update of the operating system is installed, and used after the next restart", { bundle });
  }

  async #note(record: InstallationRecord): Promise<void> {
    try {
      await writeInstallation(this.#deps.recordFile, { record, log: this.#deps.log });
    } catch (error) {
      // The installation goes on all the same; only the next process knows less.
      this.#deps.log.warn("Cannot note how an installation stands", { error, ...record });
    }
  }

  async #runAlone(what: OsUpdateWork, work: () => Promise<void>): Promise<void> {
    if (this.#running !== undefined) throw new AgentError("busy", `${this.#running} already in progress`);
    this.#running = what;
    try {
      await work();
    } catch (error) {
      if (!isCanceled(error)) this.#deps.log.warn(`The ${what} of an update of the operating system failed`, { error });
      throw error;
    } finally {
      this.#running = undefined;
    }
  }
}

/** Nobody knows how an installation ended. */
class UnknownEnd extends AgentError {}
