import assert from "node:assert/strict";
import { changePort, type PortChange } from "../../../scripts/studio/port_change.ts";

const web = { port: 8080, protocol: "http", active: false, host_port: 40_001 };
const mqtt = { port: 1883, protocol: "tcp", active: true, remote_port: 31_044 };

const cases: { name: string; change: PortChange; expected: unknown[] }[] = [
  {
    name: "a rule is switched on and keeps the rest",
    change: { port: 8080, protocol: "http", isOpen: true },
    expected: [{ ...web, active: true }, mqtt],
  },
  {
    name: "a rule is switched off and keeps its port",
    change: { port: 1883, protocol: "tcp", isOpen: false },
    expected: [web, { ...mqtt, active: false }],
  },
  {
    name: "a rule is added, with a reservation, for another machine",
    change: { port: 502, protocol: "tcp", isOpen: true, reservedRemotePort: 31_100, localIp: "10.0.0.7" },
    expected: [web, mqtt, {
      port: 502,
      protocol: "tcp",
      active: true,
      reserved_remote_port: 31_100,
      local_ip: "10.0.0.7",
    }],
  },
  {
    name: "the same port with another protocol is another rule",
    change: { port: 8080, protocol: "tcp", isOpen: true },
    expected: [web, mqtt, { port: 8080, protocol: "tcp", active: true }],
  },
  { name: "nothing is closed", change: { port: 9, protocol: "udp", isOpen: false }, expected: [web, mqtt] },
];

for (const { name, change, expected } of cases) {
  Deno.test(`changePort(): ${name}`, () => assert.deepEqual(changePort([web, mqtt], change), expected));
}
