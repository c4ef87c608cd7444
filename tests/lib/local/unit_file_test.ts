import assert from "node:assert/strict";
import { firstProcessArguments, unitArguments, unitEnvironment } from "../../../lib/local/unit_file.ts";

const table: readonly [name: string, unit: string, expected: string[]][] = [
  ["no command", "[Service]\nType=notify\n", []],
  ["flags", "[Service]\nExecStart=/usr/local/bin/reagent -config /etc/device.flock\n", [
    "-config",
    "/etc/device.flock",
  ]],
  ["quotes", 'ExecStart=/opt/reagent/reagent "-config=/etc/my device.flock" \'-agentDir\' "/a\\"b"', [
    ...["-config=/etc/my device.flock", "-agentDir", '/a"b'],
  ]],
  ["several lines", "ExecStart=/x -a 1 \\\n  -b 2\nRestart=always", ["-a", "1", "-b", "2"]],
  ["a replaced command", "ExecStart=/x -a\nExecStart=\nExecStart=/y -b", ["-b"]],
  ["percent signs", "ExecStart=/x -config /a%%b", ["-config", "/a%b"]],
  ["a runtime in front", "ExecStart=/usr/bin/deno run /x/reagent.js -config /c", ["-config", "/c"]],
  ["nothing but a program", "ExecStart=/x", []],
];

for (const [name, unit, expected] of table) {
  Deno.test(`unitArguments() reads a unit with ${name}`, () => assert.deepEqual(unitArguments(unit), expected));
}

Deno.test("unitEnvironment() reads the variables of a unit", () => {
  const unit =
    'Environment=A=1 "B=two words"\nEnvironment=DOCKER_HOST=unix:///run/x.sock\nEnvironmentFile=/etc/x\nType=notify';
  assert.deepEqual(unitEnvironment(unit), { A: "1", B: "two words", DOCKER_HOST: "unix:///run/x.sock" });
});

Deno.test("firstProcessArguments() reads the command line of an agent only", () => {
  assert.deepEqual(firstProcessArguments("/usr/local/bin/reagent\0-config\0/app/x.flock\0-nmw=false\0"), [
    ...["-config", "/app/x.flock", "-nmw=false"],
  ]);
  assert.deepEqual(firstProcessArguments("/bin/deno\0run\0--ext=js\0/usr/local/bin/reagent\0-config\0a\0"), [
    "-config",
    "a",
  ]);
  assert.deepEqual(firstProcessArguments("/sbin/init\0splash\0"), []);
  assert.deepEqual(firstProcessArguments(""), []);
});
