/** What is remembered of the latest installation, in a file, also while it runs. */

import { isDict, parseJson, readText } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import { writeFileDurably } from "../files/atomic_file.ts";
import type { BegunInstallation } from "./installation.ts";

/** How an installation ended, if it has. */
export const installationOutcomes = ["installing", "installed", "failed", "unknown"] as const;

/** An installation for people. */
export interface LastInstallation {
  /** The file name of the bundle. */
  bundle: string;
  outcome: typeof installationOutcomes[number];
  /** Empty when there is nothing to say. */
  why: string;
}

/** The content of the file. */
export interface InstallationRecord extends LastInstallation, BegunInstallation {}

/** Undefined when there is none that can be read. Never throws. */
export async function readInstallation(path: string, log: Log): Promise<InstallationRecord | undefined> {
  try {
    const record = decodeInstallation(await Deno.readTextFile(path));
    if (record === undefined) {
      log.warn("What was noted of an installation cannot be read, and counts as nothing", { path });
    }
    return record;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      log.warn("Cannot read what was noted of an installation", { path, error });
    }
    return undefined;
  }
}

/** Throws `no_space`, `io_failed`. */
export async function writeInstallation(
  path: string,
  { record, log }: { record: InstallationRecord; log: Log },
): Promise<void> {
  await writeFileDurably(path, `${JSON.stringify(record)}\n`, { log });
}

function decodeInstallation(text: string): InstallationRecord | undefined {
  const value = parseJson(text);
  if (!isDict(value)) return undefined;
  const outcome = installationOutcomes.find((name) => name === value.outcome);
  const bundle = readText(value.bundle);
  if (outcome === undefined || bundle === undefined) return undefined;
  const why = readText(value.why) ?? "";
  const begun = { bootId: readText(value.bootId), bootSlot: readText(value.bootSlot) ?? "" };
  return { bundle, outcome, why, ...begun, isBegun: value.isBegun === true };
}
