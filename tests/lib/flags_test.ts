/** Tests of the agent's own flags: names, defaults by platform, help, and the output of a start without a config. */

import assert from "node:assert/strict";
import { earlyAnswer, type Flags, flagTable, parseFlags } from "../../lib/flags.ts";
import type { HostPlatform } from "../../lib/flags/defaults.ts";

const linux: HostPlatform = { os: "linux", homeDir: undefined };
const mac: HostPlatform = { os: "darwin", homeDir: "/Users/joe" };
const windows: HostPlatform = { os: "windows", homeDir: "C:\\Users\\joe" };

Deno.test("parseFlags() returns the defaults of Linux", () => {
  assert.deepEqual(flagsOf([], linux), {
    agentDir: "/opt/reagent",
    appsDir: "/opt/reagent/apps",
    arch: false,
    compressedBuildExtension: "tgz",
    config: "",
    connTimeout: 1250,
    dbFileName: "/opt/reagent/reagent.db",
    debug: true,
    debugMessaging: false,
    env: "production",
    logFile: "/var/log/reagent.log",
    nmw: true,
    offline: false,
    ppTimeout: 5000,
    prettyLogging: false,
    profiling: false,
    profilingPort: 80,
    remoteUpdateURL: "https://storage.googleapis.com",
    respTimeout: 7000,
    update: true,
    version: false,
  });
});

Deno.test("parseFlags() puts the defaults of macOS below the home folder", () => {
  const { agentDir, appsDir, dbFileName, logFile } = flagsOf([], { os: "darwin", homeDir: "/Users/joe/" });
  assert.deepEqual({ agentDir, appsDir, dbFileName, logFile }, {
    agentDir: "/Users/joe//reagent",
    appsDir: "/Users/joe/reagent/apps",
    dbFileName: "/Users/joe/reagent/reagent.db",
    logFile: "/Users/joe//reagent/reagent.log",
  });
});

Deno.test("parseFlags() normalizes only two of the defaults of Windows", () => {
  const { agentDir, appsDir, dbFileName, logFile } = flagsOf([], windows);
  assert.deepEqual({ agentDir, appsDir, dbFileName, logFile }, {
    agentDir: "C:\\Users\\joe/reagent",
    appsDir: "C:\\Users\\joe\\reagent\\apps",
    dbFileName: "C:\\Users\\joe\\reagent\\reagent.db",
    logFile: "C:\\Users\\joe/reagent/reagent.log",
  });
  assert.equal(flagsOf([], { os: "windows", homeDir: "\\\\host\\joe" }).appsDir, "\\\\host\\joe\\reagent\\apps");
});

Deno.test("parseFlags() ends with exit code 1 when the home folder is unknown, whatever the arguments are", () => {
  for (const homeDir of [undefined, ""]) {
    for (const args of [[], ["-version"], ["-help"], ["-nonsense"]]) {
      assert.deepEqual(parseFlags(args, { program: "reagent", platform: { os: "darwin", homeDir } }), {
        kind: "error",
        text: "$HOME is not defined",
        exitCode: 1,
      });
    }
  }
  const parsed = parseFlags([], { program: "reagent", platform: { os: "windows", homeDir: undefined } });
  assert.deepEqual(parsed, { kind: "error", text: "%USERPROFILE% is not defined", exitCode: 1 });
});

Deno.test("parseFlags() changes nothing else when only -agentDir is given", () => {
  assert.deepEqual(flagsOf(["-agentDir", "/data"], linux), { ...flagsOf([], linux), agentDir: "/data" });
});

Deno.test("parseFlags() sets each flag of the table and nothing else", () => {
  for (const row of flagTable(linux)) {
    const value = row.kind === "string" ? "elsewhere" : row.kind === "uint" ? 4711 : !row.defaultValue;
    assert.deepEqual(flagsOf([`-${row.name}=${value}`], linux), { ...flagsOf([], linux), [row.name]: value });
  }
});

Deno.test("parseFlags() uses the last of two equal flags", () => {
  assert.equal(flagsOf(["-connTimeout", "1", "--connTimeout=0x2"], linux).connTimeout, 2);
});

Deno.test("parseFlags() limits waits to what a timer supports", () => {
  const flags = flagsOf(["-connTimeout=18446744073709551615", "-ppTimeout=2147483648", "-respTimeout=0"], linux);
  assert.equal(flags.connTimeout, 2_147_483_647);
  assert.equal(flags.ppTimeout, 2_147_483_647);
  assert.equal(flags.respTimeout, 0);
});

Deno.test("parseFlags() replaces the profiling port 0 and an empty log file by their defaults", () => {
  assert.equal(flagsOf(["-profilingPort=0"], linux).profilingPort, 80);
  assert.equal(flagsOf(["-logFile="], linux).logFile, "/var/log/reagent.log");
  assert.equal(flagsOf(["-logFile", ""], mac).logFile, "/Users/joe/reagent/reagent.log");
});

Deno.test("parseFlags() keeps a relative database path as it is and refuses an empty one", () => {
  assert.equal(flagsOf(["-dbFileName=my.db"], linux).dbFileName, "my.db");
  for (const args of [["-dbFileName="], ["-dbFileName", ""], ["-dbFileName=", "-dbFileName=x"]]) {
    const parsed = parseFlags(args, { program: "reagent", platform: linux });
    assert.ok(parsed.kind === "error" && parsed.exitCode === 2);
    assert.equal(parsed.text.split("\n")[0], 'invalid value "" for flag -dbFileName: must not be empty');
  }
});

Deno.test("parseFlags() answers a mistake with its text and the whole help", () => {
  const parsed = parseFlags(["-bogus"], { program: "./reagent", platform: linux });
  const help = parseFlags(["-h"], { program: "./reagent", platform: linux });
  assert.ok(help.kind === "help");
  assert.deepEqual(parsed, {
    kind: "error",
    text: `flag provided but not defined: -bogus\n${help.text}`,
    exitCode: 2,
  });
});

Deno.test("parseFlags() formats the help as Go does", () => {
  const parsed = parseFlags(["--help"], { program: "./reagent", platform: windows });
  assert.ok(parsed.kind === "help");
  const lines = parsed.text.split("\n");
  assert.equal(lines[0], "Usage of ./reagent:");
  assert.equal(lines.length, 1 + 2 * 21);
  const names = lines.filter((_, index) => index % 2 === 1).map((line) => line.trim().split(" ")[0] ?? "");
  assert.deepEqual(names, names.toSorted());
  const at = (start: string) => lines.slice(lines.indexOf(start), lines.indexOf(start) + 2);
  const inHelp = at("  -connTimeout uint");
  assert.match(inHelp[1] ?? "", /^ {4}\t\S.* \(default 1250\)$/);
  assert.match(at("  -offline")[1] ?? "", /^ {4}\t\S((?!default).)*$/);
  assert.match(at("  -debug")[1] ?? "", / \(default true\)$/);
  assert.match(at("  -config string")[1] ?? "", /^ {4}\t((?!default).)*$/);
  assert.match(at("  -appsDir string")[1] ?? "", / \(default "C:\\\\Users\\\\joe\\\\reagent\\\\apps"\)$/);
});

Deno.test("flagTable() has the 21 flags, sorted, each with a description of one line", () => {
  const table = flagTable(linux);
  assert.equal(table.length, 21);
  assert.deepEqual(table.map((row) => row.name), table.map((row) => row.name).toSorted());
  for (const row of table) assert.match(row.description, /^[a-z][^\n`]+[^.]$/);
});

const answers: [args: string[], answer: string | undefined][] = [
  [[], "'-config' argument is required. -help for usage"],
  [["-version"], "1.2.3"],
  [["-arch"], "amd64"],
  [["-arch", "-version"], "1.2.3"],
  [["-version=false", "-arch"], "amd64"],
  [["-config=", "-version"], "1.2.3"],
  [["-config", "x", "-version"], undefined],
  [["-config", "x"], undefined],
];

for (const [args, answer] of answers) {
  Deno.test(`earlyAnswer() answers [${args.join(" ")}] with ${answer}`, () => {
    assert.equal(earlyAnswer(flagsOf(args, linux), { version: "1.2.3", arch: "amd64" }), answer);
  });
}

function flagsOf(args: readonly string[], platform: HostPlatform): Flags {
  const parsed = parseFlags(args, { program: "reagent", platform });
  assert.ok(parsed.kind === "run", parsed.kind === "run" ? "" : parsed.text);
  return parsed.flags;
}
