import assert from "node:assert/strict";
import { answerHostPort, type HostPortFacts } from "../../../../lib/apps/container/host_port_check.ts";

const app = { appKey: 71, stage: "PROD" } as const;
const question = { app, transport: "tcp", port: 80, hostPort: 41_000 } as const;
const free: HostPortFacts = { apps: [], dockerCompose: null, owner: undefined, isFree: () => true };

Deno.test("change 1.4: a port that two services of a compose app declare is ambiguous, whatever else is wrong", () => {
  const services = { a: { ports: ["80:8080"] }, b: { ports: [80] } };
  const facts = { ...free, dockerCompose: { services }, isFree: () => false };
  const { reason } = answerHostPort({ ...question, hostPort: 7_000 }, facts);
  assert.equal(reason, "ambiguous_compose_rule");
  assert.equal(answerHostPort({ ...question, port: 81 }, facts).reason, "taken_by_process");
  assert.deepEqual(answerHostPort({ ...question, hostPort: 0 }, facts), { available: true, reason: "" });
});

Deno.test("apps.md 4.3: a port that two entries of one service declare is not ambiguous", () => {
  const services = { a: { ports: ["127.0.0.1:80:80", "[::1]:80:80"] }, b: { ports: ["81:80"] }, c: null };
  assert.equal(answerHostPort(question, { ...free, dockerCompose: { services } }).reason, "");
});
