/** The lines that an app of the benchmark prints, and how they are counted on arrival. Pure. */

/** The size of a line in bytes, including its end. */
export const lineBytes = 100;

const numberDigits = 9;

/** A line with its number. `bytes` does not include the end of the line. */
export function printedLine(number: number, bytes = lineBytes - 1): string {
  return `${String(number).padStart(numberDigits, "0")} `.padEnd(bytes, "x");
}

/**
 * A shell program that prints numbered lines at a constant rate, each with its own write as to a terminal. After each
 * pause it prints as many lines as are due by the kernel's clock, which makes up for delays.
 */
export function printScript(linesPerSecond: number, { everyMs = 10 }: { everyMs?: number } = {}): string {
  const rest = printedLine(0).slice(numberDigits);
  const program = [
    'function now(line, parts) { getline line <"/proc/uptime"; close("/proc/uptime"); split(line, parts, " "); return parts[1] }',
    `BEGIN { for (begin = now();; system("usleep ${1_000 * everyMs}"))`,
    `for (due = (now() - begin) * ${linesPerSecond}; i < due; i++)`,
    `printf "%0${numberDigits}d${rest}\\n", i }`,
  ].join(" ");
  // The shell handles a signal only while it waits.
  return `awk '${program}' & wait $!`;
}

/** Counts in a log message: lines of the app, the number of the last one, and lines that the agent has dropped. */
export function countLines(text: string): { lines: number; dropped: number; lastNumber: number | undefined } {
  const counts: ReturnType<typeof countLines> = { lines: 0, dropped: 0, lastNumber: undefined };
  for (const line of text.split("\n")) {
    if (line.startsWith("…")) counts.dropped += Number(/^… (\d+) log line\(s\) dropped/.exec(line)?.[1] ?? 0);
    if (!/^\d{9} x/.test(line)) continue;
    counts.lines += 1;
    counts.lastNumber = Number(line.slice(0, numberDigits));
  }
  return counts;
}
