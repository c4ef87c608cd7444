/** The lines that an app of the benchmark prints, and how they are counted where they arrive. Pure. */

/** Bytes of a line, its end included. */
export const lineBytes = 100;

const numberDigits = 9;

/**
 * A shell program that prints numbered lines at this rate for ever, each with a call of its own as to a terminal: a hundred times a
 * second as many as are due by the clock of the kernel, so that a delay is made up for.
 */
export function printScript(linesPerSecond: number): string {
  const rest = "x".repeat(lineBytes - numberDigits - 2);
  const program = [
    'function now(line, parts) { getline line <"/proc/uptime"; close("/proc/uptime"); split(line, parts, " "); return parts[1] }',
    `BEGIN { for (begin = now();; system("usleep 10000")) for (due = (now() - begin) * ${linesPerSecond}; i < due; i++)`,
    `printf "%0${numberDigits}d ${rest}\\n", i }`,
  ].join(" ");
  // The shell hears a signal only while it waits.
  return `awk '${program}' & wait $!`;
}

/** What one message of a log holds: whole lines of the app, the number of the last, and what the agent says it has dropped. */
export function countLines(text: string): { lines: number; dropped: number; lastNumber: number | undefined } {
  const lines = text.split("\n");
  const isOurs = (line: string) => /^\d{9} x/.test(line);
  const ours = lines.filter(isOurs);
  const dropped = lines.map((line) => Number(/^… (\d+) log line\(s\) dropped/.exec(line)?.[1] ?? 0));
  const last = ours.at(-1);
  return {
    lines: ours.length,
    dropped: dropped.reduce((sum, count) => sum + count, 0),
    lastNumber: last === undefined ? undefined : Number(last.slice(0, numberDigits)),
  };
}
