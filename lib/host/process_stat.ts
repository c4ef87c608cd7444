/** What Linux tells about one process of this machine. */

/** The fields that are used. */
export interface ProcessStat {
  parent: number;
  /** The number of the session, which is that of the process that has begun it. */
  session: number;
  /** The process group in the foreground of its terminal; 0 or less without one. */
  foreground: number;
  /** When it was started, in clock ticks since the start of the machine; the same for its whole life. */
  startTicks: string;
}

/**
 * Undefined when there is no such process, also when it has ended and only its parent has not noticed, and on other
 * systems. Source: proc(5), `/proc/<pid>/stat`.
 */
export function readProcessStat(pid: number, procDir = "/proc"): ProcessStat | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(`${procDir}/${pid}/stat`);
  } catch {
    return undefined;
  }
  // The name of the program, in brackets, may hold anything.
  const [state = "", parent, , session, , foreground, ...rest] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const startTicks = rest[13];
  if (startTicks === undefined || "ZX".includes(state)) return undefined;
  return { parent: Number(parent), session: Number(session), foreground: Number(foreground), startTicks };
}
