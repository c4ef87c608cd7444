/** Reads from Linux's list of processes whether the processes of a container have come to rest. */

/** A container of an engine that may be on another machine, and its first process as that machine counts them. */
export interface ContainerProcess {
  containerId: string;
  /** 0 when it has none. */
  pid: number;
}

/** More than these take longer to read than their answer is worth. */
const threadLimit = 100;

/**
 * What all threads of a container have done so far, when every one of them waits for something: a text that is equal for two moments
 * between which none has run. Undefined when a thread works, could work, or waits for a disk, and when this cannot be read: the
 * container has ended, runs on another machine, or has more than 100 threads. Never throws.
 *
 * Source: proc(5), `/proc/<pid>/stat`, `schedstat`, `task/<tid>/children`.
 */
export function readIdleMark(container: ContainerProcess, procDir = "/proc"): string | undefined {
  if (container.pid <= 0) return undefined;
  try {
    // Another machine's number may be that of somebody here.
    if (!Deno.readTextFileSync(`${procDir}/${container.pid}/cgroup`).includes(container.containerId)) return undefined;
    return readMarks(container.pid, procDir)?.join("\n");
  } catch {
    // Processes end at any moment, and some systems have no such files.
    return undefined;
  }
}

/** One mark for each thread of a process and of those that it has started; undefined when one of them is not at rest. */
function readMarks(firstPid: number, procDir: string): string[] | undefined {
  const marks: string[] = [];
  const pids = [firstPid];
  for (const pid of pids) {
    for (const { name: thread } of Deno.readDirSync(`${procDir}/${pid}/task`)) {
      const folder = `${procDir}/${pid}/task/${thread}`;
      if (marks.length === threadLimit || !isWaiting(Deno.readTextFileSync(`${folder}/stat`))) return undefined;
      marks.push(`${thread} ${Deno.readTextFileSync(`${folder}/schedstat`).trim()}`);
      pids.push(
        ...Deno.readTextFileSync(`${folder}/children`).split(" ").filter((text) => text.trim() !== "").map(Number),
      );
    }
  }
  return marks.sort();
}

/** The state follows the name in parentheses, which may have anything in it; a wait for a disk is `D`. */
function isWaiting(stat: string): boolean {
  return stat.slice(stat.lastIndexOf(")") + 2).startsWith("S ");
}
