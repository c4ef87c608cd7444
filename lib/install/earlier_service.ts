/** Looks for an agent that is a service of this machine already: ours, or the reference agent. */

import { readSystemFile } from "../host/system_file.ts";
import type { EarlierCommand } from "./service_settings.ts";
import type { EarlierUnit } from "./systemd_plan.ts";
import { findUnit, type FoundUnit } from "./find_unit.ts";
import { readUnitFacts, unitFolder, unitName } from "./unit_file.ts";

/** The unit that counts; undefined when there is none. */
export function findEarlierUnit(): EarlierUnit | undefined {
  const unit = findUnit();
  return unit === undefined ? undefined : earlierUnitOf(unit);
}

/** What a unit says; its command is the one that its drop-ins have made of it, the rest stays in them. Pure. */
export function earlierUnitOf({ path, text, dropIns }: FoundUnit): EarlierUnit {
  const { command, workingDirectory } = readUnitFacts([text, ...dropIns.map((dropIn) => dropIn.text)].join("\n"));
  const others = dropIns.filter((dropIn) => readUnitFacts(dropIn.text).command.length > 0);
  const facts = { ...readUnitFacts(text), command, workingDirectory };
  return { path, facts, overrides: others.map((dropIn) => dropIn.path) };
}

/** Links that start the unit at another moment of the boot than ours; enabling ours does not remove them. */
export async function findStaleLinks(): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(unitFolder)) {
    if (!isDirectory || !/\.(wants|requires)$/.test(name) || name === "multi-user.target.wants") continue;
    const path = `${unitFolder}/${name}/${unitName}`;
    if (await Deno.lstat(path).then(() => true, () => false)) found.push(path);
  }
  return found.sort();
}

/** The flags of an agent that runs, from the list of processes. Only as root. */
export function findRunningCommand(): EarlierCommand | undefined {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    const words = readSystemFile(`/proc/${name}/cmdline`)?.split("\0").slice(0, -1) ?? [];
    const program = words.findIndex((word) => /(^|\/)reagent[^/]*$/i.test(word));
    const args = words.slice(program + 1);
    if (program < 0 || !args.some((arg) => /^--?config(=|$)/.test(arg))) continue;
    return { args, workingDirectory: workingDirectoryOf(name) };
  }
  return undefined;
}

function workingDirectoryOf(pid: string): string {
  try {
    return Deno.readLinkSync(`/proc/${pid}/cwd`);
  } catch {
    // It has just ended; systemd starts services in the root.
    return "/";
  }
}
