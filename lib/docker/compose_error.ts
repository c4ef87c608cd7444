/** A failed `docker compose`, and what can be read from its words. Pure. */

import { AgentError, type ErrorCode } from "../base/errors.ts";
import { isFullDisk } from "./errors.ts";

/**
 * A command of compose that has failed. `code` is `port_in_use` when a host port was taken. It is not the definition's
 * fault, either, when the engine's disk was full (`no_space`), the engine was away (`engine_unreachable`), or something
 * has ended the program (`command_failed`). For all else it is `compose_failed`.
 */
export class ComposeError extends AgentError {
  /** What was run: `up`. */
  readonly command: string;
  readonly exitStatus: number;
  /** Its first and last lines, in their order. */
  readonly lines: readonly string[];

  constructor(command: string, { exitStatus, lines }: { exitStatus: number; lines: readonly string[] }) {
    const text = lines.join("; ") || "no output";
    super(composeErrorCode(exitStatus, lines), `docker compose ${command} failed: exit status ${exitStatus}: ${text}`);
    this.name = "ComposeError";
    this.command = command;
    this.exitStatus = exitStatus;
    this.lines = lines;
  }
}

/** The reason comes last; what services print while they are built may be anything. */
const reasonLines = 3;

const engineAway = /cannot connect to the docker daemon|error during connect:/i;

/** Exit codes above stand for signals. */
const lastExitCode = 128;

function composeErrorCode(exitStatus: number, lines: readonly string[]): ErrorCode {
  if (lines.some(isPortConflict)) return "port_in_use";
  const reason = lines.slice(-reasonLines);
  if (reason.some(isFullDisk)) return "no_space";
  if (reason.some((line) => engineAway.test(line))) return "engine_unreachable";
  return exitStatus > lastExitCode ? "command_failed" : "compose_failed";
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
