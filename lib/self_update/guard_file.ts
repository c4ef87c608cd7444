/** Keeps the start guard on the disk as this version has it. */

import type { Log } from "../base/log.ts";
import { placeWritten } from "../files/place_file.ts";
import { mustRunCommand } from "../host/command.ts";
import { guardFiles, startGuardScript } from "./start_guard.ts";

/** A shell reads the script within this time. */
const syntaxLimitMs = 10_000;

/**
 * Replaces the guard in the agent's folder if it is there and has another text. Not to be called on probation: the
 * guard that watches a version is that of the version before. Never throws.
 */
export async function refreshGuard(agentDir: string, { log }: { log: Log }, signal: AbortSignal): Promise<void> {
  const path = `${agentDir}/${guardFiles.guard}`;
  const text = startGuardScript();
  try {
    if (!(await Deno.lstat(path)).isFile || await Deno.readTextFile(path) === text) return;
    await placeWritten({ to: path, mode: 0o755 }, async (next) => {
      await Deno.writeTextFile(next, text, { createNew: true, mode: 0o755 });
      // A guard that this machine's shell cannot read would be the end of the agent.
      await mustRunCommand("sh", ["-n", next], { signal, timeoutMs: syntaxLimitMs });
    });
    log.info("The start guard is that of this version", { path });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    log.warn("Cannot renew the start guard", { path, error });
  }
}
