/** Updates the agent: finds the version, brings it onto the disk, and remembers how that ended. */

import { AgentError, isCanceled, textOf } from "../base/errors.ts";
import { downloadBase, updateChannel } from "../config/derived.ts";
import type { DownloadProgress } from "../files/download.ts";
import { isUpdate } from "./agent_version.ts";
import { fetchRelease } from "./fetch_release.ts";
import type { SelfUpdateDeps } from "./dependencies.ts";
import type { UpdateKey } from "./minisign.ts";
import type { Activation } from "./activation.ts";
import { removeOldVersions } from "./remove_old_versions.ts";
import { type LastUpdate, lastUpdateAtStart, type UpdateRecordFile } from "./update_record.ts";
import { pacedProgress } from "../files/paced_progress.ts";
import { VersionIndex } from "./version_index.ts";

/** How a run of the updater ended. */
export type UpdateEnd =
  | { kind: "upToDate"; latest: string }
  /** The new version is in its place. */
  | { kind: "placed"; latest: string; sizeBytes: number }
  /** Another run is under way. */
  | { kind: "busy" }
  /** The guard has gone back from this version. */
  | { kind: "blocked"; latest: string; because: string }
  /** Apps must not be disturbed at this moment, or this version is on probation itself. */
  | { kind: "postponed"; latest: string; because: string }
  | { kind: "failed"; latest: string; error: unknown };

/** What the updater works with. */
export interface UpdaterDeps extends SelfUpdateDeps {
  keys(): UpdateKey[];
  record: UpdateRecordFile;
  /** Undefined where somebody else switches to new versions. */
  activation: Activation | undefined;
}

/** Runs one update at a time. */
export class Updater {
  readonly #deps: UpdaterDeps;
  readonly #index: VersionIndex;
  #isRunning = false;
  #hasNotedStart = false;

  constructor(deps: UpdaterDeps) {
    const { record } = this.#deps = deps;
    this.#index = new VersionIndex({
      base: () => downloadBase(deps.config(), deps.updateUrl),
      channel: () => updateChannel(deps.config()),
      serialNumber: deps.config().serialNumber,
      current: deps.version,
      keys: deps.keys,
      newestSeen: {
        read: () => record.readNewestIndex(),
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
    const { activation, record } = this.#deps;
    if (activation !== undefined) {
      await activation.settle();
      return (await record.read()).last;
    }
    const { last } = await record.read();
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
    const { version, os, arch, paths, updateUrl, config, keys, clock, log, activation } = this.#deps;
    if (!isUpdate(latest, version)) return { kind: "upToDate", latest };
    const because = await activation?.whyBlocked(latest);
    if (because !== undefined) return { kind: "blocked", latest, because };
    await this.#assertProven();
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
    await removeOldVersions(paths, { running: version, newest: latest, log });
    return { kind: "placed", latest, sizeBytes };
  }

  /** A version that was not taken for good yet must not be the one that is gone back to. */
  async #assertProven(): Promise<void> {
    const { activation, version } = this.#deps;
    if ((await activation?.settle())?.kind !== "probation") return;
    throw new Postponement("busy", `Not now: version ${version} is on probation`);
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
      await this.#deps.record.change({ last });
    } catch (error) {
      this.#deps.log.warn("Cannot note how an update ended", { error, ...last });
    }
  }
}

/** It is not the moment for an update. */
class Postponement extends AgentError {}
