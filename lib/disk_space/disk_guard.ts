/** Watches the engine's disk: cleans it up when it is low, and stops what writes to it when it is too full to work. */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { TaskSet } from "../async/task_set.ts";
import { hasCode } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Engine } from "../docker/engine.ts";
import type { ContainerUse, EngineStorage } from "../docker/engine_storage.ts";
import { applianceProject, composeProjectLabel } from "../model/labels.ts";
import { defaultThresholds, type DiskCondition, type DiskThresholds, judgeDisk } from "./thresholds.ts";

/** What the guard watches and what it may do. */
export interface DiskGuardDeps {
  engine: Pick<Engine, "dataRoot" | "stop">;
  storage: Pick<EngineStorage, "listContainers">;
  /** Undefined when it cannot be read. Never throws. */
  readFreeBytes(path: string): Promise<number | undefined>;
  /** Frees space. Throws `canceled` only. */
  cleanUp(dataRoot: string, signal: AbortSignal): Promise<void>;
  /** Called when an emergency begins and when it is over. */
  onChange(isEmergency: boolean): void;
  thresholds?: DiskThresholds;
  clock: Clock;
  log: Log;
}

type DiskTask = "loop" | "stops" | "clean-up";

const defaultDataRoot = "/var/lib/docker";

const normalPauseMs = 300_000;
const emergencyPauseMs = 5_000;

/** Between SIGTERM and SIGKILL. */
const killAfterSeconds = 10;

/** For each container. */
const containerStopLimitMs = 30_000;

const healthy: DiskCondition = { isEmergency: false, isLow: false, isCritical: false };

/**
 * Disposing ends all its work; containers that it stopped stay stopped.
 *
 * - `isEmergency` waits for nothing but the measurement: an engine on a full disk may never answer again.
 * - At most one clean-up and one round of stops run at a time.
 * - Nothing throws.
 */
export class DiskGuard implements AsyncDisposable {
  readonly #deps: DiskGuardDeps;
  readonly #life = new AbortController();
  readonly #tasks: TaskSet;
  readonly #running = new Set<DiskTask>();
  #condition = healthy;
  /** As reported by the engine. */
  #dataRoot: string | undefined;
  #measuring: Promise<void> = Promise.resolve();
  /** Ends the pause of the loop. */
  #pause = new AbortController();

  constructor(deps: DiskGuardDeps) {
    this.#deps = deps;
    this.#tasks = new TaskSet((error, about) => {
      if (!this.#life.signal.aborted) deps.log.warn("Work on a full disk failed", { ...about, error });
    });
  }

  /** True while the disk is too full to work. */
  get isEmergency(): boolean {
    return this.#condition.isEmergency;
  }

  /** Free bytes on the engine's disk at this moment; undefined when they cannot be read. */
  async readFreeBytes(): Promise<number | undefined> {
    return await this.#deps.readFreeBytes(await this.#findDataRoot());
  }

  /** True when a folder is on the engine's disk; false also when that cannot be found out. */
  async isOnSameDisk(folder: string): Promise<boolean> {
    try {
      const [one, other] = await Promise.all([Deno.stat(folder), Deno.stat(await this.#findDataRoot())]);
      return one.dev === other.dev;
    } catch {
      // Without a folder of the engine there is nothing to keep free for it.
      return false;
    }
  }

  /** Starts to watch the disk; it is measured at once. */
  start(): void {
    this.#startOnce("loop", () => this.#run());
  }

  /**
   * Measures the free space and updates `isEmergency`; stopping containers and cleaning up continue in the background.
   * Await it before apps are started. Takes at most about 15 s: the engine is asked for its folder until it has
   * answered once.
   */
  async measure(): Promise<void> {
    // One after the other, so that an older measurement never replaces a newer one.
    this.#measuring = this.#measuring.then(() => this.#measureOnce());
    await this.#measuring;
  }

  /** Ends all work. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await this.#tasks.settled();
    await this.#measuring;
  }

  async #run(): Promise<void> {
    const { clock } = this.#deps;
    const { signal } = this.#life;
    while (!signal.aborted) {
      await this.measure();
      this.#pause = new AbortController();
      const pauseMs = this.isEmergency ? emergencyPauseMs : normalPauseMs;
      await clock.sleep(pauseMs, AbortSignal.any([signal, this.#pause.signal])).catch(() => {
        // Interrupted: the guard ends, or an emergency has begun.
      });
    }
  }

  async #measureOnce(): Promise<void> {
    const { readFreeBytes, thresholds = defaultThresholds } = this.#deps;
    const dataRoot = await this.#findDataRoot();
    const freeBytes = await readFreeBytes(dataRoot);
    if (this.#life.signal.aborted) return;
    const before = this.#condition;
    this.#condition = judgeDisk(freeBytes, { wasEmergency: before.isEmergency, thresholds });
    this.#reportChange(before, { dataRoot, freeBytes });
    if (this.#condition.isCritical) this.#startOnce("stops", () => this.#stopContainers());
    if (this.#condition.isLow) this.#startOnce("clean-up", () => this.#cleanUp(dataRoot));
  }

  #reportChange(before: DiskCondition, measured: { dataRoot: string; freeBytes: number | undefined }): void {
    const { log, onChange } = this.#deps;
    const { isEmergency, isLow } = this.#condition;
    if (isLow && !before.isLow) log.warn("The disk is low", measured);
    if (isEmergency === before.isEmergency) return;
    if (isEmergency) log.error("The disk is too full to work; containers are stopped", measured);
    else log.info("The disk has enough free space again", measured);
    if (isEmergency) this.#pause.abort();
    try {
      onChange(isEmergency);
    } catch (error) {
      log.error("Cannot act on a change of the disk's state", { isEmergency, error });
    }
  }

  async #findDataRoot(): Promise<string> {
    if (this.#dataRoot !== undefined) return this.#dataRoot;
    try {
      const reported = await this.#deps.engine.dataRoot(this.#life.signal);
      if (reported !== "") this.#dataRoot = reported;
    } catch (error) {
      this.#deps.log.debug("Cannot ask the engine where its data is", { error });
    }
    return this.#dataRoot ?? defaultDataRoot;
  }

  async #cleanUp(dataRoot: string): Promise<void> {
    await this.#deps.cleanUp(dataRoot, this.#life.signal);
    // Freed space counts at once. This measurement starts no other clean-up, because this one is still running.
    await this.measure();
  }

  async #stopContainers(): Promise<void> {
    const containers = await this.#deps.storage.listContainers(this.#life.signal);
    const writers = containers.filter(({ isRunning, labels }) => {
      return isRunning && labels[composeProjectLabel] !== applianceProject;
    });
    await Promise.all(writers.map((container) => this.#stop(container)));
  }

  async #stop({ id, names }: ContainerUse): Promise<void> {
    const { engine, log } = this.#deps;
    const what = `Stopping container "${names[0] ?? id}"`;
    const stop = (signal: AbortSignal) => engine.stop(id, { graceSeconds: killAfterSeconds, signal });
    try {
      await within(containerStopLimitMs, stop, { what, signal: this.#life.signal });
      log.warn("Stopped a container because the disk is too full", { names });
    } catch (error) {
      if (hasCode(error, "container_missing", "canceled")) return;
      log.warn("Cannot stop a container although the disk is too full", { names, error });
    }
  }

  /** Runs `work` in the background unless the same task is running already. */
  #startOnce(task: DiskTask, work: () => Promise<void>): void {
    if (this.#running.has(task) || this.#life.signal.aborted) return;
    this.#running.add(task);
    this.#tasks.add(work().finally(() => this.#running.delete(task)), { work: task });
  }
}
