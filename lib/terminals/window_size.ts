/** Reads the size that a viewer's window has. Pure. */

import { AgentError } from "../base/errors.ts";
import { isDict } from "../base/json.ts";
import type { TerminalSize } from "../docker/exec.ts";

/** The size until a viewer reports another one. */
export const firstSize: TerminalSize = { rows: 24, columns: 80 };

/** The kernel keeps sizes in 16 bits, and callers may count with a sign. */
const largestSize = 32_767;

/** Reads `[{height, width}]` of a container terminal. Undefined for a size without rows or columns. */
export function readContainerSize(args: readonly unknown[]): TerminalSize | undefined {
  const request = readSizeRequest(args);
  const read = (name: "height" | "width"): number => {
    const value = request[name];
    if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= largestSize) return value;
    throw new AgentError("bad_request", `failed to parse ${name}`);
  };
  return usable({ rows: read("height"), columns: read("width") });
}

/** Reads `[{height, width}]` of a device terminal: any numbers, fractions are cut off. Undefined as above. */
export function readDeviceSize(args: readonly unknown[]): TerminalSize | undefined {
  const request = readSizeRequest(args);
  const read = (name: "height" | "width"): number => {
    const value = request[name];
    if (typeof value !== "number") {
      throw new AgentError("bad_request", `failed to parse ${name}: unexpected type ${wireType(value)}`);
    }
    const whole = Math.trunc(value);
    if (whole >= 0 && whole <= largestSize) return whole;
    throw new AgentError("bad_request", `failed to parse ${name}: out of range: ${value}`);
  };
  return usable({ rows: read("height"), columns: read("width") });
}

function readSizeRequest([request]: readonly unknown[]): Record<string, unknown> {
  if (request === undefined) throw new AgentError("bad_request", "failed to parse args, payload is missing");
  if (!isDict(request)) throw new AgentError("bad_request", "failed to parse args");
  return request;
}

/** A window that is hidden has no size, and programs cannot draw into one. */
function usable(size: TerminalSize): TerminalSize | undefined {
  return size.rows === 0 || size.columns === 0 ? undefined : size;
}

/** The name of a type as callers know it from older agents. */
function wireType(value: unknown): string {
  if (value === undefined || value === null) return "<nil>";
  if (Array.isArray(value)) return "[]interface {}";
  return typeof value === "boolean" ? "bool" : typeof value === "object" ? "map[string]interface {}" : typeof value;
}
