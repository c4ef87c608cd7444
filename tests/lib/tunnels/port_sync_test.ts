import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import type { AppId, PortRule } from "../../../lib/model/app.ts";
import type { ExposedPort } from "../../../lib/backend/requests.ts";
import { readRemotePorts } from "../../../lib/store/remote_port_rows.ts";
import type { SyncOptions } from "../../../lib/tunnels/synced_ports.ts";
import { PortSync } from "../../../lib/tunnels/port_sync.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { FakeTunnelClient } from "../../fakes/fake_tunnel_client.ts";
import { Folder } from "../store/samples.ts";
import { portRule } from "./port_rules.ts";

const id: AppId = { appKey: 42, stage: "PROD" };
const app = { id, appName: "Metrics" };
const tcp = portRule();
const http = portRule({ protocol: "http", port: 3000, hostPort: 40_007 });
const reserved = portRule({ reservedRemotePort: 31_100, remotePort: 31_044 });
const name = "512-metrics-1883-tcp";
const webName = "512-metrics-3000-http";

/** An agent with tunnels, and a Studio that grants ports from 31000 on. */
class World implements AsyncDisposable {
  readonly client = new FakeTunnelClient();
  readonly clock = new FakeClock();
  readonly asked: ExposedPort[] = [];
  readonly again: AppId[] = [];
  /** What Studio answers. */
  expose: (port: ExposedPort) => number | Promise<number> = ({ port }) => port || 31_000 + this.asked.length;
  readonly #folder = new Folder();
  readonly database = this.#folder.open();
  ports: PortSync;

  constructor() {
    this.ports = this.#create();
  }

  #create(): PortSync {
    return new PortSync({
      tunnels: this.client,
      backend: {
        exposePort: async (port) => {
          this.asked.push(port);
          return await this.expose(port);
        },
      },
      database: this.database,
      deviceKey: () => 512,
      resync: (one) => void this.again.push(one),
      clock: this.clock,
      log: silentLog,
    });
  }

  /** Starts the agent again: the client begins without proxies. */
  async restart(): Promise<void> {
    await this.ports[Symbol.asyncDispose]();
    await this.client.change({ remove: this.client.list().map((proxy) => proxy.name) }, new AbortController().signal);
    this.client.changes.length = 0;
    this.ports = this.#create();
  }

  async sync(rules: PortRule[], wants: SyncOptions["wants"] = "open") {
    const { rules: result, lines } = await this.ports.sync(app, { rules, wants });
    const shown = result.map(({ remotePort, reservationError }) => `${remotePort} ${reservationError}`.trim());
    return { shown, lines, rules: result };
  }

  stored(): number[] {
    return readRemotePorts(this.database, id).map(({ remotePort }) => remotePort);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ports[Symbol.asyncDispose]();
    this.database[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("sync() opens a tunnel for each active rule, and asks for ports of tcp and udp only", async () => {
  await using world = new World();
  const { shown } = await world.sync([tcp, http, portRule({ ...tcp, protocol: "udp" }), portRule({ active: false })]);
  assert.deepEqual(world.client.shown().sort(), [
    `${name} 40008 31001`,
    "512-metrics-1883-udp 40008 31002",
    `${webName} 40007 0`,
  ]);
  assert.deepEqual(shown, ["31001", "0", "31002", "0"]);
  assert.deepEqual(world.asked, [
    { port: 0, protocol: "tcp", isReserved: false },
    { port: 0, protocol: "udp", isReserved: false },
  ]);
  assert.equal(world.client.published, 1);
});

Deno.test("sync() leaves alone what did not change", async () => {
  await using world = new World();
  await world.sync([tcp, http]);
  world.client.changes.length = 0;
  const { shown } = await world.sync([tcp, http]);
  assert.deepEqual([shown, world.client.changes, world.asked.length], [["31001", "0"], [], 1]);
});

Deno.test("sync() asks for the same port after a restart, whatever Studio has heard", async () => {
  await using world = new World();
  await world.sync([tcp]);
  assert.deepEqual(world.stored(), [31_001]);
  await world.restart();
  const { shown } = await world.sync([tcp]);
  assert.deepEqual([shown, world.asked.at(-1)?.port], [["31001"], 31_001]);
});

Deno.test("sync() opens a tunnel without a connection if its port is known", async () => {
  await using world = new World();
  await world.sync([tcp]);
  await world.restart();
  world.expose = () => Promise.reject(new AgentError("not_connected", "no link"));
  const unknown = portRule({ port: 5, reservedRemotePort: 31_100 });
  const { shown, lines } = await world.sync([tcp, unknown]);
  assert.deepEqual([shown, lines], [["31001", "0"], []]);
  assert.deepEqual(world.client.shown(), [`${name} 40008 31001`]);
  await world.clock.advance(10_000);
  assert.deepEqual(world.again, [id]);
});

const endings: { what: string; rules: PortRule[]; wants?: SyncOptions["wants"]; left: string[] }[] = [
  { what: "rules that are switched off", rules: [portRule({ active: false }), http], left: [webName] },
  { what: "rules that are gone", rules: [http], left: [webName] },
  { what: "all rules gone", rules: [], left: [] },
  { what: "an app that goes", rules: [tcp, http], wants: "close", left: [] },
  { what: "an app that stops, which keeps them", rules: [tcp, http], wants: "keep", left: [name, webName] },
];

for (const { what, rules, wants, left } of endings) {
  Deno.test(`sync() closes tunnels of ${what}`, async () => {
    await using world = new World();
    await world.sync([tcp, http]);
    await world.sync(rules, wants);
    assert.deepEqual(world.client.list().map((proxy) => proxy.name), left);
    // A port that is switched off is kept.
    assert.deepEqual(world.stored(), rules.some(({ port }) => port === 1883) ? [31_001] : []);
  });
}

Deno.test("sync() closes tunnels under an earlier name of the app", async () => {
  await using world = new World();
  await world.sync([http]);
  await world.ports.sync({ id, appName: "Other" }, { rules: [http], wants: "open" });
  assert.deepEqual(world.client.shown(), ["512-other-3000-http 40007 0"]);
});

Deno.test("sync() does not take the tunnel of another app with this name", async () => {
  await using world = new World();
  await world.sync([http]);
  const twin = { id: { ...id, appKey: 43 }, appName: "metrics" };
  await world.ports.sync(twin, { rules: [portRule({ ...http, hostPort: 41_000 })], wants: "open" });
  assert.deepEqual(world.client.shown(), [`${webName} 40007 0`]);
});

Deno.test("M42: sync() replaces a tunnel whose host port has changed, and keeps its remote port", async () => {
  await using world = new World();
  await world.sync([tcp]);
  const { shown } = await world.sync([portRule({ ...tcp, hostPort: 41_000, remotePort: 31_001 })]);
  assert.deepEqual([shown, world.client.shown()], [["31001"], [`${name} 41000 31001`]]);
});

Deno.test("sync() requests a reserved port as such, and never gives it up for another one", async () => {
  await using world = new World();
  world.expose = () => 31_050;
  const first = await world.sync([reserved]);
  const problem = "tunnel granted port 31050 instead of reserved 31100";
  assert.deepEqual(world.asked, [{ port: 31_100, protocol: "tcp", isReserved: true }]);
  assert.deepEqual(first.shown, [`31100 ${problem}`]);
  assert.equal(first.lines.length, 1);
  const second = await world.sync([reserved]);
  assert.deepEqual([second.shown, second.lines], [first.shown, []], "it is said once");
  world.expose = () => 31_100;
  assert.deepEqual((await world.sync([reserved])).shown, ["31100"]);
  assert.deepEqual(world.client.shown(), [`${name} 40008 31100`]);
});

Deno.test("sync() keeps the rule when a port is refused, and says once why a reservation is not fulfilled", async () => {
  await using world = new World();
  world.expose = () => Promise.reject(new AgentError("call_failed", "Duplicate value: 31100"));
  const { shown, lines } = await world.sync([reserved, portRule({ port: 5, remotePort: 9 })]);
  assert.deepEqual(shown, ["31044 Duplicate value: 31100", "9"]);
  assert.deepEqual(lines, [
    "Reserved tunnel port 31100 for port 1883 could not be established: Duplicate value: 31100. " +
    "Reserved ports are never reassigned automatically - free the port or change the reservation.",
  ]);
  assert.deepEqual([(await world.sync([reserved])).lines, world.client.list()], [[], []]);
  world.expose = () => Promise.reject(new AgentError("call_failed", "another"));
  assert.equal((await world.sync([reserved])).lines.length, 1);
});

Deno.test("sync() without tunnels keeps what was said of a reservation, opens nothing, and tries again later", async () => {
  await using world = new World();
  world.expose = () => Promise.reject(new AgentError("call_failed", "no"));
  await world.sync([reserved]);
  world.client.capable = false;
  const asked = world.asked.length;
  assert.deepEqual((await world.sync([reserved])).shown, ["31044 no"]);
  assert.equal(world.asked.length, asked);
  await world.clock.advance(600_000);
  assert.deepEqual(world.again, []);
  world.client.capable = true;
  await world.clock.advance(300_000);
  assert.notEqual(world.again.length, 0);
});

Deno.test("sync() closes what is switched off while tunnels do not work", async () => {
  await using world = new World();
  await world.sync([http]);
  world.client.capable = false;
  await world.sync([portRule({ ...http, active: false })]);
  assert.deepEqual(world.client.list(), []);
});

Deno.test("sync() builds a dead tunnel again after 0, 10 and 20 seconds, and at once when it was well", async () => {
  await using world = new World();
  await world.sync([http]);
  const dead = { status: "start error", error: "port unavailable" };
  const rebuilds = async () => {
    world.client.changes.length = 0;
    await world.sync([http]);
    return world.client.changes.filter((change) => change.startsWith("+")).length;
  };
  world.client.reported.set(webName, dead);
  const built: number[] = [];
  for (const seconds of [0, 0, 9, 1, 19, 1]) {
    await world.clock.advance(seconds * 1_000);
    built.push(await rebuilds());
  }
  assert.deepEqual(built, [1, 0, 0, 1, 0, 1]);
  world.client.reported.clear();
  assert.equal(await rebuilds(), 0);
  world.client.reported.set(webName, dead);
  assert.equal(await rebuilds(), 1);
});

Deno.test("sync() on a full disk leaves the tunnels as they were, and tries again", async () => {
  await using world = new World();
  await world.sync([http]);
  world.client.isDiskFull = true;
  await world.sync([portRule({ ...http, active: false }), tcp]);
  assert.deepEqual(world.client.shown(), [`${webName} 40007 0`]);
  await world.clock.advance(10_000);
  assert.deepEqual(world.again, [id]);
  world.client.isDiskFull = false;
  await world.sync([portRule({ ...http, active: false }), tcp]);
  assert.deepEqual(world.client.shown(), [`${name} 40008 31001`]);
});

Deno.test("sync() leaves out what the client refuses", async () => {
  await using world = new World();
  world.client.refusal = "bad proxy";
  assert.deepEqual((await world.sync([reserved])).shown, ["31044 bad proxy"]);
  assert.deepEqual(world.client.list(), []);
});

Deno.test("close() closes the tunnels of an app, however long the disk is full", async () => {
  await using world = new World();
  await world.sync([http, tcp]);
  world.client.isDiskFull = true;
  world.ports.close(id);
  await world.clock.untilSleeping(1);
  assert.equal(world.client.list().length, 2);
  world.client.isDiskFull = false;
  await world.clock.advance(10_000);
  await world.ports[Symbol.asyncDispose]();
  assert.deepEqual(world.client.list(), []);
});

Deno.test("remotePorts() has all tunnels of an app, those without a port as 0", async () => {
  await using world = new World();
  await world.sync([tcp, http, portRule({ port: 9, active: false })]);
  assert.deepEqual([...world.ports.remotePorts(id)].sort(), [["http:3000", 0], ["tcp:1883", 31_001]]);
  assert.deepEqual([...world.ports.remotePorts({ ...id, stage: "DEV" })], []);
});
