/** The number of the signal by which a container is stopped, as the engine reads it from an image. Pure. */

/** In the order of their numbers on all Linux platforms that the agent runs on, from 1. Source: signal(7). */
const signalNames = [
  ...["HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM"],
  ...["TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF"],
  ...["WINCH", "IO", "PWR", "SYS"],
];

const otherNames: Readonly<Record<string, number>> = { IOT: 6, CLD: 17, POLL: 29, UNUSED: 31 };

const term = 15;

/** The first and the last real-time signal that a program may use. */
const realTime = { MIN: 34, MAX: 64 } as const;

/**
 * The number of the signal that the engine sends for the `StopSignal` of a container: a name with or without `SIG` in
 * any case, a number, or a real-time signal such as `SIGRTMIN+3`. SIGTERM for none, and for what the engine does not
 * know either.
 */
export function stopSignalNumber(text: string): number {
  const name = text.trim().toUpperCase().replace(/^SIG/, "");
  if (/^\d+$/.test(name)) return inRange(Number(name));
  const [, end, sign, distance] = /^RT(MIN|MAX)(?:([-+])(\d+))?$/.exec(name) ?? [];
  if (end === "MIN" || end === "MAX") return inRange(realTime[end] + Number(`${sign ?? "+"}${distance ?? 0}`));
  return otherNames[name] ?? inRange(signalNames.indexOf(name) + 1);
}

function inRange(signal: number): number {
  return signal >= 1 && signal <= realTime.MAX ? signal : term;
}
