/** Downloads and installs updates of the operating system, one at a time. */

import { AgentError, isCanceled } from "../base/errors.ts";
import type { DownloadProgress } from "../files/download.ts";
import { BundleFolder } from "./bundle_folder.ts";
import { readBundleSource } from "./bundle_source.ts";
import { downloadBundle } from "./download_bundle.ts";
import type { OsUpdateDeps } from "./dependencies.ts";

/** Runs one thing at a time. */
export class OsUpdater {
  readonly #deps: OsUpdateDeps;
  readonly #folder: BundleFolder;
  #running: "download" | "installation" | undefined;

  constructor(deps: OsUpdateDeps) {
    this.#deps = deps;
    this.#folder = new BundleFolder({ path: deps.paths.bundleFolder, log: deps.log });
  }

  /** See `OsUpdate.download()`. */
  async download(
    { onProgress }: { onProgress(progress: DownloadProgress): void },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#runAlone("download", async () => {
      const { paths, log } = this.#deps;
      const source = await readBundleSource(paths.sourceFile);
      const { fileName, url } = source;
      log.info("Downloading an update of the operating system", { host: url.host, fileName });
      await downloadBundle({ ...this.#deps, folder: this.#folder }, { source, onProgress, signal });
    });
  }

  async #runAlone(what: "download" | "installation", work: () => Promise<void>): Promise<void> {
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
