import assert from "node:assert/strict";
import { portEntriesOf, type ServicePort } from "../../../../lib/apps/compose/port_entries.ts";
import { AppPorts, type AppPortsOptions } from "../../../../lib/apps/container/app_ports.ts";
import type { PortBindings, ServiceEntries } from "../../../../lib/apps/container/port_slots.ts";
import type { AppId, PortRule } from "../../../../lib/model/app.ts";
import { sampleRequest } from "../../store/samples.ts";

const app = { appKey: 71, stage: "PROD" } as const;
const dev = { appKey: 71, stage: "DEV" } as const;

function rule(change: Partial<PortRule>): PortRule {
  const [sample] = sampleRequest().ports;
  assert.ok(sample);
  return { ...sample, remotePort: 0, hostPort: 0, localIp: "", reservedHostPort: 0, protocol: "tcp", ...change };
}

function services(entries: Record<string, unknown[]>, more: Record<string, unknown> = {}): ServiceEntries {
  const all = Object.entries(entries).map(([name, ports]) => [name, { ports }]);
  return portEntriesOf({ services: { ...Object.fromEntries(all), ...more } });
}

function freshPorts(options: Partial<AppPortsOptions> = {}): AppPorts {
  return new AppPorts({ isFree: () => true, ...options });
}

interface Wanted {
  entries: ServiceEntries;
  rules?: PortRule[];
  published?: PortBindings;
  id?: AppId;
}

function publish(ports: AppPorts, { entries, rules = [], published, id = app }: Wanted): string[] {
  const outcome = ports.publishServices(id, { rules, services: entries, published });
  if (outcome.kind === "refused") return outcome.pins.map(({ refusal }) => refusal.kind);
  return outcome.ports.map(({ service, port, containerPort, transport, hostPort }: ServicePort) =>
    `${service} ${port}:${containerPort}/${transport} ${hostPort}`
  );
}

Deno.test("apps.md 4.3: publishServices() publishes entries with a host port or a rule", () => {
  const entries = services({ web: ["8080:80", "81", "82", "53:53/udp"], db: ["8080:80"] });
  const rules = [rule({ port: 81 }), rule({ port: 82, localIp: "10.0.0.1" }), rule({ port: 53 })];
  assert.deepEqual(publish(freshPorts(), { entries, rules }), [
    "web 8080:80/tcp 40000",
    "web 81:81/tcp 40001",
    "web 53:53/udp 40000",
    "db 8080:80/tcp 40002",
  ]);
});

Deno.test("apps.md 4.3: publishServices() prefers what the project publishes, then what Studio has stored", () => {
  const entries = services({ web: ["8080:80", "8081:80"], db: ["5432:5432"] });
  const published = { "web|80/tcp": [{ hostIp: "0.0.0.0", hostPort: 41_000 }, { hostIp: "::", hostPort: 41_001 }] };
  const rules = [rule({ port: 5432, hostPort: 42_000 }), rule({ port: 8080, hostPort: 43_000 })];
  const ports = freshPorts();
  const expected = ["web 8080:80/tcp 41000", "web 8081:80/tcp 41001", "db 5432:5432/tcp 42000"];
  assert.deepEqual(publish(ports, { entries, rules, published }), expected);
  assert.deepEqual(publish(ports, { entries, rules }), expected);
});

Deno.test("apps.md 3.5.2: publishServices() frees ports of entries that are gone", () => {
  const ports = freshPorts();
  publish(ports, { entries: services({ web: ["80:80", "81:81"] }) });
  assert.deepEqual(publish(ports, { entries: services({ web: ["81:81", "82:82"] }) }), [
    "web 81:81/tcp 40001",
    "web 82:82/tcp 40000",
  ]);
  assert.equal(ports.ownerOf(40_001, "tcp")?.service, "web");
});

Deno.test("change 2.5: a reservation is kept by the one service that declares the port", () => {
  const ports = freshPorts();
  const rules = [rule({ port: 8080, reservedHostPort: 41_000 })];
  assert.deepEqual(publish(ports, { entries: services({ web: ["8080:80"], db: ["1:1"] }), rules }), [
    "web 8080:80/tcp 41000",
    "db 1:1/tcp 40000",
  ]);
  assert.deepEqual(publish(ports, { entries: services({ db: ["1:1"] }), rules }), ["db 1:1/tcp 40000"]);
});

Deno.test("change 2.5: a reservation of a port that several services declare is refused, and told", () => {
  const entries = services({ web: ["8080:80"], db: ["8080:81"] });
  const rules = [rule({ port: 8080, reservedHostPort: 41_000 })];
  const ports = freshPorts();
  assert.deepEqual(publish(ports, { entries, rules }), ["ambiguousServices"]);
  const current = { rules, services: entries, published: undefined, isRunning: true };
  const reason = "reserved host port 41000 for port 8080 is ambiguous: several compose services declare the port " +
    "(ambiguous_compose_rule)";
  const { rules: [resolved], lines } = ports.resolve(app, current);
  assert.equal(resolved?.reservationError, reason);
  assert.deepEqual(lines, [
    `Reserved host port 41000 for port 8080 is unavailable: ${reason}. Reserved ports are never reassigned ` +
    "automatically - free the port or change the reservation.",
  ]);
});

Deno.test("change 2.5: services do not get ports that other apps reserve, and refused ones are told apart", () => {
  const reservations =
    () => [{ app: { appKey: 7, stage: "PROD" }, transport: "tcp", port: 1, hostPort: 40_000 } as const];
  const ports = freshPorts({ reservations });
  assert.deepEqual(publish(ports, { entries: services({ web: ["80:80"] }) }), ["web 80:80/tcp 40001"]);
  const reserved = (hostPort: number) => [rule({ port: 80, reservedHostPort: hostPort })];
  assert.deepEqual(publish(ports, { entries: services({ web: ["80:80"] }), rules: reserved(7_000) }), ["denylisted"]);
  assert.deepEqual(publish(ports, { entries: services({ web: ["80:80"] }), rules: reserved(40_000) }), ["reserved"]);
});

Deno.test("M45: replace() replaces only the ports of services that the engine names, and no reserved ones", () => {
  const ports = freshPorts();
  const entries = services({ web: ["80:80"], db: ["81:81"] });
  publish(ports, { entries });
  const engineText = "Error: Bind for 0.0.0.0:40001 failed: port is already allocated";
  assert.equal(ports.replace(app, { rules: [], engineText }), true);
  assert.deepEqual(publish(ports, { entries }), ["web 80:80/tcp 40000", "db 81:81/tcp 40002"]);
  const rules = [rule({ port: 80, reservedHostPort: 41_000 })];
  publish(ports, { entries, rules });
  const refused = ports.replace(app, { rules, engineText: "listen tcp4 0.0.0.0:41000: bind: address already in use" });
  assert.deepEqual(refused, [{ port: 80, hostPort: 41_000, refusal: { kind: "process" } }]);
});

Deno.test("apps.md 3.5.3: resolve() has the port of the running service, and chooses none", () => {
  const entries = services({ web: ["8080:80"], db: ["5432"] });
  const rules = [rule({ port: 8080 }), rule({ port: 5432 }), rule({ port: 9, hostPort: 49_000 })];
  const published = { "web|80/tcp": [{ hostIp: "0.0.0.0", hostPort: 41_000 }], "80/tcp": [] };
  const resolved = freshPorts().resolve(app, { rules, services: entries, published, isRunning: true });
  assert.deepEqual(resolved.rules.map(({ hostPort }) => hostPort), [41_000, 0, 49_000]);
});

Deno.test("resolve() of a service on the network of the host has the port as it is", () => {
  const entries = services({}, { ha: { network_mode: "host", ports: ["8123:8124"] } });
  const [resolved] =
    freshPorts().resolve(app, { rules: [rule({ port: 8123 })], services: entries, published: {} }).rules;
  assert.equal(resolved?.hostPort, 8124);
});

Deno.test("apps.md 3.5.4: DEV apps have the declared port itself if it can be had", () => {
  const ports = freshPorts();
  assert.deepEqual(publish(ports, { entries: services({ web: ["8080:80", "81"] }), id: dev }), [
    "web 8080:80/tcp 8080",
  ]);
  const rules = [rule({ port: 8080 }), rule({ port: 9090 })];
  const other = { appKey: 72, stage: "DEV" } as const;
  const outcome = ports.publish(other, rules);
  assert.ok(outcome.kind === "published");
  assert.deepEqual(outcome.ports.map(({ hostPort }) => hostPort), [40_000, 9090]);
});

Deno.test("apps.md 3.5.4: a DEV app leaves a declared port that cannot be bound until it is free", () => {
  let isFree = false;
  const ports = freshPorts({ isFree: (port) => port >= 40_000 || isFree });
  const rules = [rule({ port: 8080 })];
  const hostPort = () => {
    const outcome = ports.publish(dev, rules);
    return outcome.kind === "published" ? outcome.ports[0]?.hostPort : undefined;
  };
  assert.equal(hostPort(), 8080);
  assert.equal(ports.replace(dev, { rules, engineText: "0.0.0.0:8080: bind: address already in use" }), true);
  assert.equal(hostPort(), 40_000);
  isFree = true;
  assert.equal(hostPort(), 8080);
});

Deno.test("a declared port keeps its host port when its app becomes a compose app, moves it, and stops being one", () => {
  const ports = freshPorts();
  const rules = [rule({ port: 8080 }), rule({ port: 9090 })];
  const publishOne = () => {
    const outcome = ports.publish(app, rules);
    return outcome.kind === "published" ? outcome.ports.map(({ port, hostPort }) => `${port} ${hostPort}`) : outcome;
  };
  const resolve = (entries?: ServiceEntries) => {
    const stored = rules.map((one) => ({ ...one, hostPort: one.port === 8080 ? 40_000 : 40_001 }));
    const found = ports.resolve(app, { rules: stored, services: entries, published: undefined }).rules;
    return found.map(({ hostPort }) => hostPort);
  };
  const [web, other] = [
    services({ web: ["8080:80"], db: ["9090:90"] }),
    services({ api: ["8080:80"], db: ["9090:90"] }),
  ];
  assert.deepEqual(publishOne(), ["8080 40000", "9090 40001"]);
  assert.deepEqual(resolve(web), [40_000, 40_001]);
  assert.deepEqual(publish(ports, { entries: web, rules }), ["web 8080:80/tcp 40000", "db 9090:90/tcp 40001"]);
  assert.deepEqual(resolve(other), [40_000, 40_001]);
  assert.deepEqual(publish(ports, { entries: other, rules }), ["api 8080:80/tcp 40000", "db 9090:90/tcp 40001"]);
  assert.deepEqual(resolve(), [40_000, 40_001]);
  assert.deepEqual(publishOne(), ["8080 40000", "9090 40001"]);
});

Deno.test("of two services that declare a port, one that is new does not take the host port of the other", () => {
  const ports = freshPorts();
  assert.deepEqual(publish(ports, { entries: services({ b: ["8080:80"] }) }), ["b 8080:80/tcp 40000"]);
  const both = services({ a: ["8080:80"], b: ["8080:80"] });
  assert.deepEqual(publish(ports, { entries: both }), ["a 8080:80/tcp 40001", "b 8080:80/tcp 40000"]);
});
