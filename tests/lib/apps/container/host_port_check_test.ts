import assert from "node:assert/strict";
import {
  answerHostPort,
  countDeclarations,
  type HostPortFacts,
} from "../../../../lib/apps/container/host_port_check.ts";

const app = { appKey: 71, stage: "PROD" } as const;
const question = { app, transport: "tcp", port: 80, hostPort: 41_000 } as const;
const free: HostPortFacts = { apps: [], dockerCompose: null, owner: undefined, isFree: () => true };

Deno.test("change 1.4: a port that two services of a compose app declare is ambiguous, whatever else is wrong", () => {
  const services = { a: { ports: ["8080:80"] }, b: { ports: [80] } };
  const facts = { ...free, dockerCompose: { services }, isFree: () => false };
  const { reason } = answerHostPort({ ...question, hostPort: 7_000 }, facts);
  assert.equal(reason, "ambiguous_compose_rule");
  assert.equal(answerHostPort({ ...question, port: 81 }, facts).reason, "taken_by_process");
  assert.deepEqual(answerHostPort({ ...question, hostPort: 0 }, facts), { available: true, reason: "" });
});

Deno.test("change 1.4: countDeclarations() reads every way to write a port", () => {
  const cases: [entry: unknown, transport: "tcp" | "udp", isDeclared: boolean][] = [
    ["80", "tcp", true],
    [80, "tcp", true],
    ["8080:80", "tcp", true],
    ["127.0.0.1:8080:80", "tcp", true],
    ["127.0.0.1::80", "tcp", true],
    ["8080:80/tcp", "tcp", true],
    ["8080:80/udp", "udp", true],
    ["8080:80/udp", "tcp", false],
    ["9000-9010:75-85", "tcp", true],
    ["75-79", "tcp", false],
    ["80:8080", "tcp", false],
    [{ target: 80, published: "8080" }, "tcp", true],
    [{ target: "80", protocol: "udp" }, "udp", true],
    [{ target: 81 }, "tcp", false],
    [null, "tcp", false],
    ["x", "tcp", false],
  ];
  for (const [entry, transport, isDeclared] of cases) {
    const compose = { services: { web: { ports: [entry] }, other: null } };
    assert.equal(countDeclarations(compose, { port: 80, transport }), isDeclared ? 1 : 0, JSON.stringify(entry));
  }
  assert.equal(countDeclarations({ services: [] }, { port: 80, transport: "tcp" }), 0);
});
