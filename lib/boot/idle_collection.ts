/** Gives back the memory that work has left behind, once there is nothing to do. */

import type { Clock } from "../base/clock.ts";
import { isCanceled } from "../base/errors.ts";

/** The heap, in bytes. */
export interface HeapBytes {
  /** By objects, those included that nobody needs any more. */
  used: number;
  /** What the runtime holds for them. */
  held: number;
}

/** What a collection takes. */
export interface IdleCollectionParts {
  readHeap(): HeapBytes;
  /** Frees what nobody needs any more, and gives back what is held for nothing. */
  collect(): void;
  clock: Clock;
}

const lookEveryMs = 10_000;

/** Who makes less between two looks has nothing to do; an agent at rest makes some kilobytes. */
const quietBytes = 512 * 1024;

/** Less is not worth a collection, which holds up everything for some fifty milliseconds. */
const worthBytes = 2 * 1024 * 1024;

/**
 * Looks every 10 s, and collects when little was made since the last look and the heap has grown much since the last collection. The
 * runtime collects only while it makes objects, and would hold what the last work took for hours. Resolves when `signal` ends.
 */
export async function collectWhenIdle(parts: IdleCollectionParts, signal: AbortSignal): Promise<void> {
  const { readHeap, collect, clock } = parts;
  // What the start took is too much also.
  let leastHeld = 0;
  let last = readHeap();
  while (!signal.aborted) {
    try {
      await clock.sleep(lookEveryMs, signal);
    } catch (error) {
      if (isCanceled(error)) return;
      throw error;
    }
    let heap = readHeap();
    // The runtime gives some back by itself.
    leastHeld = Math.min(leastHeld, heap.held);
    if (heap.used - last.used < quietBytes && heap.held - leastHeld > worthBytes) {
      collect();
      heap = readHeap();
      leastHeld = heap.held;
    }
    last = heap;
  }
}

/** Does that with the runtime's own heap, where the runtime was asked to give its collection away (`--expose-gc`). Never throws. */
export async function keepHeapSmall(clock: Clock, signal: AbortSignal): Promise<void> {
  const gc: unknown = Reflect.get(globalThis, "gc");
  if (typeof gc !== "function") return;
  const readHeap = () => {
    const { heapUsed, heapTotal } = Deno.memoryUsage();
    return { used: heapUsed, held: heapTotal };
  };
  // A usual collection keeps the pages for what will be made next.
  const collect = () => void gc({ type: "major", execution: "sync", flavor: "last-resort" });
  await collectWhenIdle({ readHeap, collect, clock }, signal);
}
