/** Puts the name of a service before its lines, as `docker compose logs` does. Pure. */

import { LogLine } from "../docker/log_lines.ts";
import type { MergedLine } from "./merged_lines.ts";

/** What compose writes before a line. `width`: of the longest name of the project. */
export function servicePrefix(name: string, width: number): string {
  return `${name.padEnd(width)}  | `;
}

/** The lines with `prefix` before each. Their bytes are copied. */
export function prefixLines(lines: readonly LogLine[], prefix: string): MergedLine[] {
  const before = new TextEncoder().encode(prefix);
  const size = lines.reduce((sum, { from, to }) => sum + before.length + to - from, 0);
  const source = new Uint8Array(size);
  let at = 0;
  return lines.map((line) => {
    const from = at;
    source.set(before, from);
    source.set(line.source.subarray(line.from, line.to), from + before.length);
    at = from + before.length + line.to - line.from;
    return { line: new LogLine(source, { stampAt: -1, from, to: at, isEnd: line.isEnd }), time: line.time };
  });
}

/** What compose says when a container has exited; without the name before it. */
export function exitLine(name: string, exitCode: number): LogLine {
  const source = new TextEncoder().encode(`${name} exited with code ${exitCode}`);
  return new LogLine(source, { stampAt: -1, from: 0, to: source.length });
}
