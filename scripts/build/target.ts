/** The platforms the agent is built for, as the file `targets` names them. Pure. */

import { buildArch } from "../../lib/version.ts";

/** One platform. */
export interface Target {
  /** As in `targets`, in download addresses and on the command line: `linux/amd64`. */
  name: string;
  /** The runtime's name for it. */
  triple: string;
  /** The file name of the executable. */
  file: string;
}

const triples: Readonly<Record<string, string>> = {
  "linux/amd64": "x86_64-unknown-linux-gnu",
  "linux/arm64": "aarch64-unknown-linux-gnu",
  "windows/amd64": "x86_64-pc-windows-msvc",
  "darwin/amd64": "x86_64-apple-darwin",
  "darwin/arm64": "aarch64-apple-darwin",
};

/**
 * Reads one `os/arch` per line and ignores blank lines and comments, which begin with `#`. Throws for a platform that
 * the runtime does not support, and for one that is listed twice.
 */
export function readTargets(text: string): Target[] {
  const targets: Target[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const name = line.trim();
    if (name === "" || name.startsWith("#")) continue;
    const target = targetOf(name);
    if (target === undefined) {
      const known = Object.keys(triples).join(", ");
      throw new Error(`Cannot read targets: line ${index + 1} is "${name}", the runtime supports ${known}`);
    }
    if (targets.some((other) => other.name === name)) throw new Error(`Cannot read targets: "${name}" is listed twice`);
    targets.push(target);
  }
  return targets;
}

function targetOf(name: string): Target | undefined {
  const triple = Object.hasOwn(triples, name) ? triples[name] : undefined;
  if (triple === undefined) return undefined;
  return { name, triple, file: `reagent-${name.replace("/", "-")}${name.startsWith("windows/") ? ".exe" : ""}` };
}

/** This machine, as `targets` names it. */
export function ownPlatform(): string {
  const { arch, variant } = buildArch();
  return `${Deno.build.os}/${arch}${variant}`;
}
