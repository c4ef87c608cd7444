import assert from "node:assert/strict";
import {
  reservationLine,
  reservationProblem,
  ruleAfter,
  type TunnelOutcome,
} from "../../../lib/tunnels/tunnel_outcome.ts";
import { portRule } from "./port_rules.ts";

const known = portRule({ remotePort: 31_044 });
const reserved = portRule({ remotePort: 31_044, reservedRemotePort: 31_100 });
const open = (remotePort: number): TunnelOutcome => ({ kind: "open", remotePort });
const failed: TunnelOutcome = { kind: "failed", error: "no such port" };

const cases = [
  { name: "nothing was done", rule: known, outcome: { kind: "none" }, port: 31_044, error: "" },
  { name: "a granted port", rule: known, outcome: open(31_050), port: 31_050, error: "" },
  { name: "M28: a tunnel without a port", rule: known, outcome: open(0), port: 31_044, error: "" },
  { name: "a failure keeps the rule", rule: known, outcome: failed, port: 31_044, error: "" },
  { name: "a reservation that fits", rule: reserved, outcome: open(31_100), port: 31_100, error: "" },
  {
    name: "a reservation that was not granted",
    ...{ rule: reserved, outcome: open(31_050), port: 31_100 },
    error: "tunnel granted port 31050 instead of reserved 31100",
  },
  { name: "a reservation that fails", rule: reserved, outcome: failed, port: 31_044, error: "no such port" },
  { name: "a reservation that waits", rule: reserved, outcome: { kind: "none" }, port: 31_044, error: "" },
  {
    name: "a reservation of an http rule has no effect",
    ...{ rule: { ...reserved, protocol: "http" as const }, outcome: failed, port: 31_044, error: "" },
  },
  {
    name: "the host port has a problem, too",
    ...{ rule: { ...reserved, reservationError: "host" }, outcome: failed, port: 31_044, error: "host; no such port" },
  },
] satisfies { name: string; rule: typeof known; outcome: TunnelOutcome; port: number; error: string }[];

for (const { name, rule, outcome, port, error } of cases) {
  Deno.test(`ruleAfter(): ${name}`, () => {
    const after = ruleAfter(rule, { outcome, problem: reservationProblem(rule, outcome) });
    assert.deepEqual([after.remotePort, after.reservationError], [port, error]);
  });
}

Deno.test("reservationLine() says which port is missing, and why", () => {
  assert.equal(
    reservationLine(reserved, "no such port"),
    "Reserved tunnel port 31100 for port 1883 could not be established: no such port. " +
      "Reserved ports are never reassigned automatically - free the port or change the reservation.",
  );
});
