import assert from "node:assert/strict";
import { ComposeError, conflictingPorts } from "../../../lib/docker/compose_error.ts";

Deno.test("ComposeError names the command, the exit status and the lines", () => {
  const error = new ComposeError("up", { exitStatus: 17, lines: ["Container a Creating", "no such image: x"] });
  assert.equal(error.code, "compose_failed");
  assert.equal(error.message, "docker compose up failed: exit status 17: Container a Creating; no such image: x");
  assert.equal(new ComposeError("stop", { exitStatus: 1, lines: [] }).message.endsWith(": no output"), true);
});

const conflicts: readonly { line: string; ports: number[] }[] = [
  {
    line: "Error response from daemon: driver failed programming external connectivity on endpoint p-web-1 (ab12): " +
      "Bind for 0.0.0.0:8080 failed: port is already allocated",
    ports: [8080],
  },
  {
    line:
      "failed to set up container networking: driver failed: failed to bind host port for 0.0.0.0:8080:172.18.0.2:80/tcp: " +
      "address already in use",
    ports: [8080],
  },
  {
    line: "Error starting userland proxy: listen tcp4 127.0.0.1:9000: bind: address already in use",
    ports: [9000],
  },
  { line: "listen tcp [::]:443: bind: address already in use", ports: [443] },
  { line: "Bind for :::8443 failed: port is already allocated", ports: [8443] },
  { line: "failed to bind host port 0.0.0.0:53/udp: address already in use", ports: [53] },
  {
    line: "Ports are not available: exposing port TCP 0.0.0.0:80 -> 127.0.0.1:0: listen tcp 0.0.0.0:80: bind",
    ports: [80],
  },
  { line: "pulling 127.0.0.1:5000/app:1 failed", ports: [] },
  { line: "port is already allocated", ports: [] },
];

for (const { line, ports } of conflicts) {
  Deno.test(`conflictingPorts() finds ${ports.join(", ") || "nothing"} in "${line.slice(0, 60)}"`, () => {
    assert.deepEqual(conflictingPorts(["time=x level=info 1.2.3.4:77", line]), ports);
    const isConflict = /allocated|in use|not available/.test(line);
    const error = new ComposeError("up", { exitStatus: 1, lines: ["other", line] });
    assert.equal(error.code, isConflict ? "port_in_use" : "compose_failed");
  });
}

const full = "Error response from daemon: mkdir /var/lib/docker/overlay2/8d99-init: no space left on device";

const codes: readonly [name: string, code: string, exitStatus: number, lines: string[]][] = [
  ["a full disk of the engine", "no_space", 1, ["Container p-web-1  Recreate", full]],
  ["a share of it that is used up", "no_space", 1, ["Error response from daemon: write /x: disk quota exceeded"]],
  ["what a service has printed as it was built", "compose_failed", 1, [full, "#7 1", "#7 2", "failed to solve"]],
  ["an engine that is away", "engine_unreachable", 1, [
    "Cannot connect to the Docker daemon at unix:///x. Is it running?",
  ]],
  ["a program that the kernel has ended", "command_failed", 137, ["Container p-web-1  Recreate"]],
  ["a definition that makes no sense", "compose_failed", 15, ["services.web must be a mapping"]],
];

for (const [name, code, exitStatus, lines] of codes) {
  Deno.test(`the code of a ComposeError tells of ${name}: ${code}`, () => {
    assert.equal(new ComposeError("up", { exitStatus, lines }).code, code);
  });
}
