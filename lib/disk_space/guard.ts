/** Watches the disk of the engine: cleans it up when it is low, and stops what writes to it when it is too full to work. */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { hasCode } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Engine } from "../docker/engine.ts";
import type { ContainerUse, EngineStorage } from "../docker/engine_storage.ts";
import { type DiskBand, type DiskThresholds, judgeDisk, usualThresholds } from "./thresholds.ts";
import { applianceProject, composeProjectLabel } from "../model/labels.ts";

/** What the guard is built from. */
export interface DiskGuardDeps {
  engine: Pick<Engine, "dataRoot" | "stop">;
  storage: Pick<EngineStorage, "listContainers">;
  /** Undefined when it cannot be read. Never throws. */
  readFreeBytes(path: string): Promise<number | undefined>;
  /** Makes room. Throws `canceled` only. */
  cleanUp(dataRoot: string, signal: AbortSignal): Promise<void>;
  /** An emergency has begun, or is over. */
  onChange(isEmergency: boolean): void;
  thresholds?: DiskThresholds;
  clock: Clock;
  log: Log;
}

const usualDataRoot = "/var/lib/docker";

const calmPauseMs = 300_000;
const emergencyPauseMs = 5_000;

/** Between SIGTERM and SIGKILL. */
const graceSeconds = 10;

const stopLimitMs = 30_000;

const healthy: DiskBand = { isEmergency: false, isLow: false, isCritical: false };

/**
 * The guard. Disposing ends everything that it does; stopped containers stay stopped.
 *
 * - The flag waits for nothing but the reading itself: an engine on a full disk may never answer again.
 * - Of stopping and of cleaning up one each runs at a time.
 * - Nothing throws.
 */
export class DiskGuard implements AsyncDisposable {
  readonly #parts: DiskGuardDeps;
  readonly #life = new AbortController();
  readonly #tasks = new Map<"loop" | "stops" | "clean-up", Promise<void>>();
  #band = healthy;
  /** As the engine has told it. */
  #dataRoot: string | undefined;
  #looking: Promise<void> = Promise.resolve();
  /** Ends the pause of the loop. */
  #pause = new AbortController();

  constructor(parts: DiskGuardDeps) {
    this.#parts = parts;
  }

  /** True while the disk is too full to work. */
  get isEmergency(): boolean {
    return this.#band.isEmergency;
  }

  /** Free bytes on the disk of the engine at this moment; undefined when they cannot be read. */
  async readFreeBytes(): Promise<number | undefined> {
    return await this.#parts.readFreeBytes(await this.#findDataRoot());
  }

  /** Begins to watch; the first look is taken at once. */
  start(): void {
    this.#keep("loop", () => this.#run());
  }

  /**
   * Looks once and sets the flag; what follows from it (stopping, cleaning up) goes on in the background. To be waited for before apps
   * are started. Takes some 15 s at most: the engine is asked for its folder as long as it has not told.
   */
  async look(): Promise<void> {
    // One after the other, so that an older reading never replaces a newer one.
    this.#looking = this.#looking.then(() => this.#lookOnce());
    await this.#looking;
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    while (this.#tasks.size > 0) await Promise.all(this.#tasks.values());
    await this.#looking;
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#life;
    while (!signal.aborted) {
      await this.look();
      this.#pause = new AbortController();
      const pauseMs = this.isEmergency ? emergencyPauseMs : calmPauseMs;
      await clock.sleep(pauseMs, AbortSignal.any([signal, this.#pause.signal])).catch(() => {
        // Cut short: by the end of the guard, or because an emergency has begun.
      });
    }
  }

  async #lookOnce(): Promise<void> {
    const { readFreeBytes, thresholds = usualThresholds } = this.#parts;
    const dataRoot = await this.#findDataRoot();
    const freeBytes = await readFreeBytes(dataRoot);
    if (this.#life.signal.aborted) return;
    const before = this.#band;
    this.#band = judgeDisk(freeBytes, { wasEmergency: before.isEmergency, thresholds });
    this.#tell(before, { dataRoot, freeBytes });
    if (this.#band.isCritical) this.#keep("stops", () => this.#stopContainers());
    if (this.#band.isLow) this.#keep("clean-up", () => this.#cleanUp(dataRoot));
  }

  #tell(before: DiskBand, facts: { dataRoot: string; freeBytes: number | undefined }): void {
    const { log, onChange } = this.#parts;
    const { isEmergency, isLow } = this.#band;
    if (isLow && !before.isLow) log.warn("The disk is low", facts);
    if (isEmergency === before.isEmergency) return;
    if (isEmergency) log.error("The disk is too full to work; containers are stopped", facts);
    else log.info("The disk has room again", facts);
    if (isEmergency) this.#pause.abort();
    try {
      onChange(isEmergency);
    } catch (error) {
      log.error("A change of the disk's state was not taken", { isEmergency, error });
    }
  }

  async #findDataRoot(): Promise<string> {
    if (this.#dataRoot !== undefined) return this.#dataRoot;
    try {
      const told = await this.#parts.engine.dataRoot(this.#life.signal);
      if (told !== "") this.#dataRoot = told;
    } catch (error) {
      this.#parts.log.debug("The engine does not tell where its data is", { error });
    }
    return this.#dataRoot ?? usualDataRoot;
  }

  async #cleanUp(dataRoot: string): Promise<void> {
    await this.#parts.cleanUp(dataRoot, this.#life.signal);
    // What was won counts at once. This look begins no other clean-up, because this one still runs.
    await this.look();
  }

  async #stopContainers(): Promise<void> {
    const containers = await this.#parts.storage.listContainers(this.#life.signal);
    const writers = containers.filter(({ isRunning, labels }) => {
      return isRunning && labels[composeProjectLabel] !== applianceProject;
    });
    await Promise.all(writers.map((container) => this.#stop(container)));
  }

  async #stop({ id, names }: ContainerUse): Promise<void> {
    const { engine, log } = this.#parts;
    const what = `Stopping container "${names[0] ?? id}"`;
    try {
      await within(stopLimitMs, (signal) => engine.stop(id, { graceSeconds, signal }), {
        what,
        signal: this.#life.signal,
      });
      log.warn("Stopped a container because the disk is too full", { names });
    } catch (error) {
      if (hasCode(error, "container_missing", "canceled")) return;
      log.warn("Cannot stop a container although the disk is too full", { names, error });
    }
  }

  /** Runs `work` in the background unless it runs already. */
  #keep(name: "loop" | "stops" | "clean-up", work: () => Promise<void>): void {
    if (this.#tasks.has(name) || this.#life.signal.aborted) return;
    const task = work()
      .catch((error) => {
        if (!this.#life.signal.aborted) this.#parts.log.warn("Work on a full disk failed", { work: name, error });
      })
      .finally(() => this.#tasks.delete(name));
    this.#tasks.set(name, task);
  }
}
