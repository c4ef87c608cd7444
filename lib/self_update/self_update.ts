/** The agent's own updates. Everything but this file is loaded when it is first needed. */

import { TaskSet } from "../async/task_set.ts";
import type { ConnectStep } from "../backend/connect_step.ts";
import { textOf } from "../base/errors.ts";
import { existsSync } from "../files/exists.ts";
import type { DownloadProgress } from "../files/download.ts";
import type { SelfUpdateDeps } from "./dependencies.ts";
import { guardedVariable, guardFiles } from "./start_guard.ts";
import type { Switcher } from "./switcher.ts";
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
  /** How the latest update ended, after this one. */
  last: LastUpdate | undefined;
}

/** Updates of the agent itself. Disposing ends a download; the next one goes on with it. */
export interface SelfUpdate extends AsyncDisposable {
  readonly connectSteps: readonly ConnectStep[];
  /** True while a newer version is looked for, brought onto the disk or about to be started. */
  readonly isUpdating: boolean;
  /** To be called once all areas run. Lets a version prove itself that the start guard has on probation. */
  start(): void;
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

/** What is loaded when it is first needed. */
interface Loaded {
  updater: Updater;
  /** Undefined where somebody else switches to new versions. */
  switcher: Switcher | undefined;
}

/** The answer to a request leaves before the agent ends. */
const answerPauseMs = 2_000;

class LazySelfUpdate implements SelfUpdate {
  readonly connectSteps: readonly ConnectStep[];
  readonly #deps: SelfUpdateDeps;
  readonly #life = new AbortController();
  readonly #tasks: TaskSet;
  #loaded: Promise<Loaded> | undefined;
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

  start(): void {
    const { paths } = this.#deps;
    if (!isGuarded(this.#deps) || !existsSync(`${paths.agentDir}/${guardFiles.fallback}`)) return;
    void this.#tasks.add(this.#load().then(({ switcher }) => switcher?.prove(this.#life.signal)));
  }

  async readLatestVersion(): Promise<string> {
    return await (await this.#load()).updater.latest(this.#life.signal);
  }

  async lastUpdate(): Promise<LastUpdate | undefined> {
    return await (await this.#load()).updater.lastUpdate();
  }

  async update(options: { onProgress(progress: DownloadProgress): void }): Promise<UpdateAnswer> {
    const { updater } = await this.#load();
    const run = updater.run(options, this.#life.signal);
    // It goes on when its caller is gone; whoever ends the agent waits for it.
    void this.#tasks.add(run.then((end) => void this.#switchLater(end, { pauseMs: answerPauseMs }), () => {}));
    const answer = answerOf(await run, this.#deps);
    return { ...answer, last: await updater.lastUpdate() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await this.#tasks.settled();
    await (await this.#loaded)?.switcher?.leave();
  }

  #load(): Promise<Loaded> {
    return this.#loaded ??= load(this.#deps).then((loaded) => {
      const { updater, switcher } = loaded;
      this.#isUpdating = () => updater.isRunning || switcher?.isSwitching === true;
      return loaded;
    });
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
    const { updater, switcher } = await this.#load();
    await updater.lastUpdate();
    await switcher?.refreshGuard(signal);
    if (!checksAtStart) return;
    const { checkOnce } = await import("./start_check.ts");
    const isAlone = config().environment === "local";
    const end = await checkOnce({ run: (end) => updater.run({}, end), random, isAlone, clock }, signal);
    if (end !== undefined) this.#switchLater(end, { pauseMs: 0 });
  }

  #switchLater(end: UpdateEnd, pause: { pauseMs: number }): void {
    if (end.kind !== "placed") return;
    void this.#tasks.add(
      this.#load().then(({ switcher }) => {
        return switcher?.switchTo(end.latest, pause, this.#life.signal);
      }),
    );
  }
}

async function load(deps: SelfUpdateDeps): Promise<Loaded> {
  const { own, paths, version, log } = deps;
  const [{ Updater }, { updateKeysOf }, { UpdateRecordFile }] = await Promise.all([
    import("./updater.ts"),
    import("./built_in_keys.ts"),
    import("./update_record.ts"),
  ]);
  const record = new UpdateRecordFile({ path: paths.selfUpdateFile, log });
  const common = { ...deps, record, keys: () => updateKeysOf(Deno.env) };
  if (!isGuarded(deps)) return { updater: new Updater({ ...common, activation: undefined }), switcher: undefined };
  const [{ Activation }, { Switcher }] = await Promise.all([import("./activation.ts"), import("./switcher.ts")]);
  const activation = new Activation({ agentDir: paths.agentDir, running: version, record, log });
  return { updater: new Updater({ ...common, activation }), switcher: new Switcher({ ...deps, own, activation }) };
}

/** The start guard has started this agent; else a manager on the device switches between versions, as ever. */
function isGuarded({ environment }: SelfUpdateDeps): boolean {
  return environment.get(guardedVariable) === "1";
}

function answerOf(end: UpdateEnd, deps: SelfUpdateDeps): Omit<UpdateAnswer, "last"> {
  const { version: current } = deps;
  const nothing = { current, latest: "", isPlaced: false, isInProgress: false, sizeBytes: 0, message: "" };
  switch (end.kind) {
    case "upToDate":
      return { ...nothing, latest: end.latest, message: `Version ${current} is up to date` };
    case "placed":
      return {
        ...{ ...nothing, latest: end.latest, isPlaced: true, sizeBytes: end.sizeBytes },
        message: `Version ${end.latest} is in its place${isGuarded(deps) ? ", and is started next" : ""}`,
      };
    case "busy":
      return { ...nothing, isInProgress: true, message: "An update is in progress" };
    case "blocked":
      return {
        ...{ ...nothing, latest: end.latest },
        message: `Version ${end.latest} was rolled back and is not taken again: ${end.because}`,
      };
    case "postponed":
      return { ...nothing, latest: end.latest, message: end.because };
    case "failed":
      return { ...nothing, latest: end.latest, message: textOf(end.error) };
  }
}
