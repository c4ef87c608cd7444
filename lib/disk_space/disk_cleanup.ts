/**
 * Frees space on the engine's disk, mildest step first. Nothing is removed that an app, a user or a program could need.
 */

import type { Clock } from "../async/clock.ts";
import { throwIfAborted, within } from "../async/deadline.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Engine } from "../docker/engine.ts";
import type { EngineStorage } from "../docker/engine_storage.ts";
import type { Stage } from "../model/app.ts";
import type { NamedApp } from "../model/app_names.ts";
import { type AppImages, localRegistryHost, supersededTags, wantedImages } from "./image_rules.ts";
import { truncateLogs } from "./truncate_logs.ts";
import { removableVolumes } from "./volume_rules.ts";

/** What the clean-up works on. */
export interface DiskCleanupDeps {
  engine: Pick<Engine, "pruneDanglingImages">;
  storage: Pick<
    EngineStorage,
    "listContainers" | "listImages" | "listDanglingVolumes" | "pruneBuildCache" | "removeTag" | "removeVolume"
  >;
  /** Lets the device's own registry collect garbage and returns its report; undefined when there is none to ask. */
  registryGc(): ((signal: AbortSignal) => Promise<unknown>) | undefined;
  /** All apps of the device, stopped ones too; undefined while they are not known. May throw. */
  listApps(): readonly (NamedApp & AppImages)[] | undefined;
  /** Names of volumes of apps that nothing refers to while they are stopped. May throw. */
  keptVolumes(): ReadonlySet<string>;
  /** The folders that hold a folder for each compose app. */
  projectFolders: Readonly<Record<Stage, string>>;
  registryUrl(): string;
  /** Runs a program. Throws `command_failed`, also when there is no such program. */
  run(program: string, args: readonly string[], options: { signal: AbortSignal; timeoutMs: number }): Promise<unknown>;
  readFreeBytes(path: string): Promise<number | undefined>;
  clock: Clock;
  log: Log;
}

interface CleanupStep {
  name: string;
  limitMs: number;
  /** Returns fields for the log; undefined when nothing is worth a line. */
  run(signal: AbortSignal): Promise<object | void>;
}

const minuteMs = 60_000;

/** Garbage collection keeps the registry busy for long, and meanwhile nobody can pull. */
const gcPauseMs = 15 * minuteMs;

/** Smaller changes of the free space happen all the time on a working device. */
const noteworthyBytes = 1024 * 1024;

/**
 * Runs its steps in order, whether or not one fails. Every step has a deadline, because engines hang on a full disk.
 */
export class DiskCleanup {
  readonly #deps: DiskCleanupDeps;
  #gcTriedAtMs = -Infinity;
  /** The last failure of each step, so that a lasting one is logged once. */
  readonly #failures = new Map<string, string>();

  constructor(deps: DiskCleanupDeps) {
    this.#deps = deps;
  }

  /** Cleans up once; `dataRoot` is the folder of the engine. Throws `canceled` only. */
  async run(dataRoot: string, signal: AbortSignal): Promise<void> {
    for (const step of this.#steps(dataRoot)) {
      throwIfAborted(signal, "Cleaning up the disk");
      await this.#runStep(step, dataRoot, signal);
    }
  }

  #steps(dataRoot: string): CleanupStep[] {
    const { engine, storage } = this.#deps;
    return [
      { name: "registry garbage", limitMs: 5 * minuteMs, run: (signal) => this.#collectGarbage(signal) },
      { name: "dangling images", limitMs: 5 * minuteMs, run: (signal) => engine.pruneDanglingImages(signal) },
      {
        name: "build cache",
        limitMs: 5 * minuteMs,
        run: async (signal) => countedBytes("reclaimedBytes", await storage.pruneBuildCache(signal)),
      },
      { name: "volumes", limitMs: 30 * minuteMs, run: (signal) => this.#removeVolumes(signal) },
      { name: "superseded images", limitMs: 30 * minuteMs, run: (signal) => this.#removeImages(signal) },
      this.#command("journal", ["journalctl", "--vacuum-size=100M"]),
      this.#command("package archives", ["apt-get", "clean"]),
      {
        name: "container logs",
        limitMs: 2 * minuteMs,
        run: async (signal) => countedBytes("emptiedBytes", await truncateLogs(`${dataRoot}/containers`, signal)),
      },
    ];
  }

  #command(name: string, [program, ...args]: [string, ...string[]]): CleanupStep {
    const limitMs = 2 * minuteMs;
    return {
      name,
      limitMs,
      run: async (signal) => {
        await this.#deps.run(program, args, { signal, timeoutMs: limitMs });
      },
    };
  }

  async #runStep(step: CleanupStep, dataRoot: string, signal: AbortSignal): Promise<void> {
    const { readFreeBytes, log } = this.#deps;
    const before = await readFreeBytes(dataRoot);
    try {
      const what = `Cleaning up: ${step.name}`;
      const fields = await within(step.limitMs, step.run, { what, signal });
      const after = await readFreeBytes(dataRoot);
      const freedBytes = before === undefined || after === undefined ? undefined : after - before;
      const hadFailed = this.#failures.delete(step.name);
      const isNews = hadFailed || fields !== undefined || (freedBytes ?? 0) >= noteworthyBytes;
      // In an emergency this is repeated every few seconds, and log lines need disk space.
      log[isNews ? "info" : "debug"]("Cleaned up", { what: step.name, freedBytes, ...fields });
    } catch (error) {
      throwIfAborted(signal, "Cleaning up the disk");
      const isKnown = isMissingProgram(error) || this.#failures.get(step.name) === messageOf(error);
      this.#failures.set(step.name, messageOf(error));
      log[isKnown ? "debug" : "warn"]("Cannot clean up", { what: step.name, error });
    }
  }

  async #collectGarbage(signal: AbortSignal): Promise<object | undefined> {
    const { clock, registryGc } = this.#deps;
    const collect = registryGc();
    if (collect === undefined || clock.now() - this.#gcTriedAtMs < gcPauseMs) return undefined;
    this.#gcTriedAtMs = clock.now();
    return { registryReport: await collect(signal) };
  }

  async #removeVolumes(signal: AbortSignal): Promise<object | undefined> {
    const { storage, projectFolders } = this.#deps;
    // Apps are listed after the volumes: an app installed in between has no volume in the list.
    const volumes = await storage.listDanglingVolumes(signal);
    const folders = {
      PROD: await foldersIn(projectFolders.PROD),
      DEV: await foldersIn(projectFolders.DEV),
    };
    const kept = this.#deps.keptVolumes();
    const names = removableVolumes(volumes, { apps: this.#listApps(), kept, folders }).map(({ name }) => name);
    return await this.#removeAll(names, (name) => storage.removeVolume(name, signal), signal);
  }

  async #removeImages(signal: AbortSignal): Promise<object | undefined> {
    const { storage, registryUrl } = this.#deps;
    const host = localRegistryHost(registryUrl());
    if (host === undefined) return undefined;
    // In this order nothing that is added in between counts as unwanted.
    const images = await storage.listImages(signal);
    const users = await storage.listContainers(signal);
    const apps = this.#listApps();
    if (apps === undefined) return undefined;
    const tags = supersededTags(images, { host, users, wanted: wantedImages(apps) });
    return await this.#removeAll(tags, (tag) => storage.removeTag(tag, signal), signal);
  }

  /** Undefined when the apps cannot be read: then nothing of theirs is touched. */
  #listApps(): readonly (NamedApp & AppImages)[] | undefined {
    try {
      return this.#deps.listApps();
    } catch (error) {
      this.#deps.log.debug("Cannot list the apps for the clean-up", { error });
      return undefined;
    }
  }

  /** Removes what can be removed. */
  async #removeAll(
    names: readonly string[],
    remove: (name: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<object | undefined> {
    const removed: string[] = [];
    for (const name of names) {
      throwIfAborted(signal, "Cleaning up the disk");
      try {
        await remove(name);
        removed.push(name);
      } catch (error) {
        throwIfAborted(signal, "Cleaning up the disk");
        this.#deps.log.debug("Cannot remove", { name, error });
      }
    }
    return removed.length === 0 ? undefined : { removed };
  }
}

function countedBytes(name: string, bytes: number): object | undefined {
  return bytes === 0 ? undefined : { [name]: bytes };
}

/** Many devices work without some of the programs. */
function isMissingProgram(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Deno.errors.NotFound;
}

async function foldersIn(path: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(path)) if (isDirectory) names.push(name);
  } catch {
    // When the folder is missing or unreadable, no volume counts as left over.
    return [];
  }
  return names;
}
