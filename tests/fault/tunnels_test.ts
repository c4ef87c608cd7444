// box engine registry crossbar frp
/**
 * Faults while port rules change: the link is cut, the agent is killed, the client is killed, the server is gone, the
 * disk is full. At the end the tunnels are as Studio wants them, and there is one client. For nightly runs.
 */

import assert from "node:assert/strict";
import { mustRun } from "../../scripts/programs.ts";
import { frpsPorts } from "../../scripts/testbed/frps.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { clientsOf } from "../contract/tunnel_fixture.ts";
import { mqtt, TunnelledDevice, web } from "../e2e/app_ports_fixture.ts";

/** Between a request and the fault: before, while and after the ports are brought in line. */
const killedAfterMs = [0, 10, 30, 60, 100, 200, 400];

const backLimitMs = 60_000;

/** Each begins with the `http` tunnel open and that of `tcp` closed, and wants it the other way round. */
const faults: Record<string, (world: TunnelledDevice, disk: string) => Promise<void>> = {
  "the link is cut": async (world) => {
    const { fixture, device } = world;
    const { sessionId } = fixture.studio.device(device);
    const changing = turn(world).catch(() => {});
    await fixture.killSession(device);
    await changing;
    await fixture.untilBack(device, sessionId);
  },

  "the client is killed": async (world) => {
    await Promise.all([turn(world), killClients(world)]);
  },

  "the server is gone": async (world) => {
    await world.frps.stop();
    await turn(world);
    await pollUntil(
      "the rule is gone from the file",
      async () => !(await world.config()).includes("-http") || undefined,
    );
    await world.frps.start();
  },

  "the disk is full": async (world, disk) => {
    await mustRun("sh", ["-c", 'dd if=/dev/zero of="$1/full" bs=512 2>/dev/null; true', "sh", disk]);
    const before = await world.config();
    await turn(world);
    await sleep(2_000);
    assert.equal(await world.config(), before, "nothing is half written");
    assert.equal(await world.isOpen(frpsPorts.http), true, "what works goes on");
    await Deno.remove(`${disk}/full`);
  },

  "the agent is killed": async (world) => {
    const { fixture: { studio }, device, agent } = world;
    for (const ms of killedAfterMs) {
      const { sessionId } = studio.device(device);
      const changing = turn(world).catch(() => {});
      await sleep(ms);
      await agent.kill();
      await changing;
      assert.deepEqual(await clientsOf(world.configFile), [], `${ms} ms: no client is left`);
      agent.start();
      await world.fixture.untilBack(device, sessionId);
      await isTurned(world);
      await back(world);
    }
    await turn(world);
  },
};

async function turn(world: TunnelledDevice): Promise<void> {
  await world.run([{ ...web, active: false }, mqtt]);
}

/** As Studio wants it after `turn()`, with the port that the app has always had. */
async function isTurned(world: TunnelledDevice): Promise<void> {
  await world.untilOpen(31_000, { limitMs: backLimitMs });
  await world.untilStates("8080/tcp running");
  assert.equal(await world.isOpen(frpsPorts.http), undefined);
  const { studio } = world.fixture;
  await studio.waitFor("Studio knows the port", () => world.rules()[1]?.remote_port === 31_000 || undefined);
  assert.equal((await clientsOf(world.configFile)).length, 1);
}

async function back(world: TunnelledDevice): Promise<void> {
  await world.run([web, { ...mqtt, active: false }]);
  await world.untilOpen(frpsPorts.http, { limitMs: backLimitMs });
  await world.untilStates("8080/http running");
}

async function killClients({ configFile }: TunnelledDevice): Promise<void> {
  for (const pid of await clientsOf(configFile)) Deno.kill(pid, "SIGKILL");
}

const isNightly = Deno.env.get("REAGENT_FAULTS") === "all";

Deno.test({ name: "tunnels are as Studio wants them after every fault", ignore: !isNightly }, async (t) => {
  const disk = await Deno.makeTempDir({ prefix: "disk-" });
  await mustRun("mount", ["-t", "tmpfs", "-o", "size=64m", "disk", disk]);
  await using world = await TunnelledDevice.start({ agentDir: disk });
  for (const [name, fault] of Object.entries(faults)) {
    const isDone = await t.step(name, async () => {
      await back(world);
      await fault(world, disk);
      await isTurned(world);
    });
    if (!isDone) break;
  }
});
