/** Updates the agent: finds the version, brings it onto the disk, and remembers how that ended. */

import { AgentError, isCanceled, textOf } from "../base/errors.ts";
import { downloadBase, updateChannel } from "../config/derived.ts";
import type { DownloadProgress } from "../files/download.ts";
import { tryRemove } from "../files/leftovers.ts";
import { fileNameOf } from "../files/path_parts.ts";
import { isUpdate } from "./agent_version.ts";
import { fetchRelease } from "./fetch_release.ts";
import type { SelfUpdateDeps } from "./dependencies.ts";
import type { UpdateKey } from "./minisign.ts";
import { removableVersions, versionFileName } from "./old_versions.ts";
import { type LastUpdate, lastUpdateAtStart, UpdateRecordFile } from "./update_record.ts";
import { pacedProgress } from "../files/paced_progress.ts";
import { VersionIndex } from "./version_index.ts";

/** How a run of the updater ended. */
export type UpdateEnd =
  | { kind: "upToDate"; latest: string }
  /** The new version is in its place. */
  | { kind: "placed"; latest: string; sizeBytes: number }
  /** Another run is under way. */
  | { kind: "busy" }
  /** Apps must not be disturbed at this moment. */
  | { kind: "postponed"; latest: string; because: string }
  | { kind: "failed"; latest: string; error: unknown };

/** Runs one update at a time. */
export class Updater {
  readonly #deps: SelfUpdateDeps & { keys(): UpdateKey[] };
  readonly #record: UpdateRecordFile;
  readonly #index: VersionIndex;
  #isRunning = false;
  #hasNotedStart = false;

  constructor(deps: SelfUpdateDeps & { keys(): UpdateKey[] }) {
    this.#deps = deps;
    const record = this.#record = new UpdateRecordFile({ path: deps.paths.selfUpdateFile, log: deps.log });
    this.#index = new VersionIndex({
      base: () => downloadBase(deps.config(), deps.updateUrl),
      channel: () => updateChannel(deps.config()),
      serialNumber: deps.config().serialNumber,
      current: deps.version,
      keys: deps.keys,
      newestSeen: {
        read: async () => (await record.read()).newestIndex,
        remember: (newestIndex) => record.change({ newestIndex }),
      },
      clock: deps.clock,
    });
  }

  /** Whether a run is under way. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** See `VersionIndex.latest()`. */
  latest(signal: AbortSignal): Promise<string> {
    return this.#index.latest(signal);
  }

  /** How the latest update ended, as far as the start of this version tells. Never throws. */
  async lastUpdate(): Promise<LastUpdate | undefined> {
    const { last } = await this.#record.read();
    if (last === undefined || this.#hasNotedStart) return last;
    this.#hasNotedStart = true;
    const now = lastUpdateAtStart(last, this.#deps.version);
    if (now !== last) await this.#note(now);
    return now;
  }

  /** Looks for a newer version and brings it onto the disk. Throws `canceled` only. */
  async run(
    { onProgress }: { onProgress?(progress: DownloadProgress): void },
    signal: AbortSignal,
  ): Promise<UpdateEnd> {
    if (this.#isRunning) return { kind: "busy" };
    this.#isRunning = true;
    let latest = "";
    try {
      await this.lastUpdate();
      // Names of files and addresses are without the "v" that some write.
      latest = (await this.#index.latest(signal)).replace(/^v/, "");
      return await this.#updateTo(latest, { onProgress }, signal);
    } catch (error) {
      if (isCanceled(error)) throw error;
      if (error instanceof Postponement) return { kind: "postponed", latest, because: error.message };
      this.#deps.log.warn("Cannot update the agent", { error, latest });
      const { version: from } = this.#deps;
      if (latest !== "") await this.#note({ from, to: latest, outcome: "failed", why: textOf(error) });
      return { kind: "failed", latest, error };
    } finally {
      this.#isRunning = false;
    }
  }

  async #updateTo(
    latest: string,
    { onProgress }: { onProgress: ((progress: DownloadProgress) => void) | undefined },
    signal: AbortSignal,
  ): Promise<UpdateEnd> {
    const { version, os, arch, paths, updateUrl, config, keys, clock, log } = this.#deps;
    if (!isUpdate(latest, version)) return { kind: "upToDate", latest };
    this.#assertSettled();
    const folderUrl = `${downloadBase(config(), updateUrl)}/re-agent/${os}/${arch}`;
    const source = {
      ...{ folderUrl, keys: keys(), clock, log, programEnd: os === "windows" ? ".exe" : "" },
      ...{ agentDir: paths.agentDir, downloadsDir: paths.downloadsDir },
    };
    const work = {
      version: latest,
      ...(onProgress === undefined ? {} : { onProgress: pacedProgress(onProgress, clock) }),
      beforePlacing: () => this.#assertSettled(),
    };
    const { sizeBytes } = await fetchRelease(source, work, signal);
    await this.#note({ from: version, to: latest, outcome: "ready", why: "" });
    await this.#removeOld(latest);
    return { kind: "placed", latest, sizeBytes };
  }

  /** Whoever activates the new version restarts the agent, which would interrupt these apps. */
  #assertSettled(): void {
    if (this.#deps.isSystemUpdating()) throw new Postponement("busy", "Not now: the operating system is being updated");
    const apps = this.#deps.unsettledApps();
    if (apps.length === 0) return;
    const names = apps.slice(0, 3).map((name) => JSON.stringify(name)).join(", ");
    throw new Postponement("busy", `Not now: apps are in transition or on probation: ${names}`);
  }

  /** A note that is lost is no reason to let an update fail. */
  async #note(last: LastUpdate): Promise<void> {
    try {
      await this.#record.change({ last });
    } catch (error) {
      this.#deps.log.warn("Cannot note how an update ended", { error, ...last });
    }
  }

  async #removeOld(newest: string): Promise<void> {
    const { version: running, paths: { agentDir, downloadsDir }, log } = this.#deps;
    try {
      const names = [...Deno.readDirSync(agentDir)].filter(({ isFile }) => isFile).map(({ name }) => name);
      const link = await Deno.realPath(`${agentDir}/reagent`).catch(() => "");
      const inUse = new Set([link, Deno.execPath()].map(fileNameOf));
      for (const name of removableVersions(names, { running, newest, inUse })) {
        await Deno.remove(`${agentDir}/${name}`);
        log.info("Removed an old version of the agent", { path: `${agentDir}/${name}` });
      }
      // Downloads of other versions that nobody goes on with.
      const left = [...Deno.readDirSync(downloadsDir)].filter(({ name, isFile }) =>
        isFile && /^reagent-v\d/.test(name)
      );
      for (const { name } of left) if (name !== versionFileName(newest)) await tryRemove(`${downloadsDir}/${name}`);
    } catch (error) {
      log.debug("Cannot remove old versions of the agent", { error });
    }
  }
}

/** Apps must not be disturbed. */
class Postponement extends AgentError {}
