/** Watches the engine's disk on Linux devices, and checks before a pull whether the image fits. */

import type { Clock } from "../async/clock.ts";
import { SharedJobs } from "../async/shared_jobs.ts";
import type { Backend } from "../backend/backend.ts";
import type { Log } from "../base/log.ts";
import type { DeviceConfig } from "../config/flock.ts";
import { pruneSystem, type RunProgram } from "../docker/cli.ts";
import type { EngineEnvironment } from "../docker/endpoint.ts";
import type { Engine } from "../docker/engine.ts";
import { EngineStorage } from "../docker/engine_storage.ts";
import { mustRunCommand, runCommand } from "../host/command.ts";
import { readFreeBytes } from "../host/disk_space.ts";
import type { NamedApp } from "../model/app_names.ts";
import type { Paths } from "../paths.ts";
import { checkPullSpace, type PullOptions } from "./check_pull_space.ts";
import { DiskCleanup } from "./disk_cleanup.ts";
import { DiskGuard } from "./disk_guard.ts";
import type { AppImages } from "./image_rules.ts";
import { limitLogs } from "./log_limits.ts";
import { judgePullSpace, type PullSpace } from "./pull_space.ts";
import { defaultThresholds } from "./thresholds.ts";

/** What an app keeps on the engine's disk. */
export interface DiskUser extends NamedApp, AppImages {}

/** What the area needs of the rest of the agent. */
export interface DiskSpaceDeps {
  engine: Pick<Engine, "dataRoot" | "platform" | "pruneDanglingImages" | "stop">;
  /** How the engine is reached. */
  env: EngineEnvironment;
  paths: Pick<Paths, "composeDir" | "buildDir">;
  config(): Pick<DeviceConfig, "applianceDomain" | "boardModel" | "registryUrl">;
  backend: Pick<Backend, "runRegistryGc">;
  isConnected(): boolean;
  /** All apps of the device, stopped ones too; undefined while they are not known. May throw. */
  listApps(): readonly DiskUser[] | undefined;
  /** Names of volumes of apps that nothing refers to while they are stopped. May throw. */
  keptVolumes(): ReadonlySet<string>;
  /** Called when an emergency begins and when it is over. */
  onChange(isEmergency: boolean): void;
  /** The operating system as `Deno.build.os` spells it. */
  os: string;
  /** Runs programs of the device; `runCommand()` when absent. */
  run?: RunProgram;
  clock: Clock;
  log: Log;
}

/** How long a full prune may take. */
export const fullPruneLimitMs = 600_000;

/** One prune at a time, whoever asks: both kinds wait for each other, and the engine refuses a second one. */
export const pruneLimits = { what: "prune the engine", atOnce: 1, queueLimit: 2, callerLimit: 1_000 };

/** Stays free on other disks than the engine's, for what else the agent has to write. */
export const fileReserveBytes = 16 * 1024 * 1024;

const journalRestartLimitMs = 30_000;

/** Creates the area. It watches the disk from `start()` on. */
export function createDiskSpace(deps: DiskSpaceDeps): DiskSpace {
  return new DiskSpace(deps);
}

/** The engine's disk. Dispose it before the apps, because it calls them. */
export class DiskSpace implements AsyncDisposable {
  readonly #deps: DiskSpaceDeps;
  readonly #storage: EngineStorage;
  /** Undefined on systems where the disk is not watched. */
  readonly #guard: DiskGuard | undefined;
  readonly #life = new AbortController();
  readonly #prunes = new SharedJobs<string | undefined>(pruneLimits);
  #limiting: Promise<void> | undefined;

  constructor(deps: DiskSpaceDeps) {
    this.#deps = deps;
    this.#storage = new EngineStorage(deps);
    if (deps.os === "linux") this.#guard = createGuard(deps, this.#storage);
  }

  /** True while the disk is too full to work. */
  get isEmergency(): boolean {
    return this.#guard?.isEmergency ?? false;
  }

  /** Starts to watch the disk, and limits the size of the device's logs. */
  start(): void {
    if (this.#guard === undefined) return;
    this.#guard.start();
    const { log } = this.#deps;
    this.#limiting = limitLogs({ restartJournal, log }, this.#life.signal);
  }

  /** Measures the free space and updates `isEmergency`; await it before apps start to write. Never throws. */
  async measure(): Promise<void> {
    await this.#guard?.measure();
  }

  /** Checks before a pull whether the image fits. See `checkPullSpace()`. */
  async checkPull(options: PullOptions): Promise<PullSpace> {
    const guard = this.#guard;
    if (guard === undefined) return { kind: "fits" };
    const { engine, log } = this.#deps;
    const deps = { engine, storage: this.#storage, readFreeBytes: () => guard.readFreeBytes(), log };
    return await checkPullSpace(deps, options);
  }

  /**
   * Checks before a file is written whether it fits into a folder. On the engine's disk 1 GiB stays free, below which
   * the device would be in an emergency, elsewhere 16 MiB. Space that cannot be read is no reason to refuse it.
   */
  async checkFile({ folder, neededBytes }: { folder: string; neededBytes: number }): Promise<PullSpace> {
    const reserveBytes = await this.reserveBytes(folder);
    return judgePullSpace({ neededBytes, freeBytes: await readFreeBytes(folder), reserveBytes });
  }

  /** How much has to stay free on the disk of a folder, as for `checkFile()`. */
  async reserveBytes(folder: string): Promise<number> {
    const isEngines = await this.#guard?.isOnSameDisk(folder) ?? false;
    return isEngines ? defaultThresholds.emergencyBytes : fileReserveBytes;
  }

  /**
   * Removes dangling images, or with `all` everything that no running container uses, volumes included, and then
   * returns what `docker system prune` printed. Callers who want the same at the same time share one run. Throws what
   * the engine throws, `command_failed`, `timeout` after 10 min, `busy`, `canceled`.
   */
  async prune({ all }: { all: boolean }, signal: AbortSignal): Promise<string | undefined> {
    const key = all ? "everything unused" : "dangling images";
    return await this.#prunes.run(key, (life) => this.#prune({ all }, life), signal);
  }

  /** Ends all work in the background. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await this.#guard?.[Symbol.asyncDispose]();
    await this.#limiting;
  }

  async #prune({ all }: { all: boolean }, signal: AbortSignal): Promise<string | undefined> {
    const { engine, run = runCommand } = this.#deps;
    if (all) return await pruneSystem(run, { signal, timeoutMs: fullPruneLimitMs });
    await engine.pruneDanglingImages(signal);
    return undefined;
  }
}

function createGuard(deps: DiskSpaceDeps, storage: EngineStorage): DiskGuard {
  const { engine, onChange, clock, log } = deps;
  const cleanup = createCleanup(deps, storage);
  const cleanUp = (dataRoot: string, signal: AbortSignal) => cleanup.run(dataRoot, signal);
  return new DiskGuard({ engine, storage, readFreeBytes, cleanUp, onChange, clock, log });
}

function createCleanup(deps: DiskSpaceDeps, storage: EngineStorage): DiskCleanup {
  const { engine, backend, isConnected, config, paths, clock, log } = deps;
  return new DiskCleanup({
    engine,
    storage,
    registryGc: () => {
      if (!isApplianceHost(config()) || !isConnected()) return undefined;
      return (signal) => backend.runRegistryGc(signal);
    },
    listApps: () => deps.listApps(),
    keptVolumes: () => deps.keptVolumes(),
    projectFolders: { PROD: paths.composeDir, DEV: paths.buildDir },
    registryUrl: () => config().registryUrl,
    run: mustRunCommand,
    readFreeBytes,
    clock,
    log,
  });
}

/** True for a device that runs Studio and its registry in containers of its own. */
function isApplianceHost(config: Pick<DeviceConfig, "applianceDomain" | "boardModel">): boolean {
  return config.applianceDomain !== "" || config.boardModel === "appliance";
}

async function restartJournal(signal: AbortSignal): Promise<void> {
  await mustRunCommand("systemctl", ["restart", "systemd-journald"], { signal, timeoutMs: journalRestartLimitMs });
}
