/** Reads from Linux's process list which signals the first process of a container reacts to. */

import { type ContainerProcess, isInContainer } from "./process_idle.ts";

/**
 * True when the first process of a container does something of its own about a signal: it has a handler for it, or has
 * blocked it to wait for it, as init programs do. False when it has done neither: the kernel keeps signals without a
 * handler from the first process of a container, or it ends of them at once. Undefined when this cannot be read: the
 * container has ended, or runs on another machine. Never throws.
 *
 * Source: proc(5), `/proc/<pid>/status`; pid_namespaces(7).
 */
export function handlesSignal(
  container: ContainerProcess,
  signal: number,
  { read = Deno.readTextFileSync, procDir = "/proc" }: { read?: (path: string) => string; procDir?: string } = {},
): boolean | undefined {
  if (!isInContainer(container, { read, procDir })) return undefined;
  try {
    const status = read(`${procDir}/${container.pid}/status`);
    const masks = ["SigCgt", "SigBlk"].map((name) => maskOf(status, name));
    return masks.some((mask) => (mask >> BigInt(signal - 1) & 1n) === 1n);
  } catch {
    // The process may end at any moment, and some systems have no such files.
    return undefined;
  }
}

/** Bit 0 is signal 1. Throws when the line is missing. */
function maskOf(status: string, name: string): bigint {
  const [, digits] = new RegExp(`^${name}:\\s*([0-9a-f]+)$`, "m").exec(status) ?? [];
  if (digits === undefined) throw new Error(`There is no ${name}`);
  return BigInt(`0x${digits}`);
}
