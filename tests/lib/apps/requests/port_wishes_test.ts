import assert from "node:assert/strict";
import { haveOtherWishes } from "../../../../lib/apps/requests/port_wishes.ts";
import type { PortRule } from "../../../../lib/model/app.ts";

const rule: PortRule = {
  ...{ main: false, name: "", active: true, public: false, port: 80, protocol: "tcp", localIp: "" },
  ...{ remotePortEnvironment: "", remotePort: 0, hostPort: 0, cloudRemotePort: 0 },
  ...{ reservedHostPort: 0, reservedRemotePort: 0, reservationError: "", extra: {} },
};

Deno.test("haveOtherWishes() compares what Studio wants, not what the agent has found", () => {
  const found = { ...rule, hostPort: 40_001, remotePort: 31_000, reservationError: "taken" };
  assert.equal(haveOtherWishes([found], [rule]), false);
  const { port, ...rest } = rule;
  assert.equal(haveOtherWishes([{ ...rest, port }], [rule]), false, "whatever the order of the members");
  const others: PortRule[][] = [
    [],
    [rule, rule],
    [{ ...rule, active: false }],
    [{ ...rule, reservedHostPort: 41_000 }],
    [{ ...rule, reservedRemotePort: 31_000 }],
    [{ ...rule, localIp: "192.0.2.1" }],
    [{ ...rule, extra: { note: 1 } }],
  ];
  for (const rules of others) assert.equal(haveOtherWishes(rules, [rule]), true, JSON.stringify(rules));
});
