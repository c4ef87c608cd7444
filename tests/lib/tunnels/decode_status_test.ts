import assert from "node:assert/strict";
import { decodeStatuses } from "../../../lib/tunnels/decode_status.ts";

const serverHost = "app.ironflock.com";
const entry = { name: "512-a-1-tcp", type: "tcp", status: "running", err: "", local_addr: "127.0.0.1:1", plugin: "" };

const addresses: { address: unknown; host?: string; port: number }[] = [
  { address: "app.ironflock.com:31044", port: 31_044 },
  { address: "app.ironflock.com", port: 0 },
  { address: "fd00::5:31044", host: "fd00::5", port: 31_044 },
  { address: "[fd00::5]:31044", host: "fd00::5", port: 31_044 },
  { address: "fd00::5", host: "fd00::5", port: 0 },
  { address: "", port: 0 },
  { address: "x:99999", port: 0 },
  { address: "x:port", port: 0 },
  { address: 5, port: 0 },
];

for (const { address, host = serverHost, port } of addresses) {
  Deno.test(`the remote port of ${JSON.stringify(address)} is ${port}`, () => {
    const statuses = decodeStatuses({ tcp: [{ ...entry, remote_addr: address }] }, { serverHost: host });
    assert.equal(statuses?.[0]?.remotePort, port);
  });
}

Deno.test("decodeStatuses() reads the lists of all types", () => {
  const answer = {
    tcp: [{ ...entry, remote_addr: "" }],
    http: [{ name: "512-a-2-http", err: "no" }, { name: "" }, 5],
    udp: null,
  };
  assert.deepEqual(
    decodeStatuses(answer, { serverHost })?.map(({ name, protocol, error }) => [name, protocol, error]),
    [
      ["512-a-1-tcp", "tcp", ""],
      ["512-a-2-http", "http", "no"],
    ],
  );
  assert.deepEqual(decodeStatuses({}, { serverHost }), []);
});

Deno.test("decodeStatuses() returns undefined for what is no answer of the client", () => {
  for (const answer of [undefined, null, 5, "x", [], { tcp: 5 }]) {
    assert.equal(decodeStatuses(answer, { serverHost }), undefined);
  }
});
