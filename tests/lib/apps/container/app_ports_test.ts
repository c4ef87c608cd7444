import assert from "node:assert/strict";
import { AppPorts } from "../../../../lib/apps/container/app_ports.ts";
import type { PublishedPort } from "../../../../lib/apps/container/create_request.ts";
import type { AppId, PortRule } from "../../../../lib/model/app.ts";
import { sampleRequest } from "../../store/samples.ts";

const app = { appKey: 71, stage: "PROD" } as const;

function rule(change: Partial<PortRule> = {}): PortRule {
  const [sample] = sampleRequest().ports;
  assert.ok(sample);
  return { ...sample, remotePort: 0, hostPort: 0, ...change };
}

function freshPorts(): AppPorts {
  return new AppPorts({ isFree: () => true });
}

function publish(ports: AppPorts, rules: PortRule[], id: AppId = app): PublishedPort[] {
  const outcome = ports.publish(id, rules);
  return outcome.kind === "published" ? outcome.ports : assert.fail();
}

Deno.test("resolve() prefers the port of the existing container to the one that Studio has stored", () => {
  const published = { "80/tcp": [{ hostIp: "127.0.0.1", hostPort: 1 }, { hostIp: "", hostPort: 42_000 }] };
  const [found] = freshPorts().resolve(app, { rules: [rule({ port: 80, hostPort: 41_000 })], published }).rules;
  assert.equal(found?.hostPort, 42_000);
});

Deno.test("resolve() takes a port on one address when there is none on all addresses", () => {
  const published = { "80/tcp": [{ hostIp: "127.0.0.1", hostPort: 42_000 }] };
  const [found] = freshPorts().resolve(app, { rules: [rule({ port: 80 })], published }).rules;
  assert.equal(found?.hostPort, 42_000);
});

Deno.test("M27: resolve() chooses no port, and leaves ports of other machines alone", () => {
  const rules = [rule({ port: 80 }), rule({ port: 81, localIp: "10.0.0.5", hostPort: 7 })];
  assert.deepEqual(freshPorts().resolve(app, { rules, published: undefined }).rules, rules);
});

Deno.test("M26: replace() replaces only the ports that the engine names", () => {
  const ports = freshPorts();
  const rules = [rule({ port: 80 }), rule({ port: 90 })];
  const hostPorts = () => publish(ports, rules).map(({ port, hostPort }) => [port, hostPort]);
  assert.deepEqual(hostPorts(), [[80, 40_000], [90, 40_001]]);
  const engineText = "Bind for 0.0.0.0:40001 failed: port is already allocated";
  assert.equal(ports.replace(app, { rules, engineText }), true);
  assert.deepEqual(hostPorts(), [[80, 40_000], [90, 40_002]]);
  assert.equal(ports.replace(app, { rules, engineText: "no port is named here" }), false);
});

Deno.test("release() frees the ports of an app for others", () => {
  const ports = freshPorts();
  publish(ports, [rule({ port: 80 })]);
  ports.release(app);
  const [published] = publish(ports, [rule({ port: 80 })], { ...app, appKey: 72 });
  assert.equal(published?.hostPort, 40_000);
});
