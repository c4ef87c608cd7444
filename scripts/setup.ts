/**
 * Installs what tests need on a bare machine: the project's packages, Debian packages, a Docker engine and a router.
 * Says what it does; what is there already is left alone. Safe to run twice, at the same time, and after it was cut.
 */

import { installCrossbar } from "./testbed/setup/crossbar.ts";
import { installPackages } from "./testbed/setup/debian.ts";
import { installDocker } from "./testbed/setup/docker.ts";
import { partsFolder } from "./testbed/setup/folder.ts";
import { mustRun } from "./testbed/setup/run.ts";
import { projectRoot } from "./paths.ts";

/** The parts that a test file can ask for. */
export type PartName = "box" | "engine" | "registry" | "crossbar";

/** The parts that could not be had, each with the reason. */
export type MissingParts = ReadonlyMap<PartName, string>;

const allParts: readonly PartName[] = ["box", "engine", "registry", "crossbar"];

/**
 * Installs what is missing of the project's packages and the `wanted` parts (all of them when absent), and gives what
 * could not be had. Throws only when the project's packages fail.
 */
export async function installParts(
  say: (text: string) => void,
  { wanted = allParts }: { wanted?: readonly PartName[] } = {},
): Promise<MissingParts> {
  const parts = partsFolder();
  await Deno.mkdir(parts.root, { recursive: true });
  using lock = await Deno.open(`${parts.root}/.lock`, { create: true, write: true });
  if (!await lock.tryLock(true)) {
    say("waiting for another set-up of this machine");
    await lock.lock(true);
  }
  const missing = new Map<PartName, string>();
  const attempt = async (among: readonly PartName[], work: () => Promise<void>) => {
    const names = among.filter((name) => wanted.includes(name));
    if (names.length === 0) return;
    try {
      await work();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      say(`cannot install ${names.join(", ")}: ${reason}`);
      for (const name of names) if (!missing.has(name)) missing.set(name, reason);
    }
  };
  const packages = attempt(allParts, () => installPackages(say));
  await Promise.all([
    installProject(say),
    attempt(["engine"], () => installDocker(parts, say)),
    packages.then(() => attempt(["crossbar"], () => installCrossbar(parts, say))),
  ]);
  return missing;
}

async function installProject(say: (text: string) => void): Promise<void> {
  const args = ["install", "--quiet", "--frozen"];
  const text = await mustRun(Deno.execPath(), args, { cwd: projectRoot, env: { NO_COLOR: "1" } });
  if (text.includes("Downloading")) say("installed the project's packages");
}

if (import.meta.main) {
  const startedMs = performance.now();
  const say = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(`setup: ${text}\n`));
  const missing = await installParts(say);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  say(missing.size === 0 ? `all parts are in place (${seconds} s)` : `missing: ${[...missing.keys()].join(", ")}`);
  Deno.exit(missing.size === 0 ? 0 : 1);
}
