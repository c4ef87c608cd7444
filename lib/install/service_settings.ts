/**
 * Decides with which flags the service runs the agent: those that are given, and those of the installation before.
 * Pure.
 */

import { flagTable } from "../flags.ts";
import { flagDefaults, type HostPlatform } from "../flags/defaults.ts";
import { type GivenFlag, scanFlags } from "../flags/grammar.ts";

/** Every path of the service is explicit and absolute. */
export interface ServiceSettings {
  config: string;
  agentDir: string;
  appsDir: string;
  dbFileName: string;
  logFile: string;
  /** Other flags, each once. */
  otherFlags: GivenFlag[];
}

/** How the agent has been started so far. */
export interface EarlierCommand {
  /** Behind the program. */
  args: readonly string[];
  workingDirectory: string;
}

/** What the settings are decided from. */
export interface SettingsInput {
  /** From the command line of `service install`. */
  given: readonly GivenFlag[];
  earlier: EarlierCommand | undefined;
  /** Relative paths on the command line are relative to it. */
  workingDirectory: string;
  platform: HostPlatform;
  /** The folder of the agent unless something else is said. */
  agentDir: string;
}

const pathFlags = ["config", "agentDir", "appsDir", "dbFileName", "logFile"] as const;
type PathFlag = typeof pathFlags[number];

/** Without these an installation that cannot be read could lose its apps. */
const dataFlags: readonly PathFlag[] = ["config", "agentDir", "appsDir", "dbFileName"];

/** The settings, or why there are none: one sentence. */
export function decideSettings(
  input: SettingsInput,
): { kind: "settings"; settings: ServiceSettings } | { kind: "error"; text: string } {
  const earlier = readEarlier(input);
  if (earlier.kind === "unreadable" && dataFlags.some((name) => pathIn(input.given, name) === undefined)) {
    const names = dataFlags.map((name) => `-${name}`).join(", ");
    return { kind: "error", text: `the installation that is there cannot be read (${earlier.text}); give ${names}` };
  }
  const paths = decidePaths(input, earlier.kind === "flags" ? earlier.given : undefined);
  const { config, agentDir, appsDir, dbFileName, logFile } = paths;
  if (config === undefined) return { kind: "error", text: "-config is required: the .flock file of the device" };
  const wrong = Object.values(paths).find((path) => path !== undefined && hasControlCharacter(path));
  if (wrong !== undefined) return { kind: "error", text: "a path has a control character" };
  const others = otherFlags([...earlier.kind === "flags" ? earlier.given : [], ...input.given]);
  return { kind: "settings", settings: { config, agentDir, appsDir, dbFileName, logFile, otherFlags: others } };
}

/** The arguments of the agent, all of them explicit. */
export function agentArguments(settings: ServiceSettings): string[] {
  const { otherFlags } = settings;
  return [
    ...pathFlags.flatMap((name) => [`-${name}`, settings[name]]),
    ...otherFlags.map(({ name, value }) => `-${name}=${value}`),
  ];
}

type Earlier = { kind: "none" } | { kind: "unreadable"; text: string } | { kind: "flags"; given: GivenFlag[] };

function readEarlier({ earlier, platform }: SettingsInput): Earlier {
  if (earlier === undefined) return { kind: "none" };
  const kinds = new Map(flagTable(platform).map(({ name, kind }) => [name, kind]));
  const scanned = scanFlags(earlier.args, { kinds });
  switch (scanned.kind) {
    case "help":
      return { kind: "unreadable", text: "it prints the help" };
    case "error":
      return { kind: "unreadable", text: scanned.text };
    case "flags": {
      const base = earlier.workingDirectory;
      return { kind: "flags", given: scanned.given.map((flag) => withAbsolutePath(flag, { base, platform })) };
    }
  }
}

function decidePaths(
  input: SettingsInput,
  earlier: readonly GivenFlag[] | undefined,
): Omit<ServiceSettings, "config" | "otherFlags"> & { config: string | undefined } {
  const { platform, workingDirectory: base } = input;
  const given = input.given.map((flag) => withAbsolutePath(flag, { base, platform }));
  const defaults = flagDefaults(platform);
  const find = (name: PathFlag) => pathIn(given, name) ?? (earlier === undefined ? undefined : pathIn(earlier, name));
  const agentDir = find("agentDir") ?? (earlier === undefined ? input.agentDir : defaults.agentDir);
  const separator = platform.os === "windows" ? "\\" : "/";
  // Of an agent that was there before, these do not follow its folder: its data stays where it is.
  const below = (name: string, usual: string) => earlier === undefined ? `${agentDir}${separator}${name}` : usual;
  const log = platform.os === "windows" ? `${agentDir}\\reagent.log` : defaults.logFile;
  return {
    config: find("config"),
    agentDir,
    appsDir: find("appsDir") ?? below("apps", defaults.appsDir),
    dbFileName: find("dbFileName") ?? below("reagent.db", defaults.dbFileName),
    logFile: find("logFile") ?? log,
  };
}

function pathIn(flags: readonly GivenFlag[], name: PathFlag): string | undefined {
  const value = flags.findLast((flag) => flag.name === name)?.value;
  return typeof value === "string" && value !== "" ? value : undefined;
}

function withAbsolutePath(flag: GivenFlag, { base, platform }: { base: string; platform: HostPlatform }): GivenFlag {
  const isPath = pathFlags.some((name) => name === flag.name);
  if (flag.kind !== "string" || !isPath || flag.value === "") return flag;
  return { ...flag, value: absolutePath(flag.value, { base, os: platform.os }) };
}

function absolutePath(path: string, { base, os }: { base: string; os: string }): string {
  if (os === "windows") return /^([A-Za-z]:)?[\\/]/.test(path) ? path : `${base}\\${path.replace(/^\.[\\/]/, "")}`;
  const whole = path.startsWith("/") ? path : `${base}/${path}`;
  const parts: string[] = [];
  for (const part of whole.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** Each flag with its last value, in the order of their first. */
function otherFlags(flags: readonly GivenFlag[]): GivenFlag[] {
  const last = new Map<string, GivenFlag>();
  for (const flag of flags) {
    const isElsewhere = pathFlags.some((name) => name === flag.name) || flag.name === "version" || flag.name === "arch";
    if (!isElsewhere) last.set(flag.name, flag);
  }
  return [...last.values()];
}

function hasControlCharacter(text: string): boolean {
  // deno-lint-ignore no-control-regex -- they end a line of a unit
  return /[\x00-\x1f\x7f]/.test(text);
}
