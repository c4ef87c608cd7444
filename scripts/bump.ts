/**
 * `deno task bump patch | minor | major`: raises the version in deno.json and sets all channels of
 * availableVersions.json to it. Both files are checked before one is written.
 */

import {
  raiseVersion,
  readProjectVersion,
  replaceChannels,
  replaceProjectVersion,
  versionParts,
} from "./bump/version.ts";
import { createLineWriter } from "./line_output.ts";
import { projectRoot } from "./paths.ts";

/** Raises the version in the project at `root`, which ends with a slash. Returns the exit code. */
export async function bump(
  args: readonly string[],
  { root, say }: { root: string; say: (text: string) => void },
): Promise<number> {
  const part = versionParts.find((name) => name === args[0]);
  if (part === undefined || args.length > 1) {
    say("Usage: deno task bump patch | minor | major");
    return 2;
  }
  try {
    const project = await Deno.readTextFile(`${root}deno.json`);
    const channels = await Deno.readTextFile(`${root}availableVersions.json`);
    const old = readProjectVersion(project);
    const version = raiseVersion(old, part);
    const texts = [replaceProjectVersion(project, version), replaceChannels(channels, version)] as const;
    await Deno.writeTextFile(`${root}deno.json`, texts[0]);
    await Deno.writeTextFile(`${root}availableVersions.json`, texts[1]);
    say(`${old} -> ${version} in deno.json and availableVersions.json; commit both, then run deno task release`);
    return 0;
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

if (import.meta.main) Deno.exit(await bump(Deno.args, { root: projectRoot, say: createLineWriter(Deno.stdout) }));
