/**
 * The grammar of Go's `flag` package: which arguments are flags, what their values are, and the exact texts for what is
 * wrong. Pure.
 */

import { quoteText } from "../base/quote.ts";

/** What a flag holds. A `uint` is a whole number of 64 bits without sign. */
export type FlagKind = "string" | "bool" | "uint";

/** A flag as it was given. Its kind determines the type of the value. */
export type GivenFlag =
  | { kind: "string"; name: string; value: string }
  | { kind: "bool"; name: string; value: boolean }
  | { kind: "uint"; name: string; value: bigint };

/** The flags of a command line in order, a request for help, or what is wrong with it. */
export type ScanResult =
  | { kind: "flags"; given: GivenFlag[] }
  | { kind: "help" }
  | { kind: "error"; text: string };

/**
 * Reads the flags of `args` up to the first argument that is not one; the rest is ignored. `kinds` has the flags that
 * exist, in their exact spelling. `check` may return the reason why it refuses a value.
 */
export function scanFlags(
  args: readonly string[],
  options: { kinds: ReadonlyMap<string, FlagKind>; check?: (flag: GivenFlag) => string | undefined },
): ScanResult {
  const { kinds, check } = options;
  const given: GivenFlag[] = [];
  for (let index = 0; index < args.length;) {
    const arg = args[index] ?? "";
    if (arg.length < 2 || !arg.startsWith("-") || arg === "--") break;
    index += 1;
    const named = splitArgument(arg);
    if (named === undefined) return fail(`bad flag syntax: ${arg}`);
    const { name } = named;
    const kind = kinds.get(name);
    if (kind === undefined) {
      return name === "help" || name === "h" ? { kind: "help" } : fail(`flag provided but not defined: -${name}`);
    }
    let text = named.value;
    if (text === undefined && kind !== "bool") {
      text = args[index];
      if (text === undefined) return fail(`flag needs an argument: -${name}`);
      index += 1;
    }
    const flag = readFlag({ kind, name, text });
    if (flag.kind === "error") return fail(flag.text);
    const objection = check?.(flag);
    if (objection !== undefined) return fail(`invalid value ${quoteText(text ?? "")} for flag -${name}: ${objection}`);
    given.push(flag);
  }
  return { kind: "flags", given };
}

/** The name after one or two dashes and the text after the first `=`; undefined for a name that cannot be one. */
function splitArgument(arg: string): { name: string; value: string | undefined } | undefined {
  const rest = arg.slice(arg.startsWith("--") ? 2 : 1);
  if (rest === "" || rest.startsWith("-") || rest.startsWith("=")) return undefined;
  const equals = rest.indexOf("=");
  if (equals < 0) return { name: rest, value: undefined };
  return { name: rest.slice(0, equals), value: rest.slice(equals + 1) };
}

function fail(text: string): ScanResult {
  return { kind: "error", text };
}

/** `text` is undefined only for a bool without a value, which stands for true. */
function readFlag(
  { kind, name, text = "true" }: { kind: FlagKind; name: string; text: string | undefined },
): GivenFlag | { kind: "error"; text: string } {
  switch (kind) {
    case "string":
      return { kind, name, value: text };
    case "bool": {
      const value = readBool(text);
      if (value !== undefined) return { kind, name, value };
      return { kind: "error", text: `invalid boolean value ${quoteText(text)} for -${name}: parse error` };
    }
    case "uint": {
      const value = readUint64(text);
      if (typeof value === "bigint") return { kind, name, value };
      return { kind: "error", text: `invalid value ${quoteText(text)} for flag -${name}: ${value}` };
    }
  }
}

function readBool(text: string): boolean | undefined {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  return undefined;
}

const uint64Limit = 2n ** 64n;

/**
 * Reads a whole number as Go's `strconv.ParseUint(text, 0, 64)`: decimal, `0x`, `0o`, a leading `0` (octal) or `0b`,
 * with underscores between digits. The range is checked digit by digit, so a wrong character after a number that is
 * already too big is out of range.
 */
export function readUint64(text: string): bigint | "parse error" | "value out of range" {
  const { base, digits } = splitBase(text);
  if (digits === "" && base === 10) return "parse error";
  let value = 0n;
  for (const character of digits) {
    if (character === "_") continue;
    const digit = digitValue(character);
    if (digit >= base) return "parse error";
    value = value * BigInt(base) + BigInt(digit);
    if (value >= uint64Limit) return "value out of range";
  }
  return digits.includes("_") && !hasUnderscoresBetweenDigits(text) ? "parse error" : value;
}

function splitBase(text: string): { base: number; digits: string } {
  if (!text.startsWith("0")) return { base: 10, digits: text };
  const bases: Readonly<Record<string, number>> = { b: 2, o: 8, x: 16 };
  const base = text.length >= 3 ? bases[text.charAt(1).toLowerCase()] : undefined;
  return base === undefined ? { base: 8, digits: text.slice(1) } : { base, digits: text.slice(2) };
}

function digitValue(character: string): number {
  return /^[0-9a-zA-Z]$/.test(character) ? parseInt(character, 36) : Number.POSITIVE_INFINITY;
}

/** An underscore needs a digit, or the base prefix, on its left and a digit on its right. */
function hasUnderscoresBetweenDigits(text: string): boolean {
  const rest = /^0[box]/i.test(text) ? `0${text.slice(2)}` : text;
  return !/(^|_)_|_$/.test(rest);
}
