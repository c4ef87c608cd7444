/** Reads from Linux's process list whether the processes of a container are idle. */

/** A container, and the number of its first process on the machine of the engine, which may be another one. */
export interface ContainerProcess {
  containerId: string;
  /** 0 when it has none. */
  pid: number;
}

/**
 * Whether this process of this machine belongs to the container: a number from another machine may be that of any
 * process here. False for numbers up to 0. Never throws. Source: proc(5), `/proc/<pid>/cgroup`.
 */
export function isInContainer(
  { containerId, pid }: ContainerProcess,
  { read = Deno.readTextFileSync, procDir = "/proc" }: { read?: (path: string) => string; procDir?: string } = {},
): boolean {
  if (pid <= 0) return false;
  try {
    return read(`${procDir}/${pid}/cgroup`).includes(containerId);
  } catch {
    // It has ended, or the system has no such files.
    return false;
  }
}

/** Reading more than these takes longer than the answer is worth. */
const threadLimit = 100;

/**
 * What all threads of a container have done so far, if every one of them is waiting: a text that is the same at two
 * moments if no thread has run between them. Undefined when a thread runs, is ready to run, or waits for a disk, and
 * when this cannot be read: the container has ended, runs on another machine, or has more than 100 threads. Never
 * throws.
 *
 * Source: proc(5), `/proc/<pid>/stat`, `schedstat`, `task/<tid>/children`.
 */
export function readIdleMark(container: ContainerProcess, procDir = "/proc"): string | undefined {
  if (!isInContainer(container, { procDir })) return undefined;
  try {
    return readMarks(container.pid, procDir)?.join("\n");
  } catch {
    // Processes may end at any moment, and some systems have no such files.
    return undefined;
  }
}

/** One mark for each thread of a process and of its descendants; undefined when one of them is not idle. */
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

/** The state follows the name in parentheses, which may contain anything; a wait for a disk is `D`. */
function isWaiting(stat: string): boolean {
  return stat.slice(stat.lastIndexOf(")") + 2).startsWith("S ");
}
