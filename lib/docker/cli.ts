/** The `docker` command line, for what the engine's own interface does not offer in one call. */

import { AgentError } from "../base/errors.ts";
import type { runCommand } from "../host/command.ts";

/** Runs a program to its end. */
export type RunProgram = typeof runCommand;

/**
 * Removes everything that no running container uses, volumes included, and returns what the program printed. Throws
 * `command_failed` with the program's complaint, `timeout` and `canceled`.
 */
export async function pruneSystem(
  run: RunProgram,
  options: { signal: AbortSignal; timeoutMs: number },
): Promise<string> {
  const end = await run("docker", ["system", "prune", "-af", "--volumes"], options);
  if (end.code === 0) return end.stdout;
  const complaint = end.stderr.trim() || end.stdout.trim();
  throw new AgentError("command_failed", `Cannot prune the engine: exit status ${end.code}: ${complaint}`);
}
