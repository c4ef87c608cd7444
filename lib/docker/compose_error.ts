/** A failed `docker compose`, and what can be read from its words. Pure. */

import { AgentError } from "../base/errors.ts";

/** A command of compose that has failed. `code` is `port_in_use` when a host port was taken, else `compose_failed`. */
export class ComposeError extends AgentError {
  /** What was run: `up`. */
  readonly command: string;
  readonly exitStatus: number;
  /** Its first and last lines, in their order. */
  readonly lines: readonly string[];

  constructor(command: string, { exitStatus, lines }: { exitStatus: number; lines: readonly string[] }) {
    const text = lines.join("; ") || "no output";
    const code = lines.some(isPortConflict) ? "port_in_use" : "compose_failed";
    super(code, `docker compose ${command} failed: exit status ${exitStatus}: ${text}`);
    this.name = "ComposeError";
    this.command = command;
    this.exitStatus = exitStatus;
    this.lines = lines;
  }
}

/** Engines of all versions, their proxies and the kernel name a taken port like this. */
const portConflicts = [/port is already allocated/i, /address already in use/i, /ports are not available/i];

/** A port behind an address, such as `0.0.0.0:8080`, `[::]:8080` or `:::8080`, or behind none. */
const portOfAddress = /(?:\d+\.\d+\.\d+\.\d+:|\[[0-9a-f:.]*\]:|:::|(?<=\s):)(\d{1,5})(?!\d)/i;

/** The host ports that the lines of an error name as taken, each once, in their order. */
export function conflictingPorts(lines: readonly string[]): number[] {
  // The port of the container may follow in the same line.
  const ports = lines.filter(isPortConflict).map((line) => Number(portOfAddress.exec(line)?.[1] ?? 0));
  return [...new Set(ports)].filter((port) => port > 0 && port < 65_536);
}

function isPortConflict(line: string): boolean {
  return portConflicts.some((words) => words.test(line));
}
