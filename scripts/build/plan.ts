/** Decides what a build produces, and with which commands. Pure. */

import { withInstalledPackages } from "../packages.ts";
import type { WantedTargets } from "./arguments.ts";
import type { Target } from "./target.ts";

/** The executable that the agent is embedded in, from `DENORT_BIN`. */
export interface BaseExecutable {
  path: string;
  /** Undefined when it is none that the agent is built for. */
  platform: string | undefined;
  /** Why it cannot be read: `does not exist`. */
  problem?: string;
}

/** What to do for one target. */
export type BuildStep =
  | { kind: "compile"; target: Target; base: "given" | "downloaded" }
  | { kind: "skip"; target: Target; because: string }
  | { kind: "refuse"; name: string; because: string };

/**
 * What to do for the executables, in the order of `targets`. A base executable fits one platform: when one is given,
 * the other targets are skipped unless they are named; for those a base executable is downloaded.
 */
export function planTargets(
  targets: readonly Target[],
  options: { wanted: WantedTargets; base: BaseExecutable | undefined },
): BuildStep[] {
  const { wanted, base } = options;
  if (wanted.bundleOnly) return [];
  const unknown: BuildStep[] = wanted.names.filter((name) => !targets.some((target) => target.name === name)).map((
    name,
  ) => ({
    kind: "refuse",
    name,
    because: "the file targets does not list it",
  }));
  const chosen = targets.filter((target) => wanted.names.length === 0 || wanted.names.includes(target.name));
  if (base !== undefined && !targets.some((target) => target.name === base.platform)) {
    const because = base.platform === undefined
      ? `DENORT_BIN ("${base.path}") ${
        base.problem ?? "is not an executable of a platform that the agent is built for"
      }`
      : `DENORT_BIN ("${base.path}") is for ${base.platform}, which the file targets does not list`;
    return [...unknown, ...chosen.map((target): BuildStep => ({ kind: "refuse", name: target.name, because }))];
  }
  return [...unknown, ...chosen.map((target) => stepOf(target, { wanted, base }))];
}

function stepOf(
  target: Target,
  { wanted, base }: { wanted: WantedTargets; base: BaseExecutable | undefined },
): BuildStep {
  if (base === undefined) return { kind: "compile", target, base: "downloaded" };
  if (base.platform === target.name) return { kind: "compile", target, base: "given" };
  if (wanted.names.length > 0) return { kind: "compile", target, base: "downloaded" };
  const because = `DENORT_BIN is for ${base.platform}; name ${target.name} to build it on a downloaded base executable`;
  return { kind: "skip", target, because };
}

/** Arguments of the runtime that bundle `entry` and everything it imports into one minified script. */
export function bundleArgs(entry: string, output: string): string[] {
  return ["bundle", "--quiet", withInstalledPackages, "--minify", "--platform", "deno", "--output", output, entry];
}

/** The same without minifying it. */
export function plainBundleArgs(entry: string, output: string): string[] {
  return bundleArgs(entry, output).filter((arg) => arg !== "--minify");
}

/**
 * Settings of the runtime for the agent, as bundle and as executable:
 * - Young objects get 1 MiB instead of up to 16, which saves memory under load and costs hardly any time.
 * - Code is optimised on the main thread, because other threads keep the memory that their largest function needed.
 * - The first of three compilers is off: its copy of each function takes memory, and the others take over soon.
 * - The second one waits until a function was called 20,000 times instead of 400: an agent that has nothing to do never
 *   needs the pages of that compiler.
 * - The agent may collect garbage when it is idle (`lib/agent/idle_gc.ts`).
 * - There is no cache of compiled code: it costs memory and a write to the disk, and saves little time.
 */
export const runtimeSettings = [
  `--v8-flags=${
    [
      ...["--max-semi-space-size=1", "--no-concurrent-recompilation", "--no-sparkplug", "--expose-gc"],
      ...["--invocation-count-for-maglev=20000", "--invocation-count-for-maglev-osr=2000"],
    ].join(",")
  }`,
  "--no-code-cache",
];

/** The command of the runtime that runs a bundle, in any folder, with the agent's permissions; its file comes next. */
export const bundleRunFlags: readonly string[] = [
  ...["run", "--quiet", "--no-check", "--no-prompt", "--allow-all", "--no-config", "--no-lock", "--unstable-net"],
  ...runtimeSettings,
];

/** Arguments of the runtime that run the bundle. */
export function bundleRunArgs(bundle: string): string[] {
  return [...bundleRunFlags, bundle];
}

/**
 * Arguments of the runtime that put `bundle` into an executable, with the agent's permissions and without prompts.
 * Nothing of the project is read, so every target runs the same bytes. `parts` are files that it carries next to the
 * bundle.
 */
export function compileArgs(
  bundle: string,
  { target, output, parts }: { target: Target; output: string; parts: readonly string[] },
): string[] {
  const alone = ["--no-config", "--no-lock", "--no-npm", "--unstable-net"];
  return [
    ...["compile", "--quiet", "--no-check", "--no-prompt", "--allow-all", ...alone, ...runtimeSettings],
    ...[...parts.flatMap((part) => ["--include", part]), "--target", target.triple, "--output", output, bundle],
  ];
}

/** The reason why a command of the build failed, in a few lines of its output. */
export function explainFailure(output: string): string {
  const lines = output.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const end = lines.findIndex((line) => line.startsWith("Stack backtrace"));
  const shown = end < 0 ? lines : lines.slice(0, end);
  const base = shown.findIndex((line) => /Setting up base binary|Could not find denort/.test(line));
  if (base < 0) return shown.slice(-8).join("\n    ") || "it printed nothing";
  const reason = (shown.slice(base).find((line) => !line.includes("Setting up base binary")) ?? "no reason given")
    .replace(/^\d+: /, "");
  return `there is no base executable: ${reason}
    Set DENORT_BIN to the runtime's base executable ("denort") for this platform, or build with network access`;
}
