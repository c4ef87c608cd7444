/** The command line of the real program: what it prints, and its exit code, before it starts an agent. */

import assert from "node:assert/strict";
import { agentVersion, buildArch } from "../lib/version.ts";
import { projectRoot } from "../scripts/paths.ts";

const usage = "Usage of reagent:\n  -agentDir string\n    \thome of the agent";
const hint = "'-config' argument is required. -help for usage\n";
const version = `${agentVersion}\n`;
const arch = `${buildArch().arch}\n`;

/** The expected result; a missing stream must be empty. `error` is the first line of stderr, before the usage. */
type Expected = { code: 0; stdout: string } | { code: 0; help: true } | { code: 2; error: string } | {
  code: 1;
  stderr: string;
};

const hints = (...lines: string[][]): [string[], Expected][] => lines.map((args) => [args, { code: 0, stdout: hint }]);
const helps = (...lines: string[][]): [string[], Expected][] => lines.map((args) => [args, { code: 0, help: true }]);
const fails = (error: string, ...lines: string[][]): [string[], Expected][] =>
  lines.map((args) => [args, { code: 2, error }]);

const cases: [string[], Expected][] = [
  [["-version"], { code: 0, stdout: version }],
  [["--version"], { code: 0, stdout: version }],
  [["-version=1"], { code: 0, stdout: version }],
  [["-version=T"], { code: 0, stdout: version }],
  [["-version", "-arch"], { code: 0, stdout: version }],
  [["-arch", "-version"], { code: 0, stdout: version }],
  [["-debug", "-version"], { code: 0, stdout: version }],
  [["-debug=false", "-version", "ignored", "-foo"], { code: 0, stdout: version }],
  [["-version=false", "-version"], { code: 0, stdout: version }],
  [["-connTimeout", "0x10", "-version"], { code: 0, stdout: version }],
  [["-ppTimeout", "18446744073709551615", "-version"], { code: 0, stdout: version }],
  [["-profilingPort", "1_000", "-version"], { code: 0, stdout: version }],
  [["-env", "-version", "-version"], { code: 0, stdout: version }],
  [["-arch"], { code: 0, stdout: arch }],
  [["--arch=true"], { code: 0, stdout: arch }],
  [["-version=0", "-arch"], { code: 0, stdout: arch }],
  ...hints(
    [],
    [""],
    ["-"],
    ["--"],
    ["x"],
    ["x", "-version"],
    ["--", "-version"],
    ["-", "-version"],
    ["-debug", "false", "-version"],
    ["-version=false"],
    ["-version", "-version=f"],
    ["-arch=0"],
    ["-offline"],
    ["-config="],
    ["-config", ""],
    ["-config", "x", "-config="],
    ["-logFile="],
    ["-env="],
    ["-update=false", "-nmw=F"],
    ["-compressedBuildExtension", "zip"],
  ),
  ...helps(["-h"], ["-help"], ["--help"], ["--h"], ["-debug", "-help"], ["-help", "-foo"], ["-help=x"], [
    "-version",
    "-h",
  ]),
  ...fails("flag provided but not defined: -foo", ["-foo"], ["--foo"], ["-foo=1"], ["-version", "-foo"]),
  ...fails("flag provided but not defined: -Version", ["-Version"]),
  ...fails("flag provided but not defined: -conf", ["-conf", "x"]),
  ...fails("bad flag syntax: ---version", ["---version"]),
  ...fails("bad flag syntax: -=", ["-="]),
  ...fails("bad flag syntax: --=x", ["--=x"]),
  ...fails("flag needs an argument: -config", ["-config"], ["-debug", "-config"]),
  ...fails("flag needs an argument: -connTimeout", ["-connTimeout"]),
  ...fails('invalid boolean value "x" for -debug: parse error', ["-debug=x"]),
  ...fails('invalid boolean value "" for -debug: parse error', ["-debug="]),
  ...fails('invalid boolean value "yes" for -version: parse error', ["-version=yes"]),
  ...fails('invalid boolean value "\\"" for -nmw: parse error', ['-nmw="']),
  ...fails('invalid value "x" for flag -connTimeout: parse error', ["-connTimeout", "x"], ["-connTimeout=x"]),
  ...fails('invalid value "-1" for flag -connTimeout: parse error', ["-connTimeout", "-1"]),
  ...fails('invalid value "" for flag -respTimeout: parse error', ["-respTimeout="]),
  ...fails('invalid value "1.5" for flag -ppTimeout: parse error', ["-ppTimeout", "1.5"]),
  ...fails('invalid value "1_" for flag -ppTimeout: parse error', ["-ppTimeout=1_"]),
  ...fails('invalid value "08" for flag -profilingPort: parse error', ["-profilingPort", "08"]),
  ...fails('invalid value "18446744073709551616" for flag -ppTimeout: value out of range', [
    "-ppTimeout=18446744073709551616",
  ]),
  ...fails('invalid value "" for flag -dbFileName: must not be empty', ["-dbFileName="]),
];

async function run(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const options = ["run", "--no-prompt", "-P=agent", "--quiet", "--no-check", "--config", `${projectRoot}deno.json`];
  const output = await new Deno.Command(Deno.execPath(), { args: [...options, `${projectRoot}main.ts`, ...args] })
    .output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code: output.code, stdout: text(output.stdout), stderr: text(output.stderr) };
}

function assertOutcome(args: readonly string[], expected: Expected, outcome: Awaited<ReturnType<typeof run>>): void {
  const name = JSON.stringify(args);
  assert.equal(outcome.code, expected.code, `${name} ended with ${outcome.code}: ${outcome.stderr}`);
  if ("stdout" in expected) return assert.deepEqual([outcome.stdout, outcome.stderr], [expected.stdout, ""], name);
  assert.equal(outcome.stdout, "", name);
  if ("stderr" in expected) return assert.equal(outcome.stderr, expected.stderr, name);
  const start = "help" in expected ? usage : `${expected.error}\n${usage}`;
  assert.equal(outcome.stderr.slice(0, start.length), start, name);
}

Deno.test("what is no verb of the service changes nothing and is answered with the usage", async () => {
  for (const args of [["service"], ["service", "nonsense"], ["service", "-version"]]) {
    const { code, stdout, stderr } = await run(args);
    assert.deepEqual([code, stdout], [2, ""], args.join(" "));
    assert.match(stderr, /^Usage: reagent service <verb> \[flags\]\n {2}install /, args.join(" "));
  }
});

Deno.test("the program answers command lines as the reference agent does", async () => {
  assert.ok(cases.length >= 60, `${cases.length} cases`);
  const queue = [...cases];
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [args, expected] = next;
      assertOutcome(args, expected, await run(args));
    }
  };
  await Promise.all([work(), work(), work()]);
});
