import assert from "node:assert/strict";
import {
  readArguments,
  readPairs,
  readPort,
  readPorts,
  UsageError,
} from "../../../../scripts/studio/command_line/arguments.ts";

const kinds = { options: { env: "many", wait: "one" }, least: 1, most: 2 } as const;

Deno.test("readArguments() accepts words and options in any order", () => {
  const args = readArguments(["--env", "A=b", "edge-1", "--wait=5", "--env=C=d=e", "--", "--shop"], kinds);
  assert.deepEqual(args.words, ["edge-1", "--shop"]);
  assert.deepEqual(args.list("env"), ["A=b", "C=d=e"]);
  assert.equal(args.text("wait"), "5");
  assert.equal(args.count("wait", 60), 5);
  assert.equal(args.count("other", 60), 60);
  assert.equal(args.text("other"), undefined);
});

Deno.test("readArguments() reports invalid arguments", () => {
  const table: [args: string[], text: string][] = [
    [[], "An argument is missing"],
    [["a", "b", "c"], '"c" is one argument too many'],
    [["a", "--nope", "1"], "There is no option --nope here"],
    [["a", "--constructor", "1"], "There is no option --constructor here"],
    [["a", "--wait"], "--wait needs a value"],
    [["a", "--wait", "1", "--wait", "2"], "--wait was given twice"],
  ];
  for (const [args, message] of table) assert.throws(() => readArguments(args, kinds), { message });
  for (const text of ["x", "-1", "1.5", ""]) {
    assert.throws(() => readArguments(["a", `--wait=${text}`], kinds).count("wait", 1), UsageError);
  }
});

Deno.test("readPairs() and readPort() read the values of options", () => {
  assert.deepEqual(readPairs("env", ["A=b", "C=d=e", "D="]), { A: "b", C: "d=e", D: "" });
  for (const text of ["A", "=b"]) assert.throws(() => readPairs("env", [text]), UsageError);
  assert.deepEqual(readPort("8080"), { port: 8080, protocol: "http" });
  assert.deepEqual(readPort("53:udp"), { port: 53, protocol: "udp" });
  for (const text of ["", "0", "65536", "80:ftp", "http:80"]) assert.throws(() => readPort(text), UsageError);
});

Deno.test("change 1.5: readPorts() gives the first ports the reservations", () => {
  assert.deepEqual(readPorts(["8080:http", "502:tcp", "53:udp"], ["0", "41000"]), [
    { port: 8080, protocol: "http", reserved_host_port: 0 },
    { port: 502, protocol: "tcp", reserved_host_port: 41_000 },
    { port: 53, protocol: "udp" },
  ]);
  for (const [ports, reserved] of [[[], ["1"]], [["80"], ["x"]], [["80"], ["65536"]], [["80"], ["1", "2"]]] as const) {
    assert.throws(() => readPorts(ports, reserved), UsageError);
  }
});
