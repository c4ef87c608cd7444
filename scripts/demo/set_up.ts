/** Installs what the demo needs, and stops when it is interrupted. */

import { installParts, type PartName } from "../testbed/setup/install_parts.ts";
import { runProgram } from "../programs.ts";

/** Installs the project's packages and the given parts. Throws when one is not available, and after a stop. */
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
    // The set-up has failed by now, or it waits for another one, which may take long.
    await Promise.race([installing.catch(() => {}), new Promise((resolve) => setTimeout(resolve, 500))]);
    await endChildren(say);
  }
  stop.throwIfAborted();
  for (const reason of missing?.values() ?? []) throw new Error(reason);
}

/** Ends the programs that the set-up has started, after waiting for Debian packages that are being unpacked. */
async function endChildren(say: (text: string) => void): Promise<void> {
  for (let isPrinted = false;;) {
    const children = await listDescendants();
    if (children.length === 0) return;
    const isUnpacking = children.some(({ name }) => name === "dpkg");
    if (isUnpacking && !isPrinted) {
      isPrinted = true;
      say("The Debian packages that are being installed are finished first.");
    }
    if (!isUnpacking) { for (const { pid } of children) endProgram(pid); }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** All programs below this one. A shell reads the list, because the runtime may not and `ps` may be missing. */
async function listDescendants(): Promise<{ pid: number; name: string }[]> {
  const { stdout } = await runProgram("sh", ["-c", "cat /proc/[0-9]*/stat"]);
  const rows = [...stdout.matchAll(/^(\d+) \((.*)\) (\S) (\d+) /gm)].map(([, pid, name = "", state, parent]) => {
    return { pid: Number(pid), name, parent: Number(parent), isAlive: state !== "Z" };
  });
  const below = (parent: number): typeof rows => {
    return rows.filter((row) => row.parent === parent).flatMap((row) => [row, ...below(row.pid)]);
  };
  // The list contains the shell and its cat.
  return below(Deno.pid).filter(({ name, isAlive }) => isAlive && name !== "cat" && name !== "sh");
}

function endProgram(pid: number): void {
  try {
    Deno.kill(pid, "SIGTERM");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
