/**
 * What a whole test run has covered, kept in the folder `coverage` for the gate, which would otherwise run the tests
 * again. It counts as long as the sources are those of that run.
 */

import { createHash, type Hash } from "node:crypto";
import { readTextIfThere } from "../files.ts";
import { projectRoot } from "../paths.ts";

/** The sources that decide what tests cover. */
const sources = ["main.ts", "deno.json", "deno.lock", "lib", "scripts", "tests"];

/** The data of a whole run, and the sources it belongs to. */
export interface CoverageData {
  /** Of raw data, for `deno coverage`. */
  folder: string;
  fingerprint: string;
}

/** Removes what an earlier run has left, and returns where the data of this one goes. */
export async function beginCoverage(): Promise<CoverageData> {
  const { root, folder } = places();
  if (await hasFolder(root)) await Deno.remove(root, { recursive: true });
  await Deno.mkdir(folder, { recursive: true });
  return { folder, fingerprint: await fingerprintOf() };
}

/** Says that the data is complete, unless the sources have changed meanwhile. */
export async function keepCoverage({ fingerprint }: CoverageData): Promise<void> {
  if (await fingerprintOf() === fingerprint) await Deno.writeTextFile(places().mark, fingerprint);
}

/** The folder with the data of a whole run of these sources; undefined when there is none. */
export async function findCoverage(): Promise<string | undefined> {
  const { folder, mark } = places();
  return await readTextIfThere(mark) === await fingerprintOf() ? folder : undefined;
}

function places(): { root: string; folder: string; mark: string } {
  const root = `${projectRoot}coverage`;
  return { root, folder: `${root}/raw`, mark: `${root}/complete` };
}

async function hasFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function fingerprintOf(): Promise<string> {
  const hash = createHash("sha256");
  for (const path of sources) await addTo(hash, `${projectRoot}${path}`);
  return hash.digest("hex");
}

async function addTo(hash: Hash, path: string): Promise<void> {
  if (!(await Deno.stat(path)).isDirectory) {
    hash.update(path).update(await Deno.readFile(path));
    return;
  }
  const names = await Array.fromAsync(Deno.readDir(path), ({ name }) => name);
  for (const name of names.sort()) await addTo(hash, `${path}/${name}`);
}
