/** Finds processes of this machine by their command line. Linux only. */

/** The ids of all other processes whose arguments, the program first, are what is looked for. Never throws. */
export function findProcesses(
  isWanted: (args: readonly string[]) => boolean,
  { procDir = "/proc" }: { procDir?: string } = {},
): number[] {
  const found: number[] = [];
  try {
    for (const { name } of Deno.readDirSync(procDir)) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || pid <= 1 || pid === Deno.pid) continue;
      if (isWanted(argumentsOf(`${procDir}/${pid}/cmdline`))) found.push(pid);
    }
  } catch {
    // Other systems have no such folder.
  }
  return found;
}

/** Empty for one that has ended. */
function argumentsOf(path: string): string[] {
  try {
    const text = Deno.readTextFileSync(path);
    return text === "" ? [] : text.replace(/\0$/, "").split("\0");
  } catch {
    // It has ended meanwhile, or is not ours to look at.
    return [];
  }
}
