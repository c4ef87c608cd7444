/** The agent's own updates. Everything but this file is loaded when it is first needed. */

import { TaskSet } from "../async/task_set.ts";
import type { ConnectStep } from "../backend/connect_step.ts";
import { textOf } from "../base/errors.ts";
import type { DownloadProgress } from "../files/download.ts";
import type { SelfUpdateDeps } from "./dependencies.ts";
import type { LastUpdate } from "./update_record.ts";
import type { UpdateEnd, Updater } from "./updater.ts";

/** No link is so slow that an update takes longer; a call that has waited for so long is answered with an error. */
export const updateLimitMs = 24 * 60 * 60 * 1000;

/** The answer to a request for an update. */
export interface UpdateAnswer {
  /** The version that runs. */
  current: string;
  /** The newest one; empty when it is not known. */
  latest: string;
  isPlaced: boolean;
  isInProgress: boolean;
  /** Of the new version; 0 when it is not known. */
  sizeBytes: number;
  /** For people. */
  message: string;
}

/** Updates of the agent itself. Disposing ends a download; the next one goes on with it. */
export interface SelfUpdate extends AsyncDisposable {
  readonly connectSteps: readonly ConnectStep[];
  /** True while a newer version is looked for or brought onto the disk. */
  readonly isUpdating: boolean;
  /** The newest version for the device's channel; see `VersionIndex.latest()`. */
  readLatestVersion(): Promise<string>;
  /** How the latest update ended; undefined when there was none. */
  lastUpdate(): Promise<LastUpdate | undefined>;
  /** Brings the newest version onto the disk, if there is a newer one. Throws `canceled` only. */
  update(options: { onProgress(progress: DownloadProgress): void }): Promise<UpdateAnswer>;
}

/** Creates the area. Nothing is read or fetched before it is asked for. */
export function createSelfUpdate(deps: SelfUpdateDeps): SelfUpdate {
  return new LazySelfUpdate(deps);
}

class LazySelfUpdate implements SelfUpdate {
  readonly connectSteps: readonly ConnectStep[];
  readonly #deps: SelfUpdateDeps;
  readonly #life = new AbortController();
  readonly #tasks: TaskSet;
  #updater: Promise<Updater> | undefined;
  #isUpdating = () => false;
  #hasChecked = false;

  constructor(deps: SelfUpdateDeps) {
    this.#deps = deps;
    this.#tasks = new TaskSet((error) => deps.log.warn("Cannot look for an update", { error: textOf(error) }));
    this.connectSteps = [{
      name: "look for a newer agent",
      phase: "restore",
      callsBackend: false,
      run: () => Promise.resolve(this.#checkOnce()),
    }];
  }

  get isUpdating(): boolean {
    return this.#isUpdating();
  }

  async readLatestVersion(): Promise<string> {
    return await (await this.#load()).latest(this.#life.signal);
  }

  async lastUpdate(): Promise<LastUpdate | undefined> {
    return await (await this.#load()).lastUpdate();
  }

  async update(options: { onProgress(progress: DownloadProgress): void }): Promise<UpdateAnswer> {
    const updater = await this.#load();
    const run = updater.run(options, this.#life.signal);
    // It goes on when its caller is gone; whoever ends the agent waits for it.
    void this.#tasks.add(run.then(() => {}, () => {}));
    return answerOf(await run, this.#deps.version);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await this.#tasks.settled();
  }

  #load(): Promise<Updater> {
    return this.#updater ??= Promise.all([import("./updater.ts"), import("./built_in_keys.ts")]).then(
      ([{ Updater }, { updateKeysOf }]) => {
        const updater = new Updater({ ...this.#deps, keys: () => updateKeysOf(Deno.env) });
        this.#isUpdating = () => updater.isRunning;
        return updater;
      },
    );
  }

  /** Waits for nothing. Once in the life of a process. */
  #checkOnce(): void {
    if (this.#hasChecked) return;
    this.#hasChecked = true;
    void this.#tasks.add(this.#check());
  }

  async #check(): Promise<void> {
    const { checksAtStart, config, random, clock } = this.#deps;
    const { signal } = this.#life;
    const updater = await this.#load();
    await updater.lastUpdate();
    if (!checksAtStart) return;
    const { checkOnce } = await import("./start_check.ts");
    const isAlone = config().environment === "local";
    await checkOnce({ run: (end) => updater.run({}, end), random, isAlone, clock }, signal);
  }
}

function answerOf(end: UpdateEnd, current: string): UpdateAnswer {
  const nothing = { current, latest: "", isPlaced: false, isInProgress: false, sizeBytes: 0, message: "" };
  switch (end.kind) {
    case "upToDate":
      return { ...nothing, latest: end.latest, message: `Version ${current} is up to date` };
    case "placed":
      return {
        ...{ ...nothing, latest: end.latest, isPlaced: true, sizeBytes: end.sizeBytes },
        message: `Version ${end.latest} is in its place`,
      };
    case "busy":
      return { ...nothing, isInProgress: true, message: "An update is in progress" };
    case "postponed":
      return { ...nothing, latest: end.latest, message: end.because };
    case "failed":
      return { ...nothing, latest: end.latest, message: textOf(end.error) };
  }
}
