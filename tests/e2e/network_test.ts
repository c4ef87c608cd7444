// box engine registry crossbar bus
/**
 * Changes of the network that carries the link, through a whole agent: a real NetworkManager, and a router that is
 * reached only over that network. A nightly run also kills the agent while a change is tried out.
 */

import assert from "node:assert/strict";
import { deviceUri } from "../../lib/backend/uris.ts";
import { isDict } from "../../lib/base/json.ts";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import type { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { MessageBus } from "../../scripts/testbed/message_bus.ts";
import { NetworkManager, SmallNetwork } from "../../scripts/testbed/network_manager.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { addressesOf } from "../lib/network/network_fixture.ts";
import { AgentFixture } from "./agent_fixture.ts";
import { NetworkRelay } from "./network_relay.ts";

const wired = {
  connection: { id: "wired", uuid: "11111111-1111-4111-8111-111111111111", type: "ethernet", "interface-name": "e0" },
  ipv4: { method: "auto" },
  ipv6: { method: "disabled" },
};

const byDhcp = /^10\.77\.0\.[5-9]\d\/24$/;
const reverted = { method: "update_ipv4_config", interfaceName: "e0", outcome: "reverted" };

const isNightly = Deno.env.get("REAGENT_FAULTS") === "all";

/** More than the time that NetworkManager waits. */
const backMs = 120_000;

interface World {
  fixture: AgentFixture;
  manager: NetworkManager;
  device: AddedDevice;
  agent: AgentProcess;
  /** What Studio was told of changes. */
  told: unknown[];
}

async function startWorld(stack: AsyncDisposableStack): Promise<World> {
  const fixture = stack.use(await AgentFixture.start());
  const bus = stack.use(await MessageBus.start());
  const place = { interfaceName: "e0", router: "10.77.0.1", range: "10.77.0.50,10.77.0.99", isClosed: true };
  const lan = stack.use(await SmallNetwork.start(place));
  const manager = stack.use(await NetworkManager.start({ address: bus.address, interfaces: ["e0"] }, { wired }));
  await untilAddress(byDhcp);
  const relay = stack.use(await NetworkRelay.start(lan, fixture.crossbar.url));
  const device = fixture.addDevice();
  const agent = stack.use(
    await fixture.startAgent(device, {
      args: ["-nmw=true"],
      env: { DBUS_SYSTEM_BUS_ADDRESS: bus.address },
      flock: { device_endpoint_url: relay.url },
    }),
  );
  await fixture.studio.waitForStatus(device, "CONNECTED");
  const told: unknown[] = [];
  const topic = deviceUri(device.serial, "network_change");
  await fixture.studio.backend.subscribe(topic, ({ args }) => void told.push(args[0]));
  return { fixture, manager, device, agent, told };
}

async function untilAddress(pattern: RegExp, limitMs = 60_000): Promise<void> {
  await pollUntil(`e0 has an address like ${pattern}`, async () => {
    return (await addressesOf("e0")).find((address) => pattern.test(address));
  }, { limitMs });
}

async function setAddress({ fixture, device }: World, ipv4: string): Promise<void> {
  const { args: [first] } = await fixture.studio.call(device, "list_ethernet_devices");
  const mac = isDict(first) ? first.mac : undefined;
  const request = { method: "manual", mac, interfaceName: "e0", ipv4, prefix: 24 };
  await fixture.studio.call(device, "update_ipv4_config", { args: [request] });
}

/** Waits for what Studio is told next, and for a connection of the device over the network as it is then. */
async function untilTold(world: World, { sessionId }: { sessionId: number }): Promise<unknown> {
  const count = world.told.length;
  const said = await pollUntil("Studio is told how the change ended", () => {
    return Promise.resolve(world.told[count]);
  }, { limitMs: backMs });
  await world.fixture.untilBack(world.device, sessionId);
  return said;
}

async function keeps(world: World): Promise<void> {
  const { fixture: { studio }, device, manager } = world;
  const before = studio.device(device);
  const [told] = await Promise.all([untilTold(world, before), setAddress(world, "10.77.0.5")]);
  assert.deepEqual(told, { method: "update_ipv4_config", interfaceName: "e0", outcome: "kept" });
  assert.deepEqual(await addressesOf("e0"), ["10.77.0.5/24"]);
  assert.match(await manager.readProfile("wired") ?? "", /address1=10\.77\.0\.5\/24/);
}

async function returns(world: World): Promise<void> {
  const { fixture: { studio }, device, manager } = world;
  const before = studio.device(device);
  const [told] = await Promise.all([untilTold(world, before), setAddress(world, "10.99.0.5")]);
  assert.deepEqual(told, { ...reverted, error: "the router could not be reached over the new network" });
  assert.deepEqual(await addressesOf("e0"), ["10.77.0.5/24"]);
  assert.match(await manager.readProfile("wired") ?? "", /address1=10\.77\.0\.5\/24/);
}

async function returnsWithoutAgent(world: World): Promise<void> {
  const { fixture: { studio }, device, agent, manager } = world;
  const before = studio.device(device);
  await setAddress(world, "10.99.0.6");
  await untilAddress(/^10\.99\.0\.6\/24$/);
  await agent.kill();
  agent.start();
  const told = await untilTold(world, before);
  assert.deepEqual(told, { ...reverted, error: "the agent was not there to keep it" });
  assert.deepEqual(await addressesOf("e0"), ["10.77.0.5/24"]);
  assert.match(await manager.readProfile("wired") ?? "", /address1=10\.77\.0\.5\/24/);
}

Deno.test("a change of the network stays when the router is reached over it, and never cuts the device off", async (t) => {
  await using stack = new AsyncDisposableStack();
  const world = await startWorld(stack);
  for (const [name, step] of Object.entries({ keeps, returns, ...(isNightly ? { returnsWithoutAgent } : {}) })) {
    if (!await t.step(name, () => step(world))) break;
  }
});
