// box engine registry crossbar frp
/** Tunnels of an app, from Studio's port rules to the tunnel server, with a whole agent. */

import assert from "node:assert/strict";
import { isDict } from "../../lib/base/json.ts";
import { readTextIfThere } from "../../scripts/files.ts";
import { exposePort } from "../../scripts/studio/exposed_ports.ts";
import { frpsPorts } from "../../scripts/testbed/frps.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { mqtt, TunnelledDevice, web } from "./app_ports_fixture.ts";

/** The bar is a second; a busy machine gets more. */
const reachableMs = 4_000;

/** Switching a port on in Studio makes it reachable soon after the app runs, and Studio knows all about it. */
async function opens(world: TunnelledDevice): Promise<void> {
  const { fixture: { studio }, device, agent } = world;
  const ports = [{ ...web }, { ...mqtt, remote_port_environment: "MQTT_PORT" }];
  await world.run(ports);
  await studio.waitForReport(device, { state: "RUNNING" }, { limitMs: 60_000 });
  const runsMs = performance.now();
  await world.untilOpen(frpsPorts.http);
  await world.untilOpen(31_000);
  const openMs = Math.round(performance.now() - runsMs);
  assert.ok(openMs < reachableMs, `${openMs} ms`);
  await world.untilStates("8080/http running", "8080/tcp running");
  await studio.waitFor("the ports are saved", () => {
    const [first, second] = world.rules();
    return (Number(first?.host_port) >= 40_000 && second?.remote_port === 31_000) || undefined;
  });
  await pollUntil("the app sees its port", async () => {
    const env = `${agent.folder}/apps/prod/shop/env`;
    const names = ["REMOTE_PORT_FOR_8080", "MQTT_PORT"];
    const texts = await Promise.all(names.map((name) => readTextIfThere(`${env}/${name}.txt`)));
    return texts.every((text) => text === "31000") || undefined;
  });
  await pollUntil("both were published", () => Promise.resolve(world.told.includes(2) || undefined));
  const { args: [metadata] } = await studio.call(device, "get_agent_metadata");
  assert.equal(isDict(metadata) && metadata.tunnelCapable, true);
  await studio.waitFor("the device says that it has tunnels", () => studio.device(device).tunnelCapable || undefined);
}

/** A request that changes no rule leaves the client alone, and one that switches a port off leaves the other. */
async function changes(world: TunnelledDevice): Promise<void> {
  const { fixture: { studio }, device, configFile } = world;
  const { mtime } = await Deno.stat(configFile);
  const [, before] = world.rules();
  await world.run([web, mqtt]);
  await studio.changePort(device, "Shop", { ...mqtt, isOpen: true });
  await world.untilStates("8080/http running", "8080/tcp running");
  assert.deepEqual((await Deno.stat(configFile)).mtime, mtime, "nothing was written");
  await studio.changePort(device, "Shop", { ...mqtt, isOpen: false });
  await world.untilStates("8080/http running");
  assert.equal(await world.isOpen(31_000), undefined);
  assert.equal(await world.isOpen(frpsPorts.http), true);
  assert.equal(world.rules()[1]?.remote_port, before?.remote_port, "its port is kept");
}

/** Rules that are no rules cost nothing but their own port. */
async function leavesOut(world: TunnelledDevice): Promise<void> {
  const { fixture: { studio }, device, agent } = world;
  const other = { port: 8_084, protocol: "tcp", active: true, local_ip: "192.0.2.1" };
  const hostile = [
    ...[null, 7, [], {}, { port: "x" }, { port: 65_536 }, { ...mqtt, protocol: "sctp" }, { ...mqtt, active: "yes" }],
    { ...other, port: 8_081, local_ip: '127.0.0.1"\nserverAddr: evil' },
    { ...other, port: 8_082, local_ip: "{{ .Envs.PATH }}" },
    { ...other, port: 8_083, remote_port_environment: "../../../evil" },
  ];
  await studio.request(device, "Shop", { target: "RUNNING", kwargs: { ports: [web, mqtt, ...hostile, other] } });
  await world.untilStates("8080/http running", "8080/tcp running", "8083/tcp running", "8084/tcp running");
  assert.doesNotMatch(await world.config(), /evil|Envs/);
  for await (const { name } of Deno.readDir(`${agent.folder}/apps/prod`)) assert.doesNotMatch(name, /evil/);
}

/** A reserved port of the tunnel server is that port or none, and the log of the app says why. */
async function reserves(world: TunnelledDevice): Promise<void> {
  const { fixture, fixture: { studio }, device } = world;
  const { deviceKey } = fixture.addDevice();
  exposePort(studio.store, deviceKey, { port: 31_500, protocol: "tcp", isReserved: true });
  await using log = await fixture.record(device, "Shop");
  const error = "calling remote procedure 're.tunnel.expose_port': wamp.error.canceled: " +
    '{"error":"Duplicate value: port 31500 belongs to another device"}';
  const line = `"Reserved tunnel port 31500 for port 8080 could not be established: ${error}. ` +
    'Reserved ports are never reassigned automatically - free the port or change the reservation."';
  await world.run([web, { ...mqtt, reserved_remote_port: 31_500 }]);
  await log.until(line);
  await studio.waitFor("Studio knows", () => world.rules()[1]?.reservation_error === error || undefined);
  await world.run(world.rules());
  await studio.changePort(device, "Shop", { ...mqtt, isOpen: true, reservedRemotePort: 31_600 });
  await world.untilOpen(31_600);
  await studio.waitFor("Studio knows", () => {
    const { reservation_error: left, remote_port: port } = world.rules()[1] ?? {};
    return (left === undefined && port === 31_600) || undefined;
  });
  assert.equal(await world.isOpen(31_000), undefined);
  assert.deepEqual(log.entries.filter((entry) => entry.startsWith('"Reserved')), [line], "it is said once");
  // Without the reservation it stays on the port that it has.
  await studio.changePort(device, "Shop", { ...mqtt, isOpen: true, reservedRemotePort: 0 });
}

/** After a restart a port has the same address, even when Studio has forgotten it. */
async function restarts(world: TunnelledDevice): Promise<void> {
  const { fixture: { studio }, device, agent } = world;
  const { sessionId } = studio.device(device);
  await agent.kill();
  await pollUntil("the client has died with the agent", async () => !await world.isOpen(frpsPorts.http) || undefined);
  agent.start();
  await world.fixture.untilBack(device, sessionId);
  await world.untilOpen(frpsPorts.http);
  const forgotten = [web, { ...mqtt, remote_port: 0 }];
  await world.run(forgotten);
  await world.untilOpen(31_600);
  await studio.waitFor("Studio knows the port again", () => world.rules()[1]?.remote_port === 31_600 || undefined);
}

/** Nothing is left of an app that is uninstalled. */
async function ends(world: TunnelledDevice): Promise<void> {
  const { fixture: { studio }, device } = world;
  await studio.request(device, "Shop", { target: "UNINSTALLED" });
  await studio.waitForReport(device, { state: "UNINSTALLED" }, { limitMs: 60_000 });
  await world.untilStates();
  assert.equal(await world.isOpen(frpsPorts.http), undefined);
  assert.equal(await world.isOpen(31_600), undefined);
  assert.doesNotMatch(await world.config(), /shop/);
}

Deno.test("the ports of an app are reached through a tunnel server as Studio wants it", async (t) => {
  await using world = await TunnelledDevice.start();
  for (const [name, step] of Object.entries({ opens, changes, leavesOut, reserves, restarts, ends })) {
    if (!await t.step(name, () => step(world))) break;
  }
});
