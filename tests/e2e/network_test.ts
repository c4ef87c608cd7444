// box engine registry crossbar bus
/**
 * Changes of the network that carries the link, through a whole agent: a real NetworkManager, and a router that is
 * reached only over that network. A nightly run also kills the agent while a change is tried out.
 */

import assert from "node:assert/strict";
import { addressesOf } from "../lib/network/network_fixture.ts";
import {
  kept,
  type NetworkWorld,
  reverted,
  setAddress,
  startNetworkWorld,
  untilAddress,
  untilTold,
} from "./network_world.ts";

const isNightly = Deno.env.get("REAGENT_FAULTS") === "all";

/** Requests an address, and waits until Studio is told and the device is connected over the network as it is then. */
async function change(world: NetworkWorld, address: string, meanwhile = () => Promise.resolve()): Promise<unknown> {
  const { fixture, device, told } = world;
  const { sessionId } = fixture.studio.device(device);
  const count = told.length + 1;
  await setAddress(world, address);
  await meanwhile();
  const outcome = await untilTold(world, count);
  await fixture.untilBack(device, sessionId);
  return outcome;
}

async function hasAddress({ manager }: NetworkWorld): Promise<void> {
  assert.deepEqual(await addressesOf("e0"), ["10.77.0.5/24"]);
  assert.match(await manager.readProfile("wired") ?? "", /address1=10\.77\.0\.5\/24/);
}

async function keeps(world: NetworkWorld): Promise<void> {
  assert.deepEqual(await change(world, "10.77.0.5"), kept);
  await hasAddress(world);
}

async function returns(world: NetworkWorld): Promise<void> {
  const error = "the router could not be reached over the new network";
  assert.deepEqual(await change(world, "10.99.0.5"), { ...reverted, error });
  await hasAddress(world);
}

async function returnsWithoutAgent(world: NetworkWorld): Promise<void> {
  const outcome = await change(world, "10.99.0.6", async () => {
    await untilAddress(/^10\.99\.0\.6\/24$/);
    await world.agent.kill();
    world.agent.start();
  });
  assert.deepEqual(outcome, { ...reverted, error: "the agent was not there to keep it" });
  await hasAddress(world);
}

Deno.test("a change of the network stays when the router is reached over it, and never cuts the device off", async (t) => {
  await using stack = new AsyncDisposableStack();
  const world = await startNetworkWorld(stack);
  for (const [name, step] of Object.entries({ keeps, returns, ...(isNightly ? { returnsWithoutAgent } : {}) })) {
    if (!await t.step(name, () => step(world))) break;
  }
});
