// box engine registry crossbar bus
/**
 * Faults while the address of the network that carries the link is changed: the agent is killed, the bus is gone,
 * NetworkManager is killed, the disk is full. At the end the device has the address that Studio was told, and nothing
 * of the change is left. For nightly runs.
 */

import assert from "node:assert/strict";
import { readTextIfThere } from "../../scripts/files.ts";
import { mustRun } from "../../scripts/programs.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { kept, type NetworkWorld, setAddress, startNetworkWorld } from "../e2e/network_world.ts";
import { addressesOf } from "../lib/network/network_fixture.ts";

/** Between the request and the fault: before, while and after the address is changed. */
const faultAfterMs = [0, 50, 200, 600, 800, 1_200];

const backLimitMs = 120_000;

/** For an address to be set once it is decided. */
const settleMs = 20_000;

const faults: Record<string, (world: NetworkWorld) => Promise<void>> = {
  "the agent is killed": async ({ agent }) => {
    await agent.kill();
    agent.start();
  },

  "NetworkManager is killed": async ({ manager }) => {
    await manager.kill();
    await manager.start();
  },

  "the bus is gone": async ({ bus, manager }) => {
    await bus.stop();
    await sleep(500);
    await bus.start();
    // It ends without a bus, as on a device, where systemd starts it again.
    await manager.kill();
    await manager.start();
  },

  "the disk is full": async ({ agentDir }) => {
    await mustRun("sh", ["-c", 'dd if=/dev/zero of="$1/full" bs=512 2>/dev/null; true', "sh", agentDir]);
    await sleep(5_000);
    await Deno.remove(`${agentDir}/full`);
  },
};

/** An agent that is killed before it has noted that Studio was told tells it again. */
async function untilNoNote({ agentDir }: NetworkWorld): Promise<void> {
  await pollUntil("nothing of the change is left", async () => {
    return await readTextIfThere(`${agentDir}/network_change.json`) === undefined || undefined;
  }, { limitMs: backLimitMs });
}

/** Studio hears at most one outcome of a change; a change that was refused, or never noted, has none. */
async function isSettled(world: NetworkWorld, { before, wanted }: { before: string; wanted: string }): Promise<void> {
  const { fixture: { studio }, device, told, manager } = world;
  await untilNoNote(world);
  await studio.waitForStatus(device, "CONNECTED", { limitMs: backLimitMs });
  const expected = JSON.stringify(told[0]) === JSON.stringify(kept) ? wanted : before;
  await pollUntil(`the address is ${expected}`, async () => {
    return JSON.stringify(await addressesOf("e0")) === JSON.stringify([`${expected}/24`]) || undefined;
  }, { limitMs: settleMs }).catch(async (error) => {
    const log = (await world.agent.readLog()).slice(-20).map(({ time, message, fields }) => {
      return `${time} ${message} ${JSON.stringify(fields).slice(0, 200)}`;
    });
    const seen = [await addressesOf("e0"), told, await manager.readProfile("wired")];
    throw new Error(`${error}\n${JSON.stringify(seen)}\n${log.join("\n")}`, { cause: error });
  });
  assert.match(await manager.readProfile("wired") ?? "", new RegExp(`address1=${RegExp.escape(expected)}/24`));
  assert.ok(told.length <= 1, JSON.stringify(told));
  const { stdout } = await mustRun("dbus-send", [
    `--bus=${world.bus.address}`,
    "--print-reply",
    "--dest=org.freedesktop.NetworkManager",
    "/org/freedesktop/NetworkManager",
    "org.freedesktop.DBus.Properties.Get",
    "string:org.freedesktop.NetworkManager",
    "string:Checkpoints",
  ]);
  assert.doesNotMatch(stdout, /object path/, "a checkpoint is left");
}

const isNightly = Deno.env.get("REAGENT_FAULTS") === "all";

Deno.test({ name: "the network is as Studio was told after every fault", ignore: !isNightly }, async (t) => {
  const disk = await Deno.makeTempDir({ prefix: "disk-" });
  await mustRun("mount", ["-t", "tmpfs", "-o", "size=64m", "disk", disk]);
  await using stack = new AsyncDisposableStack();
  const world = await startNetworkWorld(stack, { agentDir: disk });
  await setAddress(world, "10.77.0.5");
  await pollUntil("the first address is told", () => Promise.resolve(world.told[0]), { limitMs: backLimitMs });
  await untilNoNote(world);
  for (const [name, fault] of Object.entries(faults)) {
    for (const ms of faultAfterMs) {
      const isDone = await t.step(`${name} after ${ms} ms`, async () => {
        const [before = ""] = (await addressesOf("e0")).map((address) => address.replace("/24", ""));
        const wanted = before === "10.77.0.5" ? "10.77.0.6" : "10.77.0.5";
        world.told.length = 0;
        const { sessionId } = world.fixture.studio.device(world.device);
        // What the fault makes of the answer does not count.
        const changing = setAddress(world, wanted).catch(() => {});
        await sleep(ms);
        await fault(world);
        await changing;
        if (name === "the agent is killed") {
          await world.fixture.untilBack(world.device, sessionId, { limitMs: backLimitMs });
        }
        await isSettled(world, { before, wanted });
      });
      if (!isDone) return;
    }
  }
});
