import assert from "node:assert/strict";
import { createBackend } from "../../../lib/backend/backend.ts";
import { offlineWire } from "../../../lib/wamp/wire.ts";

Deno.test("exposePort() asks for a port of the tunnel server in the words of the wire", async () => {
  const calls: unknown[] = [];
  const call = (uri: string, args: unknown[] = [], { timeoutMs }: { timeoutMs?: number } = {}) => {
    calls.push([uri, args, timeoutMs]);
    return Promise.resolve({ args: [{ remote_port: 31_044 }], kwargs: {} });
  };
  const device = { deviceKey: 345, swarmKey: 12, serialNumber: "SN-1" };
  const backend = createBackend({ ...offlineWire(), call }, () => device);
  assert.equal(await backend.exposePort({ port: 31_044, protocol: "udp", isReserved: true }), 31_044);
  const asked = { port: 31_044, protocol: "udp", device_key: 345, reserved: true };
  assert.deepEqual(calls, [["re.tunnel.expose_port", [asked], 10_000]]);
});
