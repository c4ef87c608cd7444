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
