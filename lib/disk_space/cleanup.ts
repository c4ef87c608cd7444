/** Makes room on the engine's disk, mildest first. Nothing goes that an app, a person or another program could still need. */

import type { AppId, Stage } from "../model/app.ts";
import type { Clock } from "../async/clock.ts";
import { throwIfAborted, within } from "../async/deadline.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Engine } from "../docker/engine.ts";
import type { EngineStorage } from "../docker/engine_storage.ts";
import { type AppImages, localRegistryHost, supersededTags, wantedImages } from "./image_rules.ts";
import { removableVolumes } from "./volume_rules.ts";

/** What an app of the device keeps on the disk. */
export interface DiskUser extends AppImages {
  id: AppId;
  appName: string;
}

/** What the clean-up is built from. */
export interface DiskCleanupDeps {
  engine: Pick<Engine, "pruneDanglingImages">;
  storage: Pick<
    EngineStorage,
    "listContainers" | "listImages" | "listDanglingVolumes" | "pruneBuildCache" | "removeTag" | "removeVolume"
  >;
  /** Lets the registry of this device collect its garbage and gives what it tells; undefined where there is none to ask. */
  registryGc(): ((signal: AbortSignal) => Promise<unknown>) | undefined;
  /** All apps of the device, stopped ones too; undefined while they are not known. May throw. */
  listApps(): readonly DiskUser[] | undefined;
  /** The folders that hold a folder for each compose app. */
  projectFolders: Readonly<Record<Stage, string>>;
  registryUrl(): string;
  /** Runs a program. Throws `command_failed`, also when there is no such program. */
  run(program: string, args: readonly string[], options: { signal: AbortSignal; timeoutMs: number }): Promise<unknown>;
  readFreeBytes(path: string): Promise<number | undefined>;
  clock: Clock;
  log: Log;
}

interface Step {
  name: string;
  limitMs: number;
  /** Gives what is worth telling. */
  run(signal: AbortSignal): Promise<object | void>;
}

const minuteMs = 60_000;

/** The registry is busy for long with it, and while it is nobody can pull. */
const gcPauseMs = 15 * minuteMs;

/** Less than this comes and goes by itself on a device that works. */
const newsBytes = 1024 * 1024;

/** A container's log above this is emptied. */
export const logLimitBytes = 50 * 1024 * 1024;

/** One step after the other, whatever becomes of each. Every step has a deadline, because a full disk wedges engines. */
export class DiskCleanup {
  readonly #parts: DiskCleanupDeps;
  #gcTriedAtMs = -Infinity;
  /** The last failure of each step, so that a lasting one is told once. */
  readonly #failures = new Map<string, string>();

  constructor(parts: DiskCleanupDeps) {
    this.#parts = parts;
  }

  /** Cleans up once; `dataRoot` is the folder of the engine. Throws `canceled` only. */
  async run(dataRoot: string, signal: AbortSignal): Promise<void> {
    for (const step of this.#steps(dataRoot)) {
      throwIfAborted(signal, "Cleaning up the disk");
      await this.#do(step, dataRoot, signal);
    }
  }

  #steps(dataRoot: string): Step[] {
    const { engine, storage } = this.#parts;
    return [
      { name: "registry garbage", limitMs: 5 * minuteMs, run: (signal) => this.#collectGarbage(signal) },
      { name: "dangling images", limitMs: 5 * minuteMs, run: (signal) => engine.pruneDanglingImages(signal) },
      {
        name: "build cache",
        limitMs: 5 * minuteMs,
        run: async (signal) => tell("engineSays", await storage.pruneBuildCache(signal)),
      },
      { name: "volumes", limitMs: 30 * minuteMs, run: (signal) => this.#removeVolumes(signal) },
      { name: "superseded images", limitMs: 30 * minuteMs, run: (signal) => this.#removeImages(signal) },
      this.#command("journal", "journalctl", "--vacuum-size=100M"),
      this.#command("package archives", "apt-get", "clean"),
      {
        name: "container logs",
        limitMs: 2 * minuteMs,
        run: async (signal) => tell("emptiedBytes", await truncateLogs(`${dataRoot}/containers`, signal)),
      },
    ];
  }

  #command(name: string, program: string, ...args: string[]): Step {
    const limitMs = 2 * minuteMs;
    return {
      name,
      limitMs,
      run: async (signal) => {
        await this.#parts.run(program, args, { signal, timeoutMs: limitMs });
      },
    };
  }

  async #do(step: Step, dataRoot: string, signal: AbortSignal): Promise<void> {
    const { readFreeBytes, log } = this.#parts;
    const before = await readFreeBytes(dataRoot);
    try {
      const what = `Cleaning up: ${step.name}`;
      const facts = await within(step.limitMs, step.run, { what, signal });
      const after = await readFreeBytes(dataRoot);
      const freedBytes = before === undefined || after === undefined ? undefined : after - before;
      const hadFailed = this.#failures.delete(step.name);
      const isNews = hadFailed || facts !== undefined || (freedBytes ?? 0) >= newsBytes;
      // In an emergency this comes again every few seconds, and lines need disk.
      log[isNews ? "info" : "debug"]("Cleaned up", { what: step.name, freedBytes, ...facts });
    } catch (error) {
      throwIfAborted(signal, "Cleaning up the disk");
      const isKnown = isNoProgram(error) || this.#failures.get(step.name) === messageOf(error);
      this.#failures.set(step.name, messageOf(error));
      log[isKnown ? "debug" : "warn"]("Cannot clean up", { what: step.name, error });
    }
  }

  async #collectGarbage(signal: AbortSignal): Promise<object | undefined> {
    const { clock, registryGc } = this.#parts;
    const collect = registryGc();
    if (collect === undefined || clock.now() - this.#gcTriedAtMs < gcPauseMs) return undefined;
    this.#gcTriedAtMs = clock.now();
    return { registrySays: await collect(signal) };
  }

  async #removeVolumes(signal: AbortSignal): Promise<object | undefined> {
    const { storage, projectFolders } = this.#parts;
    // The apps are asked for after the volumes: an app that comes in between has no volume in the list.
    const volumes = await storage.listDanglingVolumes(signal);
    const folders = {
      PROD: await foldersIn(projectFolders.PROD),
      DEV: await foldersIn(projectFolders.DEV),
    };
    const names = removableVolumes(volumes, { apps: this.#listApps(), folders }).map(({ name }) => name);
    return await this.#each(names, signal, (name) => storage.removeVolume(name, signal));
  }

  async #removeImages(signal: AbortSignal): Promise<object | undefined> {
    const { storage, registryUrl } = this.#parts;
    const host = localRegistryHost(registryUrl());
    if (host === undefined) return undefined;
    // In this order nothing that comes in between is taken for unwanted.
    const images = await storage.listImages(signal);
    const users = await storage.listContainers(signal);
    const apps = this.#listApps();
    if (apps === undefined) return undefined;
    const tags = supersededTags(images, { host, users, wanted: wantedImages(apps) });
    return await this.#each(tags, signal, (tag) => storage.removeTag(tag, signal));
  }

  /** Apps that cannot be read are not known: then nothing of theirs is touched. */
  #listApps(): readonly DiskUser[] | undefined {
    try {
      return this.#parts.listApps();
    } catch (error) {
      this.#parts.log.debug("Cannot list the apps for the clean-up", { error });
      return undefined;
    }
  }

  /** Removes what can be removed; each has the deadline of its own call. */
  async #each(
    names: readonly string[],
    signal: AbortSignal,
    remove: (name: string) => Promise<void>,
  ): Promise<object | undefined> {
    const removed: string[] = [];
    for (const name of names) {
      throwIfAborted(signal, "Cleaning up the disk");
      try {
        await remove(name);
        removed.push(name);
      } catch (error) {
        throwIfAborted(signal, "Cleaning up the disk");
        this.#parts.log.debug("Cannot remove", { name, error });
      }
    }
    return removed.length === 0 ? undefined : { removed };
  }
}

function tell(name: string, bytes: number): object | undefined {
  return bytes === 0 ? undefined : { [name]: bytes };
}

/** The device works without this program; many do. */
function isNoProgram(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Deno.errors.NotFound;
}

async function foldersIn(path: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(path)) if (isDirectory) names.push(name);
  } catch {
    // Without the folder, or without its names, nothing is taken for a left-over.
    return [];
  }
  return names;
}

/**
 * Empties large logs and gives the bytes that they had. A log that is removed instead would keep its room, because the engine holds it
 * open.
 */
async function truncateLogs(folder: string, signal: AbortSignal): Promise<number> {
  let emptiedBytes = 0;
  try {
    for await (const entry of Deno.readDir(folder)) {
      throwIfAborted(signal, "Emptying logs");
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) emptiedBytes += await truncateLogs(path, signal);
      else if (entry.isFile && entry.name.endsWith(".log")) emptiedBytes += await truncateLarge(path);
    }
  } catch (error) {
    // A container that is removed in this moment takes its files with it.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return emptiedBytes;
}

async function truncateLarge(path: string): Promise<number> {
  const { size } = await Deno.stat(path);
  if (size <= logLimitBytes) return 0;
  await Deno.truncate(path, 0);
  return size;
}
