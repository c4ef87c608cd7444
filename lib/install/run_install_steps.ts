/** Does the steps of an installation, one after the other. */

import { AgentError, hasCode, textOf } from "../base/errors.ts";
import { makeFolderSync } from "../files/make_folder.ts";
import { fileError } from "../files/os_error.ts";
import { folderOf } from "../files/path_parts.ts";
import { placeCopy, placeLink, placeTextFile } from "../files/place_file.ts";
import { syncFolder } from "../files/sync_folder.ts";
import { type CommandEnd, runCommand } from "../host/command.ts";
import { describeStep, type InstallStep } from "./install_step.ts";

/** What the steps need. */
export interface StepDeps {
  signal: AbortSignal;
  /** A line for people. */
  warn(text: string): void;
  /** Whether the service runs. */
  isRunning(signal: AbortSignal): Promise<boolean>;
  /** Where to look when it does not. */
  hint: string;
}

/** Of one command of the service manager. */
const commandLimitMs = 60_000;

const lookEveryMs = 200;

/** Does them in their order, and throws at the first that fails. */
export async function runInstallSteps(steps: readonly InstallStep[], deps: StepDeps): Promise<void> {
  for (const step of steps) {
    try {
      await runStep(step, deps);
    } catch (error) {
      if (hasCode(error, "command_failed")) throw error;
      throw fileError(`Cannot ${describeStep(step)}`, error);
    }
  }
}

async function runStep(step: InstallStep, deps: StepDeps): Promise<void> {
  switch (step.kind) {
    case "makeFolder":
      return makeFolderSync(step.path, { mode: step.mode });
    case "placeProgram":
      return await placeCopy(step.from, { to: step.to, mode: 0o755 });
    case "writeFile":
      makeFolderSync(folderOf(step.path), { mode: 0o755 });
      return await placeTextFile(step.text, { to: step.path, mode: step.mode });
    case "keepCopy":
      return await keepCopy(step.from, step.to);
    case "link":
      return await placeLink(step.target, { at: step.path });
    case "remove":
      return await removePath(step.path);
    case "run":
      return await runServiceCommand(step, deps);
    case "awaitRunning":
      return await awaitRunning(step.limitMs, deps);
  }
}

async function keepCopy(from: string, to: string): Promise<void> {
  try {
    await Deno.lstat(to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    await placeCopy(from, { to, mode: 0o600 });
  }
}

async function removePath(path: string): Promise<void> {
  try {
    await Deno.remove(path);
    await syncFolder(folderOf(path));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function runServiceCommand(
  { command: [program, ...args], warning }: InstallStep & { kind: "run" },
  { signal, warn }: StepDeps,
): Promise<void> {
  try {
    const end = await runCommand(program, args, { signal, timeoutMs: commandLimitMs });
    if (end.code !== 0) throw new AgentError("command_failed", `${[program, ...args].join(" ")}: ${lastWords(end)}`);
  } catch (error) {
    if (warning === undefined) throw error;
    if (warning !== "") warn(`${warning}: ${textOf(error)}`);
  }
}

function lastWords({ code, stdout, stderr }: CommandEnd): string {
  const lines = (stderr.trim() || stdout.trim()).split("\n").slice(-3).join("; ");
  return lines === "" ? `it ended with ${code}` : lines;
}

async function awaitRunning(limitMs: number, { signal, warn, isRunning, hint }: StepDeps): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!await isRunning(signal)) {
    if (performance.now() > endMs) return warn(`the service does not run yet; ${hint}`);
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}
