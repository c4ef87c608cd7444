/** Measurements of the device: processors, memory, storage. */

import { statfs } from "node:fs/promises";
import { cpus } from "node:os";
import { type Clock, systemClock } from "../async/clock.ts";
import { cachedRead } from "../async/cached_read.ts";
import { within } from "../async/deadline.ts";
import { readSystemFile } from "./system_file.ts";

/** What status reports and `get_storage_data` contain, with the names of the wire. In bytes unless noted otherwise. */
export interface Stats {
  /** Logical processors. */
  cpu_count: number;
  /** Percent of all processors together, since the last reading. */
  cpu_usage: number;
  memory_total: number;
  memory_used: number;
  memory_available: number;
  /** Of the file system of `/`. */
  storage_total: number;
  storage_used: number;
  storage_free: number;
  /** Of the file system for apps; 0 when there is none. */
  docker_apps_total: number;
  docker_apps_used: number;
  docker_apps_free: number;
  /** True when that is a separate file system. */
  docker_apps_mounted: boolean;
}

/** Time that all processors together have spent, in any unit. */
export interface ProcessorTimes {
  count: number;
  busy: number;
  total: number;
}

/** Bytes of memory. */
export interface MemorySize {
  total: number;
  available: number;
}

/**
 * Bytes of a file system. `used` counts what is not free for anyone, `free` what programs without special rights can
 * use.
 */
export interface FileSystemSize {
  total: number;
  used: number;
  free: number;
}

/** A file system behind a lost network connection never answers. */
const fileSystemLimitMs = 5_000;

/** A reading is shared for this long: reading again and again would keep the agent from everything else. */
const statsAgeMs = 100;

/**
 * Reads the stats. Processor use is measured from one reading to the next, the first time from the construction.
 * Calls within 100 ms of a reading share it.
 */
export class StatsReader {
  readonly #appsFolder: string;
  readonly #readShared: () => Promise<Stats>;
  #times: ProcessorTimes;
  #usage = 0;

  /** `appsFolder` is where a second file system for apps is mounted on some devices. */
  constructor(options: { appsFolder?: string; clock?: Pick<Clock, "now"> } = {}) {
    this.#appsFolder = options.appsFolder ?? "/opt/reagent/docker-apps";
    this.#readShared = cachedRead(() => this.#read(), { forMs: statsAgeMs, clock: options.clock ?? systemClock });
    this.#times = readTimes();
  }

  /** Never throws: what cannot be read is 0. */
  async read(): Promise<Stats> {
    return await this.#readShared();
  }

  async #read(): Promise<Stats> {
    const times = readTimes();
    this.#usage = usagePercent(this.#times, times) ?? this.#usage;
    this.#times = times;
    const [storage, apps] = await Promise.all([readFileSystem("/"), readFileSystem(this.#appsFolder)]);
    return toStats({ processors: times.count, usage: this.#usage, memory: readMemory(), storage, apps });
  }
}

/** The measurements as one record. Pure. */
export function toStats(measured: {
  processors: number;
  usage: number;
  memory: MemorySize;
  storage: FileSystemSize;
  apps: FileSystemSize;
}): Stats {
  const { memory, storage, apps } = measured;
  return {
    cpu_count: measured.processors,
    cpu_usage: measured.usage,
    memory_total: memory.total,
    memory_used: Math.max(memory.total - memory.available, 0),
    memory_available: memory.available,
    storage_total: storage.total,
    storage_used: storage.used,
    storage_free: storage.free,
    docker_apps_total: apps.total,
    docker_apps_used: apps.used,
    docker_apps_free: apps.free,
    docker_apps_mounted: apps.total !== 0 && apps.total !== storage.total,
  };
}

/** Percent with two decimals between two readings; undefined when no time has passed between them. */
export function usagePercent(before: ProcessorTimes, after: ProcessorTimes): number | undefined {
  const total = after.total - before.total;
  if (total <= 0) return undefined;
  const percent = (after.busy - before.busy) / total * 100;
  return Math.round(Math.min(Math.max(percent, 0), 100) * 100) / 100;
}

/**
 * Parses Linux's `/proc/stat`. Waiting for a disk counts as idle; `user` and `nice` include the time of guests. Pure.
 */
export function parseProcessorTimes(text: string): ProcessorTimes {
  const line = /^cpu +(.*)$/m.exec(text)?.[1] ?? "";
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = line.split(/\s+/).map(
    Number,
  );
  const busy = user + nice + system + irq + softirq + steal;
  const count = text.match(/^cpu\d+ /gm)?.length ?? 0;
  return Number.isFinite(busy) ? { count, busy, total: busy + idle + iowait } : { count, busy: 0, total: 0 };
}

/**
 * Parses Linux's `/proc/meminfo`. Kernels before 3.14 do not report available memory; free memory replaces it. Pure.
 */
export function parseMemory(text: string): MemorySize {
  const bytesOf = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB`, "m").exec(text)?.[1] ?? 0) * 1024;
  return { total: bytesOf("MemTotal"), available: bytesOf("MemAvailable") || bytesOf("MemFree") };
}

// The runtime shows /proc only to programs with all permissions. Its own numbers, which replace it, leave out waiting.
function readTimes(): ProcessorTimes {
  const text = readSystemFile("/proc/stat");
  if (text !== undefined) return parseProcessorTimes(text);
  const processors = cpus();
  const sum = (pick: (times: typeof processors[number]["times"]) => number) =>
    processors.reduce((total, { times }) => total + pick(times), 0);
  const busy = sum((times) => times.user + times.nice + times.sys + times.irq);
  return { count: processors.length, busy, total: busy + sum((times) => times.idle) };
}

function readMemory(): MemorySize {
  const text = readSystemFile("/proc/meminfo");
  if (text !== undefined) return parseMemory(text);
  const { total, available } = Deno.systemMemoryInfo();
  return { total, available };
}

async function readFileSystem(path: string): Promise<FileSystemSize> {
  try {
    const what = `Reading the size of "${path}"`;
    const { bsize, blocks, bfree, bavail } = await within(fileSystemLimitMs, () => statfs(path), { what });
    return { total: blocks * bsize, used: (blocks - bfree) * bsize, free: bavail * bsize };
  } catch {
    // No such folder, or no answer.
    return { total: 0, used: 0, free: 0 };
  }
}
