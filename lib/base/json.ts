/** Small decoders for values from outside. Each reports where it failed; none throws anything else on hostile input. */

import { AgentError } from "./errors.ts";
import { parseWithExactNumbers } from "./exact_numbers.ts";
import { isPrivateMember, isSecretName } from "./secret_name.ts";

/** A JSON object. */
export type Dict = Record<string, unknown>;

/** True for a plain JSON object, not for null or a list. */
export function isDict(value: unknown): value is Dict {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** True for a whole number from 0 to 2^53 − 1. */
export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** A whole number ≥ 0, given as a number or as a decimal string; undefined for anything else. */
export function readCount(value: unknown): number | undefined {
  if (isCount(value)) return value;
  if (typeof value !== "string" || !/^[0-9]{1,16}$/.test(value)) return undefined;
  const parsed = Number(value);
  return isCount(parsed) ? parsed : undefined;
}

/** A number, given as a number or as decimal text, possibly signed or in spaces; undefined for anything else. */
export function readNumber(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || value.length > 40 || !/^\s*[-+]?\d{1,16}(?:\.\d{1,16})?\s*$/.test(value)) {
    return undefined;
  }
  return Number(value);
}

/** `value` if it is text; undefined for anything else. */
export function readText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Parses JSON; undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return parseWithExactNumbers(text);
  } catch {
    // Not JSON is an expected outcome; the caller decides what it means.
    return undefined;
  }
}

/**
 * A short, safe form of a foreign value for an error text: at most 60 characters, control characters escaped. Of lists
 * and objects only their kind: what is in them may be secret.
 */
export function show(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (isDict(value)) return "an object";
  const text = typeof value === "string" ? JSON.stringify(value.slice(0, 60)) : String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/**
 * Throws `bad_request` with `Cannot read <where>: <path> must be <expected>, got <value>`. A value below a name that
 * promises secrets is not quoted.
 */
export function reject(where: string, path: string, options: { expected: string; got: unknown }): never {
  const isSecret = path.split(/[.[\]]/).some((name) => isPrivateMember(name) || isSecretName(name));
  const got = isSecret ? "something else" : show(options.got);
  throw new AgentError("bad_request", `Cannot read ${where}: ${path} must be ${options.expected}, got ${got}`);
}
