/** A device that reaches the router of its Studio only over a network that a real NetworkManager manages. */

import { isDict } from "../../lib/base/json.ts";
import { deviceUri } from "../../lib/backend/uris.ts";
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

/** What a change may have come to when Studio hears of it. */
export const reverted = { method: "update_ipv4_config", interfaceName: "e0", outcome: "reverted" } as const;

/** The same for a good one. */
export const kept = { method: "update_ipv4_config", interfaceName: "e0", outcome: "kept" } as const;

/** More than the time that NetworkManager waits. */
const backMs = 120_000;

/** The interface is `e0`, its router 10.77.0.1. */
export interface NetworkWorld {
  fixture: AgentFixture;
  bus: MessageBus;
  manager: NetworkManager;
  device: AddedDevice;
  agent: AgentProcess;
  agentDir: string;
  /** What Studio was told of changes. */
  told: unknown[];
}

/** Starts everything with an address by DHCP, and waits until the device is connected. */
export async function startNetworkWorld(
  stack: AsyncDisposableStack,
  { agentDir }: { agentDir?: string } = {},
): Promise<NetworkWorld> {
  const fixture = stack.use(await AgentFixture.start());
  const bus = stack.use(await MessageBus.start());
  const place = { interfaceName: "e0", router: "10.77.0.1", range: "10.77.0.50,10.77.0.99", isClosed: true };
  const lan = stack.use(await SmallNetwork.start(place));
  const manager = stack.use(await NetworkManager.start({ address: bus.address, interfaces: ["e0"] }, { wired }));
  await untilAddress(/^10\.77\.0\.[5-9]\d\/24$/);
  const relay = stack.use(await NetworkRelay.start(lan, fixture.crossbar.url));
  const device = fixture.addDevice();
  const agent = stack.use(
    await fixture.startAgent(device, {
      args: ["-nmw=true", ...(agentDir === undefined ? [] : ["-agentDir", agentDir])],
      env: { DBUS_SYSTEM_BUS_ADDRESS: bus.address },
      flock: { device_endpoint_url: relay.url },
    }),
  );
  await fixture.studio.waitForStatus(device, "CONNECTED");
  const told: unknown[] = [];
  const topic = deviceUri(device.serial, "network_change");
  await fixture.studio.backend.subscribe(topic, ({ args }) => void told.push(args[0]));
  return { fixture, bus, manager, device, agent, agentDir: agentDir ?? agent.folder, told };
}

/** Waits for an address of the interface. */
export async function untilAddress(pattern: RegExp, limitMs = 60_000): Promise<void> {
  await pollUntil(`e0 has an address like ${pattern}`, async () => {
    return (await addressesOf("e0")).find((address) => pattern.test(address));
  }, { limitMs });
}

/** Requests a static address. Throws what the device answers. */
export async function setAddress({ fixture, device }: NetworkWorld, ipv4: string): Promise<void> {
  const { args: [first] } = await fixture.studio.call(device, "list_ethernet_devices");
  const mac = isDict(first) ? first.mac : undefined;
  const request = { method: "manual", mac, interfaceName: "e0", ipv4, prefix: 24 };
  await fixture.studio.call(device, "update_ipv4_config", { args: [request] });
}

/** Waits for the outcome with this number. */
export async function untilTold({ told }: NetworkWorld, count: number): Promise<unknown> {
  return await pollUntil("Studio is told how the change ended", () => Promise.resolve(told[count - 1]), {
    limitMs: backMs,
  });
}
