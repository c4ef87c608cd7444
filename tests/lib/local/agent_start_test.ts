import assert from "node:assert/strict";
import { mergeEnvironment } from "../../../lib/install/environment_file.ts";
import { firstProcessArguments, startOf } from "../../../lib/local/agent_start.ts";

const table: readonly [name: string, unit: string, expected: string[]][] = [
  ["no command", "[Service]\nType=notify\n", []],
  ["flags", "[Service]\nExecStart=/usr/local/bin/reagent -config /etc/device.flock\n", [
    "-config",
    "/etc/device.flock",
  ]],
  ["quotes", '[Service]\nExecStart=/opt/reagent/reagent "-config=/etc/my device.flock" \'-agentDir\' "/a\\"b"', [
    ...["-config=/etc/my device.flock", "-agentDir", '/a"b'],
  ]],
  ["several lines", "[Service]\nExecStart=/x -a 1 \\\n  -b 2\nRestart=always", ["-a", "1", "-b", "2"]],
  ["a replaced command", "[Service]\nExecStart=/x -a\nExecStart=\nExecStart=/y -b", ["-b"]],
  ["a mark in front of the program", "[Service]\nExecStart=-/x -a", ["-a"]],
  ["dollar signs", "[Service]\nExecStart=/x -config /a$$b", ["-config", "/a$b"]],
  ["percent signs", "[Service]\nExecStart=/x -config /a%%b", ["-config", "/a%b"]],
  ["a runtime in front", "[Service]\nExecStart=/usr/bin/deno run /x/reagent.js -config /c", ["-config", "/c"]],
  ["nothing but a program", "[Service]\nExecStart=/x", []],
];

const noFile = () => undefined;

for (const [name, unit, expected] of table) {
  Deno.test(`startOf() reads a unit with ${name}`, () => assert.deepEqual(startOf(unit, noFile).args, expected));
}

Deno.test("startOf() reads the variables of a unit, and of its files, which win", () => {
  const unit = [
    ...["[Service]", 'Environment=A=1 "B=two words"', "Environment=DOCKER_HOST=unix:///run/x.sock", "Environment=C=$$"],
    ...["EnvironmentFile=-/etc/default/reagent", "EnvironmentFile=/etc/missing", "Type=notify"],
  ].join("\n");
  const text = mergeEnvironment("# mine\nA=2\nD='x y'\n", { HTTPS_PROXY: 'http://u:p"$\\`@x:1' });
  const { environment } = startOf(unit, (path) => path === "/etc/default/reagent" ? text : undefined);
  assert.deepEqual(environment, {
    ...{ A: "2", B: "two words", DOCKER_HOST: "unix:///run/x.sock", C: "$$", D: "x y" },
    HTTPS_PROXY: 'http://u:p"$\\`@x:1',
  });
});

Deno.test("startOf() forgets the variables that an empty line takes back", () => {
  const unit = "[Service]\nEnvironment=A=1\nEnvironment=\nEnvironment=B=2\n";
  assert.deepEqual(startOf(unit, noFile).environment, { B: "2" });
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
