/** Decides what a build makes and by which commands. Pure. */

import type { Target } from "./target.ts";

/** What the user asked for. */
export interface Wish {
  bundleOnly: boolean;
  /** Names of targets; none stands for all that can be built. */
  names: readonly string[];
}

/**
 * The executable that the agent is embedded in, as `DENORT_BIN` names it; `platform` undefined: of no known platform.
 */
export interface BaseExecutable {
  path: string;
  platform: string | undefined;
}

/** What happens to one target. */
export type Step =
  | { kind: "compile"; target: Target; base: "given" | "downloaded" }
  | { kind: "leaveOut"; target: Target; because: string }
  | { kind: "refuse"; name: string; because: string };

/** Reads the arguments of the task; undefined when they are wrong. */
export function readWish(args: readonly string[]): Wish | undefined {
  const names = args.filter((arg) => !arg.startsWith("-"));
  const options = args.filter((arg) => arg.startsWith("-"));
  if (options.some((option) => option !== "--bundle-only")) return undefined;
  if (options.length > 0 && names.length > 0) return undefined;
  return { bundleOnly: options.length > 0, names: [...new Set(names)] };
}

/**
 * What to do for the executables, in the order of `targets`. One base executable fits one platform: when it is given,
 * the other targets are left out, unless they are named; then theirs are downloaded.
 */
export function planTargets(
  targets: readonly Target[],
  options: { wish: Wish; base: BaseExecutable | undefined },
): Step[] {
  const { wish, base } = options;
  if (wish.bundleOnly) return [];
  const unknown: Step[] = wish.names.filter((name) => !targets.some((target) => target.name === name)).map((name) => ({
    kind: "refuse",
    name,
    because: "the file targets does not have it",
  }));
  const wanted = targets.filter((target) => wish.names.length === 0 || wish.names.includes(target.name));
  if (base !== undefined && !targets.some((target) => target.name === base.platform)) {
    const because = base.platform === undefined
      ? `DENORT_BIN ("${base.path}") is not an executable of a platform that the agent is built for`
      : `DENORT_BIN ("${base.path}") is for ${base.platform}, which the file targets does not have`;
    return [...unknown, ...wanted.map((target): Step => ({ kind: "refuse", name: target.name, because }))];
  }
  return [...unknown, ...wanted.map((target) => stepOf(target, { wish, base }))];
}

function stepOf(target: Target, { wish, base }: { wish: Wish; base: BaseExecutable | undefined }): Step {
  if (base === undefined) return { kind: "compile", target, base: "downloaded" };
  if (base.platform === target.name) return { kind: "compile", target, base: "given" };
  if (wish.names.length > 0) return { kind: "compile", target, base: "downloaded" };
  const because = `DENORT_BIN is for ${base.platform}; name ${target.name} to build it on a downloaded base executable`;
  return { kind: "leaveOut", target, because };
}

/** Arguments of the runtime that make one minified script of `entry` and everything it imports. */
export function bundleArgs(entry: string, output: string): string[] {
  return ["bundle", "--quiet", "--minify", "--platform", "deno", "--output", output, entry];
}

/**
 * How the runtime is set for the agent, as bundle and as executable:
 * - Young objects get 1 MiB instead of up to 16, which saves memory under load for hardly any time.
 * - Code is optimised on the program's own thread: threads beside it keep the memory that each took for its largest
 *   function.
 * - Of three compilers the first is left out: its copy of each function is memory, and the other two are soon there.
 * - The agent may collect when it has nothing else to do (`lib/agent/idle_gc.ts`).
 * - There is no cache of compiled code, which takes more memory, and a write to the disk, than it saves time.
 */
export const runtimeSettings = [
  "--v8-flags=--max-semi-space-size=1,--no-concurrent-recompilation,--no-sparkplug,--expose-gc",
  "--no-code-cache",
];

/** Arguments of the runtime that run the bundle with the rights of the agent, wherever it lies. */
export function bundleRunArgs(bundle: string): string[] {
  const alone = ["--no-config", "--no-lock", "--unstable-net"];
  return ["run", "--quiet", "--no-check", "--no-prompt", "--allow-all", ...alone, ...runtimeSettings, bundle];
}

/**
 * Arguments of the runtime that make the executable, with the rights of the agent and no questions to a user. The
 * rights are looked up in the deno.json of the folder that holds `entry`.
 */
export function compileArgs(entry: string, options: { target: Target; output: string }): string[] {
  const { target, output } = options;
  const rights = ["--no-prompt", "--permission-set=agent"];
  return [
    ...["compile", "--quiet", "--no-check", "--bundle", "--minify", ...rights, ...runtimeSettings],
    ...["--target", target.triple, "--output", output, entry],
  ];
}

/** Says in one or two lines why a command of the build failed, by what it printed. */
export function explainFailure(output: string): string {
  const lines = output.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const end = lines.findIndex((line) => line.startsWith("Stack backtrace"));
  const told = end < 0 ? lines : lines.slice(0, end);
  const base = told.findIndex((line) => /Setting up base binary|Could not find denort/.test(line));
  if (base < 0) return told.slice(-8).join("\n    ") || "it printed nothing";
  const reason = (told.slice(base).find((line) => !line.includes("Setting up base binary")) ?? "no reason given")
    .replace(/^\d+: /, "");
  return `the base executable cannot be had: ${reason}
    Set DENORT_BIN to the runtime's base executable ("denort") for this platform, or build with a network`;
}
