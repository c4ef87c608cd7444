/** The command line of the agent: its flags, and what a command line asks for. Pure. */

import { flagDefaults, type HostPlatform } from "./flags/defaults.ts";
import { type GivenFlag, scanFlags } from "./flags/grammar.ts";
import { helpText } from "./flags/help.ts";

/** All 21 flags with their values. */
export interface Flags {
  /** Home of the agent: downloads, tunnel client. */
  agentDir: string;
  appsDir: string;
  /** Print the architecture and exit. */
  arch: boolean;
  /** Without a dot. */
  compressedBuildExtension: string;
  /** Path of the device's .flock file; empty when it was not given. */
  config: string;
  /** Milliseconds; 0 sets no limit. */
  connTimeout: number;
  /** A path. */
  dbFileName: string;
  debug: boolean;
  debugMessaging: boolean;
  /** Accepted and not used; the environment is in the .flock file. */
  env: string;
  /** Never empty: an empty value stands for the default. */
  logFile: string;
  nmw: boolean;
  offline: boolean;
  /** Milliseconds; 0 sends no pings. */
  ppTimeout: number;
  prettyLogging: boolean;
  profiling: boolean;
  /** Never 0, which stands for 80. May be too big for a port. */
  profilingPort: number;
  remoteUpdateURL: string;
  /** Milliseconds; 0 stands for 5000. */
  respTimeout: number;
  update: boolean;
  version: boolean;
}

/** One flag of the table; `defaultValue` depends on the platform. */
export type FlagRow = NamedFlag & { defaultValue: string | boolean | number };

type NamedFlag =
  | { kind: "string"; name: NamesOf<string>; description: string }
  | { kind: "bool"; name: NamesOf<boolean>; description: string }
  | { kind: "uint"; name: NamesOf<number>; description: string; isWait: boolean };

/** The names of the flags with values of this type. */
type NamesOf<Value> = { [Name in keyof Flags]: Flags[Name] extends Value ? Name : never }[keyof Flags];

/** The result of a command line. Texts have no line break at their end; both go to standard error. */
export type ParsedFlags =
  | { kind: "run"; flags: Flags }
  | { kind: "help"; text: string; exitCode: 0 }
  | { kind: "error"; text: string; exitCode: 1 | 2 };

/** The runtime cannot time longer waits: 2^31 − 1 ms, almost 25 days. */
const longestWaitMs = 2_147_483_647;

const namedFlags: readonly NamedFlag[] = [
  textFlag(
    "agentDir",
    "home of the agent; -appsDir, -dbFileName and -logFile do not follow it and are given separately",
  ),
  textFlag("appsDir", "folder of the apps and their data"),
  boolFlag("arch", "print the architecture and exit; only without -config"),
  textFlag("compressedBuildExtension", "extension of uploaded build archives, without a dot"),
  textFlag("config", "path of the .flock file of the device"),
  waitFlag("connTimeout", "limit in milliseconds for one dial of the router; 0 is no limit"),
  textFlag("dbFileName", "path of the database file"),
  boolFlag("debug", "log from level debug on instead of info"),
  boolFlag("debugMessaging", "log every message between agent and router, at level debug"),
  textFlag("env", "accepted and not used: the environment comes from the .flock file"),
  textFlag("logFile", "path of the agent's own log; an empty path stands for the default"),
  boolFlag("nmw", "use NetworkManager, on Linux"),
  boolFlag("offline", "run the apps without a connection to the router"),
  waitFlag("ppTimeout", "milliseconds between websocket pings; 0 sends none"),
  boolFlag("prettyLogging", "print the log on standard output too, readable and coloured"),
  boolFlag("profiling", "serve profiles and metrics on 127.0.0.1"),
  { kind: "uint", name: "profilingPort", description: "port of -profiling; 0 stands for 80", isWait: false },
  textFlag("remoteUpdateURL", "base address of downloads, unless the .flock file has an update_url"),
  waitFlag("respTimeout", "limit in milliseconds for an answer of the router; 0 stands for 5000"),
  boolFlag("update", "look for a newer agent once after the start"),
  boolFlag("version", "print the version and exit; only without -config"),
];

/** All flags with the defaults of a platform, sorted by name. `platform.homeDir` must be there except on Linux. */
export function flagTable(platform: HostPlatform): FlagRow[] {
  const defaults: Flags = flagDefaults(platform);
  return namedFlags.map((flag) => ({ ...flag, defaultValue: defaults[flag.name] }));
}

/**
 * Reads the command line, without the program's name. `program` is the name under which it was invoked. A missing home
 * folder where defaults need it is an error with exit code 1; every other error has 2.
 */
export function parseFlags(args: readonly string[], options: { program: string; platform: HostPlatform }): ParsedFlags {
  const { program, platform } = options;
  if (platform.os !== "linux" && !platform.homeDir) {
    const variable = platform.os === "windows" ? "%USERPROFILE%" : "$HOME";
    return { kind: "error", text: `${variable} is not defined`, exitCode: 1 };
  }
  const table = flagTable(platform);
  const scanned = scanFlags(args, { kinds: new Map(table.map((row) => [row.name, row.kind])), check: objectionTo });
  switch (scanned.kind) {
    case "help":
      return { kind: "help", text: helpText(program, table), exitCode: 0 };
    case "error":
      return { kind: "error", text: `${scanned.text}\n${helpText(program, table)}`, exitCode: 2 };
    case "flags":
      return { kind: "run", flags: applyFlags(flagDefaults(platform), scanned.given) };
  }
}

/**
 * The one line that a start without `-config` prints on standard output before it ends with exit code 0; undefined when
 * the agent is to run.
 */
export function earlyAnswer(flags: Flags, facts: { version: string; arch: string }): string | undefined {
  if (flags.config !== "") return undefined;
  if (flags.version) return facts.version;
  if (flags.arch) return facts.arch;
  return "'-config' argument is required. -help for usage";
}

/** The path of the database is the only value that can be wrong before it is used. */
function objectionTo(flag: GivenFlag): string | undefined {
  return flag.name === "dbFileName" && flag.value === "" ? "must not be empty" : undefined;
}

function applyFlags(defaults: Flags, given: readonly GivenFlag[]): Flags {
  const flags = { ...defaults };
  for (const { kind, name, value } of given) {
    const row = namedFlags.find((flag) => flag.name === name);
    if (row?.kind === "string" && kind === "string") flags[row.name] = value;
    if (row?.kind === "bool" && kind === "bool") flags[row.name] = value;
    if (row?.kind === "uint" && kind === "uint") {
      flags[row.name] = row.isWait ? Math.min(Number(value), longestWaitMs) : Number(value);
    }
  }
  if (flags.logFile === "") flags.logFile = defaults.logFile;
  if (flags.profilingPort === 0) flags.profilingPort = defaults.profilingPort;
  return flags;
}

function textFlag(name: NamesOf<string>, description: string): NamedFlag {
  return { kind: "string", name, description };
}

function boolFlag(name: NamesOf<boolean>, description: string): NamedFlag {
  return { kind: "bool", name, description };
}

function waitFlag(name: NamesOf<number>, description: string): NamedFlag {
  return { kind: "uint", name, description, isWait: true };
}
