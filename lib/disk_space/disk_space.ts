/** Builds the guard of the engine's disk with everything that it uses, for devices with Linux. */

import type { Clock } from "../async/clock.ts";
import type { Log } from "../base/log.ts";
import type { PullSpace } from "./room.ts";
import type { DeviceConfig } from "../config/flock.ts";
import type { EngineEnvironment } from "../docker/endpoint.ts";
import type { Engine } from "../docker/engine.ts";
import { EngineStorage } from "../docker/engine_storage.ts";
import { mustRunCommand, runCommand } from "../host/command.ts";
import { readFreeBytes } from "../host/disk_space.ts";
import type { Paths } from "../paths.ts";
import { DiskCleanup, type DiskUser } from "./cleanup.ts";
import { DiskGuard } from "./guard.ts";
import { limitLogs } from "./log_limits.ts";
import { pruneSystem, type RunProgram } from "../docker/cli.ts";
import { checkPullSpace, type PullCheckOptions } from "./pull_check.ts";
import type { Backend } from "../backend/backend.ts";

/** What the watch is built from. */
export interface DiskSpaceDeps {
  engine: Pick<Engine, "dataRoot" | "platform" | "pruneDanglingImages" | "stop">;
  /** Where the engine is. */
  env: EngineEnvironment;
  paths: Pick<Paths, "composeDir" | "buildDir">;
  config(): Pick<DeviceConfig, "applianceDomain" | "boardModel" | "registryUrl">;
  backend: Pick<Backend, "runRegistryGc">;
  isConnected(): boolean;
  /** All apps of the device, stopped ones too; undefined while they are not known. May throw. */
  listApps(): readonly DiskUser[] | undefined;
  /** An emergency has begun, or is over. */
  onChange(isEmergency: boolean): void;
  /** The operating system, in the words of the runtime. */
  os: string;
  /** Runs programs of the device; `runCommand()` when absent. */
  run?: RunProgram;
  clock: Clock;
  log: Log;
}

/** How long a full prune may take. */
export const pruneLimitMs = 600_000;

const restartLimitMs = 30_000;

/** Creates the area; it watches from `start()` on. */
export function createDiskSpace(deps: DiskSpaceDeps): DiskSpace {
  return new DiskSpace(deps);
}

/**
 * The disk of the engine, watched where the operating system is Linux. Disposing ends everything that goes on; to be done before the
 * apps are disposed, which it calls.
 */
export class DiskSpace implements AsyncDisposable {
  readonly #parts: DiskSpaceDeps;
  readonly #storage: EngineStorage;
  readonly #guard: DiskGuard | undefined;
  readonly #life = new AbortController();
  #limiting: Promise<void> | undefined;

  constructor(parts: DiskSpaceDeps) {
    const { engine, onChange, clock, log } = parts;
    this.#parts = parts;
    const storage = this.#storage = new EngineStorage({ env: parts.env });
    if (parts.os !== "linux") return;
    const cleanup = createCleanup(parts, storage);
    const cleanUp = (dataRoot: string, signal: AbortSignal) => cleanup.run(dataRoot, signal);
    this.#guard = new DiskGuard({ engine, storage, readFreeBytes, cleanUp, onChange, clock, log });
  }

  /** True while the disk is too full to work. */
  get isEmergency(): boolean {
    return this.#guard?.isEmergency ?? false;
  }

  /** Begins to watch, and limits the logs of the device. */
  start(): void {
    if (this.#guard === undefined) return;
    this.#guard.start();
    const { log } = this.#parts;
    this.#limiting = limitLogs({ restartJournal, log }, this.#life.signal);
  }

  /** Looks once, so that apps begin to write to the disk only after that. Never throws. */
  async look(): Promise<void> {
    await this.#guard?.look();
  }

  /** Whether an image fits, asked before it is pulled. See `checkPullRoom()`. */
  async checkRoom(question: PullCheckOptions): Promise<PullSpace> {
    const guard = this.#guard;
    if (guard === undefined) return { kind: "fits" };
    const parts = { engine: this.#parts.engine, storage: this.#storage, readFreeBytes: () => guard.readFreeBytes() };
    return await checkPullSpace(parts, question);
  }

  /**
   * Removes dangling images, or with `all` everything that no running container uses, volumes included: then it returns what
   * `docker system prune` printed. Throws what the engine throws, `command_failed`, `timeout` after 10 min, `canceled`.
   */
  async prune({ all }: { all: boolean }, signal: AbortSignal): Promise<string | undefined> {
    const { engine, run = runCommand } = this.#parts;
    if (all) return await pruneSystem(run, { signal, timeoutMs: pruneLimitMs });
    await engine.pruneDanglingImages(signal);
    return undefined;
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await this.#guard?.[Symbol.asyncDispose]();
    await this.#limiting;
  }
}

/** The device whose own containers are Studio and registry. */
export function isApplianceHost(config: Pick<DeviceConfig, "applianceDomain" | "boardModel">): boolean {
  return config.applianceDomain !== "" || config.boardModel === "appliance";
}

function createCleanup(parts: DiskSpaceDeps, storage: EngineStorage): DiskCleanup {
  const { engine, clock, log } = parts;
  return new DiskCleanup({
    engine,
    storage,
    registryGc: () => {
      const mayAsk = isApplianceHost(parts.config()) && parts.isConnected();
      return mayAsk ? (signal) => parts.backend.runRegistryGc(signal) : undefined;
    },
    listApps: () => parts.listApps(),
    projectFolders: { PROD: parts.paths.composeDir, DEV: parts.paths.buildDir },
    registryUrl: () => parts.config().registryUrl,
    run: mustRunCommand,
    readFreeBytes,
    clock,
    log,
  });
}

async function restartJournal(signal: AbortSignal): Promise<void> {
  await mustRunCommand("systemctl", ["restart", "systemd-journald"], { signal, timeoutMs: restartLimitMs });
}
