/** Tests of the port probe against the operating system. UDP needs `"unstable": ["net"]` in deno.json. */

import assert from "node:assert/strict";
import { probePort } from "../../../../lib/apps/container/port_probe.ts";

const transports = ["tcp", "udp"] as const;

/** Holds a port that the operating system chooses. */
function holdPort(transport: typeof transports[number], hostname: string): { port: number; close(): void } {
  const held = transport === "tcp"
    ? Deno.listen({ hostname, port: 0 })
    : Deno.listenDatagram({ hostname, port: 0, transport });
  if (!("port" in held.addr)) throw new Error("The address has no port");
  return { port: held.addr.port, close: () => held.close() };
}

for (const transport of transports) {
  for (const hostname of ["0.0.0.0", "127.0.0.1"]) {
    Deno.test(`probePort() returns false while a ${transport} port is bound on ${hostname}, and true afterwards`, () => {
      const held = holdPort(transport, hostname);
      assert.equal(probePort(held.port, transport), false);
      held.close();
      assert.equal(probePort(held.port, transport), true);
      assert.equal(probePort(held.port, transport), true, "the probe has released it");
    });
  }
}

Deno.test("probePort() probes each transport by itself", () => {
  // A connection of another program may have the same number, so one free port among several will do.
  const held = Array.from({ length: 10 }, () => holdPort("udp", "0.0.0.0"));
  assert.ok(held.some(({ port }) => probePort(port, "tcp")));
  for (const { close } of held) close();
});
