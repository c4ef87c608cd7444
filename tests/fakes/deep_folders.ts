/** Folders that an app has nested as deep as it likes. */

import { mustRun } from "../../scripts/programs.ts";

/** Creates the folder at `path` and so many folders in it, each in the one before. */
export async function nestFolders(path: string, depth: number): Promise<void> {
  await Deno.mkdir(path, { recursive: true });
  // A path of that length is refused, so it goes down a folder at a time.
  const program = 'chdir $ARGV[0] or die $!; for (1..$ARGV[1]) { mkdir "d"; chdir "d" or die $! }';
  await mustRun("perl", ["-e", program, path, `${depth}`]);
}
