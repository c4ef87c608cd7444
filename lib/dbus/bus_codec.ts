/** Translates between values as the agent sees them and those of the package that reads and writes messages. Pure. */

import { AgentError } from "../base/errors.ts";
import { type BusValue, busVariant, isBusVariant } from "./bus_values.ts";

/** Levels of a value within each other; the bus itself allows 64. */
const valueDepthLimit = 64;

const dictMark = Symbol.for("dbus.dict");

/** A value as the package has read it. Throws `protocol_error` on anything that is no value of D-Bus. */
export function decodeBusValue(value: unknown, depth = 0): BusValue {
  if (depth > valueDepthLimit) {
    throw new AgentError("protocol_error", "Cannot read a message of the bus: it is too deep");
  }
  if (isBusScalar(value)) return value;
  // The package returns a Buffer, whose methods differ from those of its class.
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) {
    const entries: unknown[] = value;
    const decoded = entries.map((entry) => decodeBusValue(entry, depth + 1));
    return dictMark in value ? new Map(decoded.map(pairOf)) : decoded;
  }
  if (typeof value === "object" && value !== null && "signature" in value && "value" in value) {
    return busVariant(String(value.signature), decodeBusValue(value.value, depth + 1));
  }
  throw new AgentError("protocol_error", `Cannot read a message of the bus: it holds a ${typeof value}`);
}

/** The same value for the package: dictionaries as lists of pairs, variants as pairs of signature and value. */
export function encodeBusValue(value: BusValue): unknown {
  if (value instanceof Uint8Array) return value;
  if (value instanceof Map) return [...value].map(([key, inner]) => [encodeBusValue(key), encodeBusValue(inner)]);
  if (Array.isArray(value)) return value.map((entry: BusValue) => encodeBusValue(entry));
  if (isBusVariant(value)) return [value.signature, encodeBusValue(value.value)];
  return value;
}

function isBusScalar(value: unknown): value is string | number | bigint | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "bigint" ||
    typeof value === "boolean";
}

function pairOf(entry: BusValue): [BusValue, BusValue] {
  const [key, value] = Array.isArray(entry) ? entry : [];
  if (key === undefined || value === undefined) {
    throw new AgentError("protocol_error", "Cannot read a message of the bus: a dictionary holds no pair");
  }
  return [key, value];
}
