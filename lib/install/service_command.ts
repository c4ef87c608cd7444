/** Reads the command line behind `reagent service`. Pure. */

import type { LineOutput } from "../base/subcommand.ts";
import { flagTable } from "../flags.ts";
import type { HostPlatform } from "../flags/defaults.ts";
import { type FlagKind, type GivenFlag, scanFlags } from "../flags/grammar.ts";

/** What can be done with the service. */
export type ServiceVerb = "install" | "uninstall" | "start" | "stop" | "restart" | "status";

/** What a command line asks for. */
export type ServiceCommand =
  | { kind: "run"; verb: ServiceVerb; options: ServiceOptions }
  | { kind: "usage"; exitCode: 0 | 2 }
  | { kind: "error"; text: string };

/** The flags behind the verb. */
export interface ServiceOptions {
  /** Flags of the agent, in their order, for `install`. */
  agentFlags: GivenFlag[];
  /** Say what would be done, and do nothing. */
  isDryRun: boolean;
  /** Install without starting. */
  isNoStart: boolean;
  /** A proxy for the agent, with its scheme. */
  proxy: string | undefined;
}

/** A verb, and what it does it with. */
export interface ServiceRequest {
  verb: ServiceVerb;
  options: ServiceOptions;
  output: LineOutput;
  signal: AbortSignal;
}

/** The verbs, with what the usage says of each. */
export const serviceVerbs: Readonly<Record<ServiceVerb, string>> = {
  install: "make the agent a service of this machine, and start it",
  uninstall: "stop the service and remove it; data stays",
  start: "start it",
  stop: "stop it until the machine starts again",
  restart: "stop it and start it",
  status: "print whether it runs",
};

const ownKinds: Readonly<Record<string, FlagKind>> = {
  "dry-run": "bool",
  "noStart": "bool",
  "start": "bool",
  "proxy": "string",
};

/** The command line as the verbs of the Windows service of the reference agent have it. */
export function parseServiceCommand(args: readonly string[], platform: HostPlatform): ServiceCommand {
  const [verb = "", ...rest] = args;
  if (["-h", "-help", "--help", "help"].includes(verb)) return { kind: "usage", exitCode: 0 };
  if (!isVerb(verb)) return { kind: "usage", exitCode: 2 };
  const kinds = new Map(Object.entries(verb === "install" ? installKinds(platform) : { "dry-run": "bool" as const }));
  const scanned = scanFlags(rest, { kinds });
  if (scanned.kind === "help") return { kind: "usage", exitCode: 0 };
  if (scanned.kind === "error") return { kind: "error", text: scanned.text };
  const stray = rest.find((arg, index) => !arg.startsWith("-") && !isValueOf(rest[index - 1], kinds));
  if (stray !== undefined) return { kind: "error", text: `unexpected argument: ${stray}` };
  return { kind: "run", verb, options: optionsOf(scanned.given) };
}

/** The usage, without a line break at its end. */
export function serviceUsage(): string {
  const verbs = Object.entries(serviceVerbs).map(([name, what]) => `  ${name.padEnd(10)} ${what}`);
  return [
    "Usage: reagent service <verb> [flags]",
    ...verbs,
    "Flags of install: -config FILE, every other flag of the agent, and",
    "  -proxy URL  reach the outside through this proxy",
    "  -noStart    do not start it",
    "  --dry-run   print what would be done, and do nothing; also of the other verbs",
  ].join("\n");
}

function isVerb(text: string): text is ServiceVerb {
  return Object.hasOwn(serviceVerbs, text);
}

/** `-version` and `-arch` make no service. */
function installKinds(platform: HostPlatform): Record<string, FlagKind> {
  const rows = flagTable(platform).filter(({ name }) => name !== "version" && name !== "arch");
  return { ...Object.fromEntries(rows.map(({ name, kind }) => [name, kind])), ...ownKinds };
}

function isValueOf(before: string | undefined, kinds: ReadonlyMap<string, FlagKind>): boolean {
  const name = before?.replace(/^--?/, "");
  return before !== undefined && before !== name && kinds.get(name ?? "") !== undefined &&
    kinds.get(name ?? "") !== "bool";
}

function optionsOf(given: readonly GivenFlag[]): ServiceOptions {
  const last = (name: string) => given.findLast((flag) => flag.name === name)?.value;
  const proxy = last("proxy");
  return {
    agentFlags: given.filter(({ name }) => !Object.hasOwn(ownKinds, name)),
    isDryRun: last("dry-run") === true,
    isNoStart: last("noStart") === true,
    proxy: typeof proxy === "string" && proxy !== "" ? proxy : undefined,
  };
}
