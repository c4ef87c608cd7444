import assert from "node:assert/strict";
import { type LocalArguments, type LocalCommand, readLocalArguments, readSince } from "../../../lib/local/arguments.ts";

const plain = {
  agentFlags: [],
  isJson: false,
  app: "",
  isFollowing: false,
  hasTimes: false,
  tail: undefined,
  since: "",
};

const good: readonly [command: LocalCommand, line: string, expected: Partial<LocalArguments>][] = [
  ["status", "", {}],
  ["status", "--json", { isJson: true }],
  ["doctor", "--json -config=a.flock", { isJson: true, agentFlags: ["-config=a.flock"] }],
  ["status", "-agentDir /x --config -y", { agentFlags: ["-agentDir=/x", "-config=-y"] }],
  ["logs", "", {}],
  ["logs", "-f", { isFollowing: true }],
  ["logs", "shop -f -n 5 -t", { app: "shop", isFollowing: true, tail: 5, hasTimes: true }],
  ["logs", "--tail=all --since 42m shop", { app: "shop", since: "42m" }],
  ["logs", "--tail -1 --follow --timestamps", { isFollowing: true, hasTimes: true }],
  ["logs", "--tail 0", { tail: 0 }],
];

for (const [command, line, expected] of good) {
  Deno.test(`readLocalArguments() reads "${command} ${line}"`, () => {
    const read = readLocalArguments(command, line.split(" ").filter((word) => word !== ""));
    assert.deepEqual(read, { kind: "run", arguments: { ...plain, command, ...expected } });
  });
}

const bad: readonly [command: LocalCommand, line: string, text: RegExp][] = [
  ["status", "--follow", /^unknown flag: --follow\nSee 'reagent status --help'\.$/],
  ["status", "shop", /takes no argument "shop"/],
  ["logs", "shop pump", /takes no argument "pump"/],
  ["logs", "--tail", /^flag needs an argument: --tail/],
  ["logs", "--tail five", /^invalid value "five" for --tail/],
  ["logs", "-f=yes", /^flag takes no value: -f/],
  ["doctor", "-debug", /^unknown flag: -debug/],
];

for (const [command, line, text] of bad) {
  Deno.test(`readLocalArguments() refuses "${command} ${line}"`, () => {
    const read = readLocalArguments(command, line.split(" "));
    assert.ok(read.kind === "error");
    assert.match(read.text, text);
  });
}

Deno.test("readLocalArguments() knows how each command is used", () => {
  for (const command of ["status", "logs", "doctor"] as const) {
    const read = readLocalArguments(command, ["--help"]);
    assert.ok(read.kind === "help" && read.text.startsWith(`Usage:  reagent ${command} `));
  }
});

const nowMs = Date.UTC(2031, 2, 5, 12);
const moments: readonly [text: string, expected: number | undefined][] = [
  ["42m", nowMs - 42 * 60_000],
  ["1h30m", nowMs - 90 * 60_000],
  ["10s", nowMs - 10_000],
  ["1.5h", nowMs - 90 * 60_000],
  ["1930000000", 1_930_000_000_000],
  ["1930000000.5", 1_930_000_000_500],
  ["2031-03-05T11:00:00Z", nowMs - 3_600_000],
  ["2031-03-05T11:00:00.25+01:00", nowMs - 7_200_000 + 250],
  ["2031-03-05T11:00Z", nowMs - 3_600_000],
  ["2031-03-05T11Z", nowMs - 3_600_000],
  ["yesterday", undefined],
  ["2031-13-05T11:00:00Z", undefined],
  ["5", 5_000],
  ["5 m", undefined],
  ["-5m", undefined],
];

for (const [text, expected] of moments) {
  Deno.test(`readSince() reads "${text}"`, () => assert.equal(readSince(text, nowMs), expected));
}
