/** Finds out from the unit of the agent how it is started, for commands that were not told. */

/** Where units are, the ones that count first. */
const unitFiles = [
  "/etc/systemd/system/reagent.service",
  "/run/systemd/system/reagent.service",
  "/usr/local/lib/systemd/system/reagent.service",
  "/usr/lib/systemd/system/reagent.service",
  "/lib/systemd/system/reagent.service",
];

const unitTextLimitBytes = 64 * 1024;

/** How the unit starts the agent. */
export interface UnitSettings {
  args: string[];
  /** Variables that it sets. */
  environment: Record<string, string>;
}

/**
 * Reads the unit that counts. In a container there is none, and the agent is process 1. Nothing where neither says how
 * the agent is started.
 */
export function readUnit(): UnitSettings {
  for (const path of unitFiles) {
    const text = readTextIfThere(path);
    if (text !== undefined) return { args: unitArguments(text), environment: unitEnvironment(text) };
  }
  return { args: firstProcessArguments(readTextIfThere("/proc/1/cmdline") ?? ""), environment: {} };
}

/** The arguments of an agent from what the system has of its command line; none of another program. Pure. */
export function firstProcessArguments(commandLine: string): string[] {
  const words = commandLine.split("\0").slice(0, -1);
  const program = words.findIndex((word) => /(?:^|\/)reagent(?:\.js)?$/.test(word));
  return program < 0 ? [] : words.slice(program + 1);
}

/** The arguments of the last `ExecStart` of a unit, quotes removed and `%%` resolved. Pure. */
export function unitArguments(unit: string): string[] {
  const texts = wordsOf(valuesOf(unit, "ExecStart").at(-1) ?? "");
  const first = texts.findIndex((text, index) => index > 0 && text.startsWith("-"));
  return first < 0 ? [] : texts.slice(first).map((text) => text.replaceAll("%%", "%"));
}

/** The variables of all lines `Environment` of a unit. Pure. */
export function unitEnvironment(unit: string): Record<string, string> {
  return Object.fromEntries(
    valuesOf(unit, "Environment").flatMap(wordsOf).flatMap((word) => {
      const [, name, value = ""] = /^(\w+)=(.*)$/s.exec(word) ?? [];
      return name === undefined ? [] : [[name, value.replaceAll("%%", "%")]];
    }),
  );
}

function valuesOf(unit: string, name: string): string[] {
  const lines = unit.replace(/\\\n/g, " ").matchAll(/^\s*(\w+)\s*=(.*)$/gm);
  return [...lines].flatMap(([, key, value = ""]) => key === name ? [value.trim()] : []);
}

/** Words with their quotes removed. */
function wordsOf(line: string): string[] {
  const words = line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g);
  return [...words].map(([, double, single, plain]) => double?.replace(/\\(.)/g, "$1") ?? single ?? plain ?? "");
}

function readTextIfThere(path: string): string | undefined {
  try {
    if (Deno.statSync(path).size > unitTextLimitBytes) return undefined;
    return Deno.readTextFileSync(path);
  } catch {
    // No such unit, or none that this user may read.
    return undefined;
  }
}
