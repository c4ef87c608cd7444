/** Remembers how long each test file took in a box. It only decides the order of the next run. */

import { readTextIfThere } from "../files.ts";
import { partsFolder } from "../testbed/setup/folder.ts";

/** The milliseconds each file took the last time; nothing for a broken file, which the next save replaces. */
export async function readTimes(): Promise<Record<string, number>> {
  const times: Record<string, number> = {};
  try {
    const stored: unknown = JSON.parse(await readTextIfThere(timesFile()) ?? "{}");
    for (const [file, ms] of Object.entries(stored ?? {})) if (typeof ms === "number") times[file] = ms;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return times;
}

/** Saves what `readTimes()` returns. */
export async function saveTimes(times: Readonly<Record<string, number>>): Promise<void> {
  await Deno.writeTextFile(timesFile(), JSON.stringify(times));
}

function timesFile(): string {
  return `${partsFolder().root}/test_times.json`;
}
