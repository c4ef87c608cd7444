/**
 * Tests of the flag grammar: the rules one by one, and 300 command lines with the outcome of Go's own `flag` package.
 */

import assert from "node:assert/strict";
import { type FlagKind, type GivenFlag, readUint64, scanFlags } from "../../../lib/flags/grammar.ts";
import { flagTable } from "../../../lib/flags.ts";

// Recorded from a Go 1.26 program with the same flags; all of their defaults were zero values.
import recorded from "./go_outcomes.json" with { type: "json" };

const kinds = new Map<string, FlagKind>(
  flagTable({ os: "linux", homeDir: undefined }).map((row) => [row.name, row.kind]),
);

Deno.test("scanFlags() decides like Go's flag package on 300 recorded command lines", () => {
  for (const expected of recorded) {
    assert.deepEqual(outcomeOf(expected.args), outcomeText(expected), JSON.stringify(expected.args));
  }
});

Deno.test("scanFlags() does not read the value of a bool flag from the next argument", () => {
  assert.deepEqual(scanFlags(["-debug", "false", "-version"], { kinds }), {
    kind: "flags",
    given: [{ kind: "bool", name: "debug", value: true }],
  });
});

Deno.test("scanFlags() reads the value of other flags verbatim from the next argument", () => {
  assert.deepEqual(scanFlags(["-config", "-version"], { kinds }), {
    kind: "flags",
    given: [{ kind: "string", name: "config", value: "-version" }],
  });
});

Deno.test("scanFlags() reports what a check refuses in the format of the grammar", () => {
  const check = (flag: GivenFlag) => flag.value === "" ? "must not be empty" : undefined;
  const scanned = scanFlags(["-config="], { kinds, check });
  assert.deepEqual(scanned, { kind: "error", text: 'invalid value "" for flag -config: must not be empty' });
});

const numbers: [text: string, value: bigint | string][] = [
  ["0", 0n],
  ["42", 42n],
  ["010", 8n],
  ["0o10", 8n],
  ["0B11", 3n],
  ["0xFf", 255n],
  ["1_000", 1000n],
  ["0x_f", 15n],
  ["0_7", 7n],
  ["18446744073709551615", 18446744073709551615n],
  ["18446744073709551616", "value out of range"],
  ["99999999999999999999x", "value out of range"],
  ["", "parse error"],
  ["-1", "parse error"],
  ["+1", "parse error"],
  ["1.0", "parse error"],
  ["1__0", "parse error"],
  ["1_", "parse error"],
  ["_1", "parse error"],
  ["0x", "parse error"],
  ["08", "parse error"],
  ["0b2", "parse error"],
  ["١", "parse error"],
];

for (const [text, value] of numbers) {
  Deno.test(`readUint64() reads ${JSON.stringify(text)} as ${value}`, () => {
    assert.equal(readUint64(text), value);
  });
}

Deno.test("readUint64() reads every number in each base", () => {
  for (let bit = 0n; bit < 64n; bit++) {
    for (const value of [2n ** bit, 2n ** bit - 1n, 2n ** 64n - 2n ** bit]) {
      for (const [prefix, base] of [["", 10], ["0x", 16], ["0b", 2], ["0o", 8], ["0", 8]] as const) {
        assert.equal(readUint64(prefix + value.toString(base)), value);
      }
      assert.equal(readUint64((value + 2n ** 64n).toString()), "value out of range");
    }
  }
});

interface Outcome {
  kind: string;
  text?: string;
  flags?: Readonly<Record<string, string | undefined>>;
}

function outcomeText(outcome: Outcome): string {
  const flags = Object.entries(outcome.flags ?? {}).filter(([, value]) => value !== undefined).sort();
  return `${outcome.kind} ${outcome.text ?? ""} ${JSON.stringify(flags)}`;
}

function outcomeOf(args: readonly string[]): string {
  const scanned = scanFlags(args, { kinds });
  switch (scanned.kind) {
    case "help":
      return outcomeText(scanned);
    case "error":
      return outcomeText(scanned);
    case "flags": {
      const flags = Object.fromEntries(scanned.given.map(({ name, value }) => [name, String(value)]));
      return outcomeText({ kind: "flags", flags });
    }
  }
}
