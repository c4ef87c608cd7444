/** The figures of the device: processors, memory, storage. */

import { statfs } from "node:fs/promises";
import { cpus } from "node:os";
import { type Clock, systemClock } from "../async/clock.ts";
import { cachedRead } from "../async/cached_read.ts";

/** What a status report and `get_storage_data` carry, under the names of the wire. Bytes, if not said otherwise. */
export interface Stats {
  /** Logical processors. */
  cpu_count: number;
  /** Percent of all processors together, since the call before. */
  cpu_usage: number;
  memory_total: number;
  memory_used: number;
  memory_available: number;
  /** Of the file system of `/`. */
  storage_total: number;
  storage_used: number;
  storage_free: number;
  /** Of the file system that apps are kept on; 0 when there is none. */
  docker_apps_total: number;
  docker_apps_used: number;
  docker_apps_free: number;
  /** True when that is a file system of its own. */
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
 * Bytes of a file system; `used` counts what is not free at all, `free` what programs without special rights can have.
 */
export interface FileSystemSize {
  total: number;
  used: number;
  free: number;
}

/** A reading serves for this long: asking the system again and again would keep the agent from everything else. */
const statsAgeMs = 100;

/**
 * Reads the figures. Use of the processors is counted from one reading to the next, first from the construction. Calls within 100 ms
 * of a reading share it.
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

  /** Never throws: a figure that cannot be read is 0. */
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

/** The figures as one record. Pure. */
export function toStats(parts: {
  processors: number;
  usage: number;
  memory: MemorySize;
  storage: FileSystemSize;
  apps: FileSystemSize;
}): Stats {
  const { memory, storage, apps } = parts;
  return {
    cpu_count: parts.processors,
    cpu_usage: parts.usage,
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

/** Reads Linux's `/proc/stat`. Waiting counts as idle; time of guests is part of `user` and `nice` already. Pure. */
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
 * Reads Linux's `/proc/meminfo`; bytes. Kernels before 3.14 do not say what is available; free memory stands in for it.
 * Pure.
 */
export function parseMemory(text: string): MemorySize {
  const bytesOf = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB`, "m").exec(text)?.[1] ?? 0) * 1024;
  return { total: bytesOf("MemTotal"), available: bytesOf("MemAvailable") || bytesOf("MemFree") };
}

// The runtime reads /proc only for programs with all permissions; else its own figures serve, which do not know of
// waiting.
function readTimes(): ProcessorTimes {
  const text = readProc("/proc/stat");
  if (text !== undefined) return parseProcessorTimes(text);
  const processors = cpus();
  const sum = (pick: (times: typeof processors[number]["times"]) => number) =>
    processors.reduce((total, { times }) => total + pick(times), 0);
  const busy = sum((times) => times.user + times.nice + times.sys + times.irq);
  return { count: processors.length, busy, total: busy + sum((times) => times.idle) };
}

function readMemory(): MemorySize {
  const text = readProc("/proc/meminfo");
  if (text !== undefined) return parseMemory(text);
  const { total, available } = Deno.systemMemoryInfo();
  return { total, available };
}

function readProc(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // Not Linux, or not allowed: the caller has another source.
    return undefined;
  }
}

async function readFileSystem(path: string): Promise<FileSystemSize> {
  try {
    const { bsize, blocks, bfree, bavail } = await statfs(path);
    return { total: blocks * bsize, used: (blocks - bfree) * bsize, free: bavail * bsize };
  } catch {
    // No such folder, or nobody to ask: 0.
    return { total: 0, used: 0, free: 0 };
  }
}
