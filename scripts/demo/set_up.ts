/** Installs what the demo needs, and ends that when somebody interrupts it. */

import { installParts, type PartName } from "../testbed/setup/install_parts.ts";
import { runProgram } from "../programs.ts";

/** Installs the project's packages and these parts. Throws with the reason when one cannot be had, and after a stop. */
export async function setUp(
  wanted: readonly PartName[],
  { say, stop }: { say: (text: string) => void; stop: AbortSignal },
): Promise<void> {
  stop.throwIfAborted();
  const installing = installParts((text) => stop.aborted || say(`Set-up: ${text}`), { wanted });
  const stopped = new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve(), { once: true }));
  const missing = await Promise.race([installing, stopped]);
  if (stop.aborted) {
    await endChildren(say);
    // What it was doing has failed by that; it may also wait for another set-up, which may take its time.
    await Promise.race([installing.catch(() => {}), new Promise((resolve) => setTimeout(resolve, 500))]);
    await endChildren(say);
  }
  stop.throwIfAborted();
  for (const reason of missing?.values() ?? []) throw new Error(reason);
}

/**
 * Ends the programs that set-up has started. Debian packages that are being unpacked are finished: half of one is no
 * use.
 */
async function endChildren(say: (text: string) => void): Promise<void> {
  for (let isTold = false;;) {
    const children = await listDescendants();
    if (children.length === 0) return;
    const isUnpacking = children.some(({ name }) => name === "dpkg");
    if (isUnpacking && !isTold) {
      isTold = true;
      say("The Debian packages that are being installed are finished first.");
    }
    if (!isUnpacking) { for (const { pid } of children) endProgram(pid); }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** All programs below this one. The shell reads the list, because the runtime may not and `ps` may be missing. */
async function listDescendants(): Promise<{ pid: number; name: string }[]> {
  const { stdout } = await runProgram("sh", ["-c", "cat /proc/[0-9]*/stat"]);
  const rows = [...stdout.matchAll(/^(\d+) \((.*)\) (\S) (\d+) /gm)].map(([, pid, name = "", state, parent]) => {
    return { pid: Number(pid), name, parent: Number(parent), isAlive: state !== "Z" };
  });
  const below = (parent: number): typeof rows => {
    return rows.filter((row) => row.parent === parent).flatMap((row) => [row, ...below(row.pid)]);
  };
  // The shell and its cat are in the list themselves.
  return below(Deno.pid).filter(({ name, isAlive }) => isAlive && name !== "cat" && name !== "sh");
}

function endProgram(pid: number): void {
  try {
    Deno.kill(pid, "SIGTERM");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
