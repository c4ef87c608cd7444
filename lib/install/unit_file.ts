/** Reads what a unit of systemd says. Pure. */

import { splitUnitLine } from "./unit_words.ts";

/** A line of a section. */
export interface UnitSetting {
  section: string;
  key: string;
  value: string;
}

/** What is wanted from a unit that starts an agent. */
export interface UnitFacts {
  /** The program and its arguments; empty when the unit starts nothing that can be read. */
  command: string[];
  /** Relative paths in the command are relative to it. */
  workingDirectory: string;
  /** The units that it waits for. */
  after: string[];
  /** Lines of the section `[Service]` that set environment variables, as they are. */
  environmentLines: string[];
  /** Lines that start other programs, or change the user: as they are. */
  otherLines: string[];
  /** This program has written it. */
  isOurs: boolean;
}

/** The name that `system_restart_agent`, and everything that works with the reference agent, knows. */
export const unitName = "reagent.service";

/** Where systemd keeps the units of the operator. */
export const unitFolder = "/etc/systemd/system";

/** Where systemd looks for units, the ones that count first. Source: systemd.unit(5). */
export const unitFolders: readonly string[] = [
  unitFolder,
  "/run/systemd/system",
  "/usr/local/lib/systemd/system",
  "/usr/lib/systemd/system",
  "/lib/systemd/system",
];

/** A unit that is larger is not read. */
export const unitLimitBytes = 256 * 1024;

/** The first line of units that this program writes. */
export const unitMark = "# Written by reagent service install, which replaces it.";

const otherKeys = /^(Exec(StartPre|StartPost|Stop|StopPost|Condition|Reload)|User|Group)$/;

/** All settings, with continued lines joined; comments are left out. */
export function readUnitSettings(text: string): UnitSetting[] {
  let section = "";
  const settings: UnitSetting[] = [];
  for (const line of text.replaceAll(/\\\r?\n\s*/g, " ").split(/\r?\n/).map((each) => each.trim())) {
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
    const name = /^\[(.*)\]$/.exec(line)?.[1];
    if (name !== undefined) {
      section = name;
      continue;
    }
    const equals = line.indexOf("=");
    if (equals > 0) {
      settings.push({ section, key: line.slice(0, equals).trim(), value: line.slice(equals + 1).trim() });
    }
  }
  return settings;
}

/** What the unit says of the agent. An empty value takes back what was said before, as in systemd. */
export function readUnitFacts(text: string): UnitFacts {
  const facts: UnitFacts = {
    command: [],
    workingDirectory: "/",
    after: [],
    environmentLines: [],
    otherLines: [],
    isOurs: text.startsWith(unitMark),
  };
  for (const { section, key, value } of readUnitSettings(text)) {
    if (section === "Unit" && key === "After") {
      facts.after = value === "" ? [] : [...facts.after, ...value.split(/\s+/)];
    }
    if (section !== "Service") continue;
    if (key === "ExecStart") facts.command = readCommand(value);
    if (key === "WorkingDirectory") facts.workingDirectory = value.replace(/^-/, "") || "/";
    if (key === "Environment" || key === "EnvironmentFile") facts.environmentLines.push(`${key}=${value}`);
    if (otherKeys.test(key) && value !== "") facts.otherLines.push(`${key}=${value}`);
  }
  return facts;
}

/** The flags in the command of an agent, whatever starts it: our guard has the agent's folder in front of them. */
export function flagsIn(command: readonly string[]): string[] {
  const first = command.findIndex((word, index) => index > 0 && word.startsWith("-"));
  return first < 0 ? [] : command.slice(first);
}

/** The variables that lines `Environment=` of a unit set. An empty line takes back what was said before. */
export function readUnitVariables(text: string): Record<string, string> {
  let variables: Record<string, string> = {};
  for (const { section, key, value } of readUnitSettings(text)) {
    if (section !== "Service" || key !== "Environment") continue;
    if (value === "") variables = {};
    for (const word of splitUnitLine(value) ?? []) {
      const [, name, of = ""] = /^(\w+)=(.*)$/s.exec(word) ?? [];
      if (name !== undefined) variables[name] = of;
    }
  }
  return variables;
}

/** Before the program there may be marks such as `-` and `+`. Variables are not replaced. */
function readCommand(value: string): string[] {
  const words = splitUnitLine(value.replace(/^[-@:+!|]+/, "")) ?? [];
  return words.map((word) => word.replaceAll("$$", () => "$"));
}
