/** Reads the command lines of `reagent status`, `reagent logs` and `reagent doctor`. Pure. */

/** The commands that are answered here. */
export const localCommands = ["status", "logs", "doctor"] as const;

/** One of them. */
export type LocalCommand = typeof localCommands[number];

/** What a command line asks for. */
export interface LocalArguments {
  command: LocalCommand;
  /** Flags of the agent, which tell where it is. */
  agentFlags: string[];
  isJson: boolean;
  /** The app whose log is wanted; empty for the log of the agent. */
  app: string;
  isFollowing: boolean;
  hasTimes: boolean;
  /** Lines from the end; undefined for all. */
  tail: number | undefined;
  /** A moment, as it was given; empty for the beginning. */
  since: string;
}

/** How a command line was read. Texts are for people. */
export type ReadArguments =
  | { kind: "run"; arguments: LocalArguments }
  | { kind: "help"; text: string }
  | { kind: "error"; text: string };

const agentFlagNames = ["agentDir", "appsDir", "config", "dbFileName", "logFile"];

const where = `
Where the agent is, if it is not at its usual place and there is no unit "reagent":
  -agentDir, -appsDir, -config, -dbFileName, -logFile   as the agent itself was given`;

const usages: Readonly<Record<LocalCommand, string>> = {
  status: `Usage:  reagent status [OPTIONS]

Show the connection, the apps, the disk and the last errors of the agent that runs on this device

Options:
      --json           Print it as JSON
${where}`,
  logs: `Usage:  reagent logs [OPTIONS] [APP]

Show the log of an app, or of the agent itself

Options:
  -f, --follow         Follow log output
      --since string   Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)
  -n, --tail string    Number of lines to show from the end of the logs (default "all")
  -t, --timestamps     Show timestamps
${where}`,
  doctor: `Usage:  reagent doctor [OPTIONS]

Look for what keeps the agent from working. Ends with 1 when something does

Options:
      --json           Print the result as JSON
${where}`,
};

/** A flag: its value goes where, or it stands alone. */
interface Option {
  names: readonly string[];
  commands: readonly LocalCommand[];
  hasValue: boolean;
  /** Returns what is wrong with the value. */
  apply(found: LocalArguments, value: string): string | undefined;
}

const options: readonly Option[] = [
  { names: ["--json"], commands: ["status", "doctor"], hasValue: false, apply: (found) => void (found.isJson = true) },
  {
    names: ["-f", "--follow"],
    commands: ["logs"],
    hasValue: false,
    apply: (found) => void (found.isFollowing = true),
  },
  {
    names: ["-t", "--timestamps"],
    commands: ["logs"],
    hasValue: false,
    apply: (found) => void (found.hasTimes = true),
  },
  { names: ["--since"], commands: ["logs"], hasValue: true, apply: (found, value) => void (found.since = value) },
  { names: ["-n", "--tail"], commands: ["logs"], hasValue: true, apply: setTail },
  ...agentFlagNames.map((name): Option => ({
    names: [`-${name}`, `--${name}`],
    commands: localCommands,
    hasValue: true,
    apply: (found, value) => void found.agentFlags.push(`-${name}=${value}`),
  })),
];

/** Reads the arguments behind the name of the command. Options may stand before and behind the app. */
export function readLocalArguments(command: LocalCommand, args: readonly string[]): ReadArguments {
  const found: LocalArguments = {
    ...{ command, agentFlags: [], isJson: false, app: "", isFollowing: false, hasTimes: false },
    ...{ tail: undefined, since: "" },
  };
  const fail = (text: string): ReadArguments => ({ kind: "error", text: `${text}\nSee 'reagent ${command} --help'.` });
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (["-h", "-help", "--help"].includes(arg)) return { kind: "help", text: usages[command] };
    if (!arg.startsWith("-") || arg === "-") {
      if (command !== "logs" || found.app !== "") return fail(`"reagent ${command}" takes no argument "${arg}"`);
      found.app = arg;
      continue;
    }
    const [name = "", ...parts] = arg.split("=");
    const option = options.find(({ names, commands }) => names.includes(name) && commands.includes(command));
    if (option === undefined) return fail(`unknown flag: ${name}`);
    if (!option.hasValue && parts.length > 0) return fail(`flag takes no value: ${name}`);
    const value = !option.hasValue ? "" : parts.length > 0 ? parts.join("=") : rest.shift();
    if (value === undefined) return fail(`flag needs an argument: ${name}`);
    const problem = option.apply(found, value);
    if (problem !== undefined) return fail(problem);
  }
  return { kind: "run", arguments: found };
}

/** As with the engine's command line, what is no number of lines stands for all of them. */
function setTail(found: LocalArguments, value: string): string | undefined {
  if (value !== "all" && !/^-?\d{1,9}$/.test(value)) return `invalid value "${value}" for --tail`;
  found.tail = /^\d+$/.test(value) ? Number(value) : undefined;
  return undefined;
}

const unitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, ms: 1 };

/**
 * A moment in milliseconds since 1970: RFC 3339 with or without time and zone, seconds since 1970, or how long ago it
 * was (`42m`, `1h30m`). Undefined for anything else.
 */
export function readSince(text: string, nowMs: number): number | undefined {
  if (/^\d+(\.\d{1,9})?$/.test(text)) return Number(text) * 1_000;
  if (/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) {
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
    return nowMs - parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (unitsMs[unit] ?? 0), 0);
  }
  if (!/^\d{4}-\d\d-\d\d(T\d\d(:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:\d\d)?)?$/.test(text)) return undefined;
  // Without a zone it is local time, as there.
  const full = /T/.test(text) ? text.replace(/T(\d\d)(?=$|[Z+-])/, "T$1:00") : `${text}T00:00:00`;
  const ms = Date.parse(full);
  return Number.isNaN(ms) ? undefined : ms;
}
