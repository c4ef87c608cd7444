/** Reads the command line of `deno task build`. Pure. */

import { parseArgs } from "node:util";

/** Which executables are asked for. */
export interface WantedTargets {
  bundleOnly: boolean;
  /** Names of targets; empty for all that can be built. */
  names: readonly string[];
}

/** What the command line asks for. */
export interface BuildArguments extends WantedTargets {
  /** Files with minisign public keys that are built in. */
  updateKeys: readonly string[];
  /** The file of the minisign secret key that signs the results. */
  signKey?: string;
}

/** How the task is called. */
export const buildUsage = `Usage: deno task build [--update-key FILE]... [--sign-key FILE] [--bundle-only | os/arch …]`;

const options = {
  "bundle-only": { type: "boolean", default: false },
  "update-key": { type: "string", multiple: true, default: [] as string[] },
  "sign-key": { type: "string" },
} as const;

/** Reads the arguments of the task; undefined when they are wrong. */
export function readBuildArguments(args: readonly string[]): BuildArguments | undefined {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const { "bundle-only": bundleOnly, "update-key": updateKeys, "sign-key": signKey } = values;
    if (bundleOnly && positionals.length > 0) return undefined;
    const names = [...new Set(positionals)];
    return { bundleOnly, names, updateKeys, ...(signKey === undefined ? {} : { signKey }) };
  } catch (error) {
    // The usage says more than the parser.
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
