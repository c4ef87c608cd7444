/** Gives back the memory that work has left behind, once there is nothing to do. */

import type { Clock } from "../async/clock.ts";
import { isCanceled } from "../base/errors.ts";

/** What the process has used and holds. */
export interface Usage {
  /** Milliseconds of a processor since its start. */
  processorMs: number;
  /** What the runtime holds for objects, in bytes. */
  heldBytes: number;
}

/** What a collection takes. */
export interface IdleGcDeps {
  readUsage(): Usage;
  /** Frees what nobody needs any more, and gives back what is held for nothing. */
  collect(): void;
  clock: Clock;
}

const lookEveryMs = 10_000;

/** Who has used less of a processor since the last look has nothing to do; an agent at rest uses a tenth of it. */
const quietShare = 0.02;

/** Less is not worth a collection, which holds up everything for some fifty milliseconds. */
const worthBytes = 2 * 1024 * 1024;

/**
 * Looks every 10 s, and collects when little was done since the last look and the heap has grown much since the last collection. The
 * runtime collects only while it makes objects, and would hold what the last work took for hours. Resolves when `signal` ends.
 */
export async function collectWhenIdle(parts: IdleGcDeps, signal: AbortSignal): Promise<void> {
  const { readUsage, collect, clock } = parts;
  // What the start took is too much also.
  let leastBytes = 0;
  let last = { ...readUsage(), atMs: clock.now() };
  while (!signal.aborted) {
    try {
      await clock.sleep(lookEveryMs, signal);
    } catch (error) {
      if (isCanceled(error)) return;
      throw error;
    }
    const usage = { ...readUsage(), atMs: clock.now() };
    const share = (usage.processorMs - last.processorMs) / (usage.atMs - last.atMs);
    last = usage;
    // The runtime gives some back by itself.
    leastBytes = Math.min(leastBytes, usage.heldBytes);
    if (share >= quietShare || usage.heldBytes - leastBytes <= worthBytes) continue;
    collect();
    last = { ...readUsage(), atMs: clock.now() };
    leastBytes = last.heldBytes;
  }
}

/** Does that with the runtime's own heap, where the runtime was asked to give its collection away (`--expose-gc`). Never throws. */
export async function keepHeapSmall(clock: Clock, signal: AbortSignal): Promise<void> {
  const gc: unknown = Reflect.get(globalThis, "gc");
  if (typeof gc !== "function") return;
  const { cpuUsage } = await import("node:process");
  const readUsage = () => {
    const { user, system } = cpuUsage();
    return { processorMs: (user + system) / 1_000, heldBytes: Deno.memoryUsage().heapTotal };
  };
  // A usual collection keeps the pages for what will be made next.
  const collect = () => void gc({ type: "major", execution: "sync", flavor: "last-resort" });
  await collectWhenIdle({ readUsage, collect, clock }, signal);
}
