/** Finds out how the agent of this machine is started, for commands that were not told. */

import { readEnvironmentText } from "../install/environment_file.ts";
import { findUnit, type FoundUnit } from "../install/find_unit.ts";
import { flagsIn, readUnitFacts, readUnitVariables, unitLimitBytes } from "../install/unit_file.ts";

/** How the agent is started. */
export interface AgentStart {
  /** Its flags. */
  args: string[];
  /** Variables that are set for it. */
  environment: Record<string, string>;
}

/**
 * Reads the unit that counts, its drop-ins, and the files with variables that it names. In a container there is none,
 * and the agent is process 1. Nothing where neither says how the agent is started.
 */
export function readAgentStart(): AgentStart {
  const unit = findUnitOrNothing();
  if (unit !== undefined) {
    const texts = [unit.text, ...unit.dropIns.map(({ text }) => text)];
    return startOf(texts.join("\n"), readTextIfThere);
  }
  return { args: firstProcessArguments(readTextIfThere("/proc/1/cmdline") ?? ""), environment: {} };
}

function findUnitOrNothing(): FoundUnit | undefined {
  try {
    return findUnit();
  } catch {
    // It is not for this user to read.
    return undefined;
  }
}

/**
 * What a unit, with its drop-ins behind it, says of the agent: the flags of the program, whatever starts it, and the
 * variables of the unit and of the files that it names, which win as in systemd. Pure but for `readFile`.
 */
export function startOf(unit: string, readFile: (path: string) => string | undefined): AgentStart {
  const { command, environmentLines } = readUnitFacts(unit);
  const files = environmentLines.flatMap((line) => /^EnvironmentFile=-?(\/.*)$/.exec(line)?.[1] ?? []);
  const environment = Object.assign(
    readUnitVariables(unit),
    ...files.map((path) => readEnvironmentText(readFile(path) ?? "")),
  );
  return { args: flagsIn(command), environment };
}

/** The arguments of an agent from what the system has of its command line; none of another program. Pure. */
export function firstProcessArguments(commandLine: string): string[] {
  const words = commandLine.split("\0").slice(0, -1);
  const program = words.findIndex((word) => /(?:^|\/)reagent(?:\.js)?$/.test(word));
  return program < 0 ? [] : words.slice(program + 1);
}

function readTextIfThere(path: string): string | undefined {
  try {
    if (Deno.statSync(path).size > unitLimitBytes) return undefined;
    return Deno.readTextFileSync(path);
  } catch {
    // No such file, or none that this user may read.
    return undefined;
  }
}
