// box bus
/** Ethernet settings with a real NetworkManager: what is kept, what is refused, and what is undone by whom. */

import assert from "node:assert/strict";
import { hasCode } from "../../../lib/base/errors.ts";
import { MessageBus } from "../../../scripts/testbed/message_bus.ts";
import { NetworkManager, SmallNetwork } from "../../../scripts/testbed/network_manager.ts";
import { pollUntil } from "../../../scripts/testbed/wait.ts";
import { addressesOf, answers, never, startNetwork } from "./network_fixture.ts";

const router = "10.77.0.1";

const wired = {
  connection: { id: "wired", uuid: "11111111-1111-4111-8111-111111111111", type: "ethernet", "interface-name": "e0" },
  ipv4: { method: "auto" },
  ipv6: { method: "disabled" },
};

/** A machine with an interface `e0` that has an address by DHCP. */
async function startMachine(stack: AsyncDisposableStack, isClosed = false) {
  const bus = stack.use(await MessageBus.start());
  const lan = stack.use(
    await SmallNetwork.start({
      interfaceName: "e0",
      router,
      range: "10.77.0.50,10.77.0.99",
      isClosed,
    }),
  );
  const manager = stack.use(await NetworkManager.start({ address: bus.address, interfaces: ["e0"] }, { wired }));
  await untilAddress(/^10\.77\.0\.[5-9]\d\/24$/);
  const folder = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const changeFile = `${folder}/network_change.json`;
  const start = (checkpointSeconds?: number) => {
    const reaches = () => answers(router);
    return startNetwork({ address: bus.address, changeFile, reaches, ...(checkpointSeconds && { checkpointSeconds }) });
  };
  return { bus, lan, manager, changeFile, start };
}

async function untilAddress(pattern: RegExp): Promise<string> {
  return await pollUntil(`e0 has an address like ${pattern}`, async () => {
    return (await addressesOf("e0")).find((address) => pattern.test(address));
  }, { limitMs: 60_000 });
}

async function macOf(network: ReturnType<typeof startNetwork>): Promise<string> {
  return (await network.network.listEthernet(never))[0]?.mac ?? "";
}

function wish(mac: string, address: string, prefix = 24) {
  return { mac, interfaceName: "e0", wish: { method: "manual", address, prefix } } as const;
}

Deno.test("an address is set, kept when the router is reached, and DHCP comes back", async () => {
  await using stack = new AsyncDisposableStack();
  const { manager, changeFile, start } = await startMachine(stack);
  await using network = start();
  const [device] = await network.network.listEthernet(never);
  assert.equal(device?.interfaceName, "e0");
  assert.equal(device?.method, "auto");
  assert.match(device?.mac ?? "", /^([0-9A-F]{2}:){5}[0-9A-F]{2}$/);
  assert.equal(device?.ipv4[0]?.prefix, 24);
  const mac = device?.mac ?? "";
  const startedMs = performance.now();
  await network.network.updateIpv4(wish(mac, "10.77.0.5"), never);
  assert.ok(performance.now() - startedMs < 2_000);
  assert.deepEqual(await network.untilOutcomes(1), [
    { method: "update_ipv4_config", interfaceName: "e0", outcome: "kept" },
  ]);
  assert.deepEqual(await addressesOf("e0"), ["10.77.0.5/24"]);
  const profile = await manager.readProfile("wired") ?? "";
  assert.match(profile, /method=manual/);
  assert.match(profile, /address1=10\.77\.0\.5\/24,10\.77\.0\.1/, "the gateway of the DHCP server stays");
  assert.match(profile, /dns=10\.77\.0\.1;/);
  assert.deepEqual((await network.network.listEthernet(never))[0]?.ipv4, [{ address: "10.77.0.5", prefix: 24 }]);
  await network.network.updateIpv4({ mac: "", interfaceName: "e0", wish: { method: "auto" } }, never);
  await network.untilOutcomes(2);
  await untilAddress(/^10\.77\.0\.[5-9]\d\/24$/);
  assert.doesNotMatch(await manager.readProfile("wired") ?? "", /dns=|address1=/);
  await assert.rejects(() => Deno.stat(changeFile), Deno.errors.NotFound);
});

Deno.test("what cannot work is refused before anything is touched", async () => {
  await using stack = new AsyncDisposableStack();
  const { manager, changeFile, start } = await startMachine(stack);
  await using network = start();
  const mac = await macOf(network);
  const before = await pollUntil("the profile is retried for ever", async () => {
    const profile = await manager.readProfile("wired");
    return profile?.includes("autoconnect-retries=0") ? profile : undefined;
  });
  const rows: [address: string, prefix: number, text: RegExp][] = [
    ["10.99.0.5", 24, /^Cannot set the address 10\.99\.0\.5\/24: the gateway 10\.77\.0\.1 is outside this network$/],
    ["10.77.0.1", 24, /the gateway 10\.77\.0\.1 has this address$/],
    ["10.77.0.0", 24, /the address of the network/],
    ["10.77.0.255", 24, /broadcast/],
    ["10.77.0.5", 33, /prefix must be from 1 to 32/],
    ["10.77.0.5", 0, /prefix must be from 1 to 32/],
    ["10.77.0", 24, /not an IPv4 address/],
    ["10.77.0.005", 24, /not an IPv4 address/],
    ["127.0.0.1", 8, /no device can have it/],
    ["::1", 24, /not an IPv4 address/],
  ];
  for (const [address, prefix, text] of rows) {
    await assert.rejects(() => network.network.updateIpv4(wish(mac, address, prefix), never), (error) => {
      return hasCode(error, "bad_request") && text.test(error.message);
    }, address);
  }
  await assert.rejects(
    () => network.network.updateIpv4({ ...wish("", "10.77.0.5"), interfaceName: "none0" }, never),
    (error) => hasCode(error, "not_available") && error.message === "not found",
  );
  assert.equal(await manager.readProfile("wired"), before);
  await assert.rejects(() => Deno.stat(changeFile), Deno.errors.NotFound);
});

const reverted = { method: "update_ipv4_config", interfaceName: "e0", outcome: "reverted" };

Deno.test("an address that cuts the router off is undone, by the agent or without it, and Studio is told", async () => {
  await using stack = new AsyncDisposableStack();
  const { manager, start } = await startMachine(stack, true);
  {
    await using network = start();
    const mac = await macOf(network);
    await network.network.updateIpv4(wish(mac, "10.99.0.5"), never);
    await assert.rejects(() => network.network.restartWifi(never), (error) => hasCode(error, "busy"));
    await untilAddress(/^10\.99\.0\.5\/24$/);
    network.giveUp();
    const error = "the router could not be reached over the new network";
    assert.deepEqual(await network.untilOutcomes(1), [{ ...reverted, error }]);
    await untilAddress(/^10\.77\.0\.[5-9]\d\/24$/);
    assert.match(await manager.readProfile("wired") ?? "", /method=auto/);
  }
  const mac = await (async () => {
    await using network = start(5);
    const mac = await macOf(network);
    await network.network.updateIpv4(wish(mac, "10.99.0.6"), never);
    await pollUntil("the address is set, or NetworkManager was quicker", async () => {
      const isUndone = (await manager.readProfile("wired"))?.includes("method=auto");
      return isUndone || (await addressesOf("e0")).includes("10.99.0.6/24") || undefined;
    });
    return mac;
  })();
  await untilAddress(/^10\.77\.0\.[5-9]\d\/24$/);
  assert.match(await manager.readProfile("wired") ?? "", /method=auto/, "NetworkManager alone has undone it");
  await using network = start();
  assert.deepEqual(await network.untilOutcomes(1), [{ ...reverted, error: "the agent was not there to keep it" }]);
  await network.network.updateIpv4(wish(mac, "10.77.0.7"), never);
  assert.equal((await network.untilOutcomes(2))[1]?.outcome, "kept");
});

Deno.test("a change that the disk does not let the agent note any more is undone, and Studio is told", async () => {
  await using stack = new AsyncDisposableStack();
  const { manager, changeFile, start } = await startMachine(stack);
  await using network = start();
  await network.network.updateIpv4(wish(await macOf(network), "10.77.0.5"), never);
  // The caller has the answer, and nothing is switched yet: from now on nothing can be written there.
  const folder = changeFile.slice(0, changeFile.lastIndexOf("/"));
  await Deno.rename(folder, `${folder}.aside`);
  await Deno.writeTextFile(folder, "");
  const [told] = await network.untilOutcomes(1);
  assert.deepEqual({ ...told, error: undefined }, { ...reverted, error: undefined });
  assert.match(told?.error ?? "", /^that it works cannot be noted: /);
  await untilAddress(/^10\.77\.0\.[5-9]\d\/24$/);
  assert.match(await manager.readProfile("wired") ?? "", /method=auto/);
  await Deno.remove(folder);
  await Deno.rename(`${folder}.aside`, folder);
  await network.network.updateIpv4(wish(await macOf(network), "10.77.0.6"), never);
  assert.equal((await network.untilOutcomes(2))[1]?.outcome, "kept");
  await assert.rejects(() => Deno.stat(changeFile), Deno.errors.NotFound);
});

Deno.test("a change is undone also when NetworkManager was killed while it was tried out", async () => {
  await using stack = new AsyncDisposableStack();
  const { manager, start } = await startMachine(stack, true);
  await using network = start();
  await network.network.updateIpv4(wish(await macOf(network), "10.99.0.5"), never);
  await untilAddress(/^10\.99\.0\.5\/24$/);
  await manager.kill();
  await manager.start();
  network.giveUp();
  const [told] = await network.untilOutcomes(1);
  assert.deepEqual({ ...told, error: undefined }, { ...reverted, error: undefined });
  assert.match(told?.error ?? "", /^(?:the router could not be reached over the new network|NetworkManager ended)/);
  await untilAddress(/^10\.77\.0\.[5-9]\d\/24$/);
  assert.match(await manager.readProfile("wired") ?? "", /method=auto/);
  assert.match(await manager.readProfile("wired") ?? "", /autoconnect-retries=0/, "profiles are retried for ever");
});

Deno.test("a change is undone also when the machine has lost its power while it was tried out", async () => {
  await using stack = new AsyncDisposableStack();
  const { bus, manager, start } = await startMachine(stack, true);
  {
    await using network = start();
    await network.network.updateIpv4(wish(await macOf(network), "10.99.0.5"), never);
    await untilAddress(/^10\.99\.0\.5\/24$/);
  }
  await Promise.all([bus.stop(), manager.kill()]);
  // Everything comes up in the same order, so that NetworkManager has the same name on the new bus.
  await bus.start();
  await manager.start();
  await untilAddress(/^10\.99\.0\.5\/24$/);
  await using network = start();
  network.giveUp();
  const [told] = await network.untilOutcomes(1);
  assert.deepEqual(told, { ...reverted, error: "the router could not be reached over the new network" });
  await untilAddress(/^10\.77\.0\.[5-9]\d\/24$/);
  assert.match(await manager.readProfile("wired") ?? "", /method=auto/);
});

Deno.test("without NetworkManager lists are empty and changes fail with a reason, until it comes back", async () => {
  await using stack = new AsyncDisposableStack();
  const { bus, manager, start } = await startMachine(stack);
  await using network = start();
  const isMissing = (error: unknown) => {
    return hasCode(error, "not_available") && error.message === "NetworkManager does not run on this device";
  };
  for (const isBusThere of [true, false]) {
    if (isBusThere) await manager.stop();
    else await bus.stop();
    assert.deepEqual(await network.network.listEthernet(never), []);
    assert.deepEqual(await network.network.listWifi(never), { networks: [], ipv4: [], ipv6: [] });
    await assert.rejects(() => network.network.updateIpv4(wish("", "10.77.0.5"), never), isMissing);
    await assert.rejects(() => network.network.scanWifi(never), isMissing);
  }
  await bus.start();
  await manager.start();
  assert.equal((await network.network.listEthernet(never))[0]?.interfaceName, "e0");
  await assert.rejects(() => network.network.listWifi(never), { message: "device not found" });
});
