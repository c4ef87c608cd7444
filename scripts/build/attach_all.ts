/** Puts checksums, signatures and bills of materials next to everything that a build has made. */

import { moduleFolder } from "../frp/build_program.ts";
import { projectRoot } from "../paths.ts";
import { runProgram } from "../programs.ts";
import { attach, type AttachOptions, sumsName, writeSums } from "./attach.ts";
import type { BuildKeys } from "./keys.ts";
import { bundleName } from "./make_bundle.ts";
import { programName } from "./make_launcher.ts";
import type { BuildOptions } from "./options.ts";
import { writeBill } from "./sbom/document.ts";
import { readPackages } from "./sbom/read_packages.ts";

/** What was made besides the bundle and the program for this machine. */
export interface MadeFiles {
  /** The names of the executables. */
  files: readonly string[];
  /** Whether the program for this machine is a launcher, which has no runtime in it. */
  isLauncher: boolean;
}

/** Writes what belongs to the results, and one bill for the program as such. */
export async function attachAll(
  { files, isLauncher }: MadeFiles,
  options: BuildOptions & { keys: BuildKeys; version: string },
): Promise<void> {
  const { folder, version, keys, say, environment } = options;
  const packages = await readPackages(options.entry, { environment });
  const sourceTime = await readSourceTime(environment);
  const shared: AttachOptions = {
    folder,
    version,
    packages,
    now: Math.floor(Date.now() / 1_000),
    ...(sourceTime === undefined ? {} : { sourceTime }),
    ...(keys.signKey === undefined ? {} : { signKey: keys.signKey }),
  };
  const runtime = Deno.version.deno;
  const client = await readClientModule(options);
  // That of Windows carries no client.
  const carried = (name: string) => name.endsWith(".exe") ? {} : client;
  for (const name of files) await attach(name, { ...shared, runtime, ...carried(name) });
  await attach(programName, isLauncher ? shared : { ...shared, runtime, ...client });
  await attach(bundleName, shared);
  await writeSums(folder);
  await Deno.mkdir(`${folder}/sbom`, { recursive: true });
  const bill = writeBill({
    version,
    packages,
    ...client,
    ...(sourceTime === undefined ? {} : { timestamp: sourceTime }),
  });
  await Deno.writeTextFile(`${folder}/sbom/reagent-${version}.cdx.json`, bill);
  say(`ok     next to them: ${sumsName}, checksums, bills of materials of ${packages.length} packages`);
  for (const line of keyLines(keys)) say(line);
}

function keyLines({ updateKeys, signKey }: BuildKeys): string[] {
  const ids = updateKeys.map(({ id }) => id).join(", ");
  return [
    updateKeys.length > 0
      ? `ok     update keys: ${ids}`
      : "-      update keys: none; these agents take updates without a signature (--update-key FILE)",
    signKey !== undefined ? `ok     signatures: by key ${signKey.id}` : "-      signatures: none (--sign-key FILE)",
  ];
}

/** Nothing for a build without parts. */
async function readClientModule({ parts = [] }: BuildOptions): Promise<{ clientModule?: string }> {
  return parts.length === 0 ? {} : { clientModule: await Deno.readTextFile(`${moduleFolder}/go.mod`) };
}

/** When the sources were made, in seconds since 1970; undefined outside a repository. */
async function readSourceTime(environment: Readonly<Record<string, string>>): Promise<number | undefined> {
  const given = environment.SOURCE_DATE_EPOCH;
  if (given !== undefined && /^\d{1,12}$/.test(given)) return Number(given);
  const { success, stdout } = await runProgram("git", ["log", "-1", "--format=%ct"], { cwd: projectRoot });
  return success && /^\d+\s*$/.test(stdout) ? Number(stdout) : undefined;
}
