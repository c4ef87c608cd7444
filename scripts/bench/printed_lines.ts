/** The lines that an app of the benchmark prints, and how they are counted where they arrive. Pure. */

/** Bytes of a line, its end included. */
export const lineBytes = 100;

const numberDigits = 9;

/** One of them, with its number. `bytes` count without the end of the line. */
export function printedLine(number: number, bytes = lineBytes - 1): string {
  return `${String(number).padStart(numberDigits, "0")} `.padEnd(bytes, "x");
}

/**
 * A shell program that prints numbered lines at this rate for ever, each with a call of its own as to a terminal: after each pause as
 * many as are due by the clock of the kernel, so that a delay is made up for.
 */
export function printScript(linesPerSecond: number, { everyMs = 10 }: { everyMs?: number } = {}): string {
  const rest = printedLine(0).slice(numberDigits);
  const program = [
    'function now(line, parts) { getline line <"/proc/uptime"; close("/proc/uptime"); split(line, parts, " "); return parts[1] }',
    `BEGIN { for (begin = now();; system("usleep ${1_000 * everyMs}"))`,
    `for (due = (now() - begin) * ${linesPerSecond}; i < due; i++)`,
    `printf "%0${numberDigits}d${rest}\\n", i }`,
  ].join(" ");
  // The shell hears a signal only while it waits.
  return `awk '${program}' & wait $!`;
}

/** What one message of a log holds: whole lines of the app, the number of the last, and what the agent says it has dropped. */
export function countLines(text: string): { lines: number; dropped: number; lastNumber: number | undefined } {
  const seen: ReturnType<typeof countLines> = { lines: 0, dropped: 0, lastNumber: undefined };
  for (const line of text.split("\n")) {
    if (line.startsWith("…")) seen.dropped += Number(/^… (\d+) log line\(s\) dropped/.exec(line)?.[1] ?? 0);
    if (!/^\d{9} x/.test(line)) continue;
    seen.lines += 1;
    seen.lastNumber = Number(line.slice(0, numberDigits));
  }
  return seen;
}
