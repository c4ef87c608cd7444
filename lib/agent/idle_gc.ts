/** Returns memory to the system when the agent is idle. */

import type { Clock } from "../async/clock.ts";
import { isCanceled } from "../base/errors.ts";

/** Resources of the process. */
export interface Usage {
  /** Processor time since the start of the process. */
  processorMs: number;
  /** The size of the heap. */
  heapBytes: number;
}

/** The runtime's collector, and when to use it. */
export interface IdleGcDeps {
  readUsage(): Usage;
  /** Collects garbage and returns unused pages to the system. */
  collect(): void;
  clock: Clock;
}

const checkEveryMs = 10_000;

/** An agent that has used less of a processor since the last check is idle; it uses a tenth of that. */
const idleShare = 0.02;

/** A smaller gain is not worth a collection, which blocks the event loop for some 50 ms. */
const worthBytes = 2 * 1024 * 1024;

/**
 * Checks every 10 s, and collects when the agent was idle since the last check and the heap has grown since the last
 * collection. The runtime by itself collects only while it allocates, and would keep the memory of the last work for
 * hours. Resolves when `signal` ends.
 */
export async function collectWhenIdle(deps: IdleGcDeps, signal: AbortSignal): Promise<void> {
  const { readUsage, collect, clock } = deps;
  // Zero, so that the first idle check collects what the start has left.
  let leastBytes = 0;
  let last = { ...readUsage(), atMs: clock.now() };
  while (!signal.aborted) {
    try {
      await clock.sleep(checkEveryMs, signal);
    } catch (error) {
      if (isCanceled(error)) return;
      throw error;
    }
    const usage = { ...readUsage(), atMs: clock.now() };
    const share = (usage.processorMs - last.processorMs) / (usage.atMs - last.atMs);
    last = usage;
    // The runtime also shrinks the heap by itself.
    leastBytes = Math.min(leastBytes, usage.heapBytes);
    if (share >= idleShare || usage.heapBytes - leastBytes <= worthBytes) continue;
    collect();
    last = { ...readUsage(), atMs: clock.now() };
    leastBytes = last.heapBytes;
  }
}

/** Does that with the runtime's own collector, if it is exposed (`--expose-gc`). Never throws. */
export async function keepHeapSmall(clock: Clock, signal: AbortSignal): Promise<void> {
  if (exposedCollector() === undefined) return;
  const { cpuUsage } = await import("node:process");
  const readUsage = () => {
    const { user, system } = cpuUsage();
    return { processorMs: (user + system) / 1_000, heapBytes: Deno.memoryUsage().heapTotal };
  };
  // An ordinary collection keeps the pages for later allocations.
  const collect = () => exposedCollector()?.({ type: "major", execution: "sync", flavor: "last-resort" });
  await collectWhenIdle({ readUsage, collect, clock }, signal);
}

/**
 * Collects garbage in the middle of work, if the collector is exposed. It blocks the event loop for some 20 ms, so what
 * is about to be sent goes first: whoever waits for it works meanwhile.
 */
export function collectGarbage(): void {
  const collect = exposedCollector();
  if (collect !== undefined) setTimeout(() => collect({ type: "major", execution: "sync" }), 0);
}

function exposedCollector(): ((options: object) => void) | undefined {
  const gc: unknown = Reflect.get(globalThis, "gc");
  return typeof gc === "function" ? (options) => void gc(options) : undefined;
}
