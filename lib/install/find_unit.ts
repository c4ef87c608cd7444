/** Finds the unit of the agent on this machine, and the drop-ins that change it. */

import { unitFolders, unitLimitBytes, unitName } from "./unit_file.ts";

/** A file of a unit. */
export interface UnitText {
  path: string;
  text: string;
}

/** A unit as systemd reads it: the file that counts, then its drop-ins. */
export interface FoundUnit extends UnitText {
  dropIns: readonly UnitText[];
}

/**
 * The unit that counts; undefined when there is none. `folders` are the ones of systemd, the first first. Throws the
 * system's errors for a file that is there and cannot be read.
 */
export function findUnit(folders: readonly string[] = unitFolders): FoundUnit | undefined {
  for (const folder of folders) {
    const path = `${folder}/${unitName}`;
    const text = readIfThere(path);
    if (text !== undefined) return { path, text, dropIns: findDropIns(folders) };
  }
  return undefined;
}

/** In the order of their names; of two with one name that of the first folder counts. Source: systemd.unit(5). */
function findDropIns(folders: readonly string[]): UnitText[] {
  const paths = new Map<string, string>();
  for (const folder of folders.map((each) => `${each}/${unitName}.d`)) {
    for (const name of fileNamesIn(folder)) {
      if (name.endsWith(".conf") && !paths.has(name)) paths.set(name, `${folder}/${name}`);
    }
  }
  return [...paths].sort(([a], [b]) => a < b ? -1 : 1).flatMap(([, path]) => {
    const text = readIfThere(path);
    return text === undefined ? [] : [{ path, text }];
  });
}

function fileNamesIn(folder: string): string[] {
  return ifThere(() => [...Deno.readDirSync(folder)].map(({ name }) => name)) ?? [];
}

function readIfThere(path: string): string | undefined {
  return ifThere(() => {
    const { isFile, size } = Deno.statSync(path);
    return isFile && size <= unitLimitBytes ? Deno.readTextFileSync(path) : undefined;
  });
}

function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
