// box engine registry crossbar
/**
 * Faults while terminals are open, in a container and on the device: the agent is killed, the engine is killed, the
 * link is cut. At the end no shell is left, no program in the container, and nothing at the router.
 */

import assert from "node:assert/strict";
import type { Session } from "../../lib/wamp/session.ts";
import { addAccount, grant } from "../../scripts/studio/accounts.ts";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import type { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { BadLink } from "../../scripts/testbed/bad_link.ts";
import { busyboxImage } from "../../scripts/testbed/dockerd.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { AgentFixture, outsider } from "../e2e/agent_fixture.ts";
import { terminalShells, untilNoShell } from "../e2e/terminal_shells.ts";
import { TerminalViewer } from "../e2e/terminal_viewer.ts";

interface OpenTerminals {
  fixture: AgentFixture;
  device: AddedDevice;
  agent: AgentProcess;
  link: BadLink;
  owner: Session;
  inside: TerminalViewer;
  outside: TerminalViewer;
}

const container = "box-1";

/** Each breaks something and mends it, and leaves it to the end to close what is still open. */
const faults: Record<string, (open: OpenTerminals) => Promise<void>> = {
  "the agent is killed": async ({ fixture, device, agent, inside, outside }) => {
    const { sessionId } = fixture.studio.device(device);
    await agent.kill();
    agent.start();
    await fixture.untilBack(device, sessionId, { limitMs: 40_000 });
    await untilNoShell();
    // It cannot know them any more.
    await assert.rejects(inside.stop());
    assert.deepEqual([inside.ends, outside.ends], [0, 0]);
  },

  "the agent is killed, and the engine with it": async ({ fixture, device, agent }) => {
    const { sessionId } = fixture.studio.device(device);
    await Promise.all([agent.kill(), fixture.engine.kill()]);
    agent.start();
    await sleep(2_000);
    await fixture.engine.start();
    await fixture.untilBack(device, sessionId, { limitMs: 60_000 });
    await untilNoShell();
  },

  "the engine is killed": async ({ fixture, inside, outside }) => {
    await fixture.engine.kill();
    await inside.untilEnd();
    // The end of its output is told at once; the shell itself gets a moment to end.
    await pollUntil("only the shell of the device is left", async () => {
      return (await terminalShells()).length === 1 || undefined;
    }, { limitMs: 10_000 });
    await fixture.engine.start();
    await outside.type("echo alive-$((1+1))\r");
    await outside.until("alive-2");
    await outside.type("exit\r");
    await outside.untilEnd();
    assert.deepEqual([inside.ends, outside.ends], [1, 1]);
  },

  "the link is cut": async ({ link, inside, outside, owner }) => {
    for (const viewer of [inside, outside]) {
      await viewer.type("i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo line-$i-; sleep 0.1; done\r");
      await viewer.until("line-10-");
    }
    link.condition = { kind: "refused" };
    await sleep(3_000);
    link.condition = { kind: "clear" };
    for (const viewer of [inside, outside]) {
      await viewer.until("line-100-", { limitMs: 60_000 });
      const lines = [...viewer.text.matchAll(/line-(\d+)-/g)].map((found) => Number(found[1]));
      assert.deepEqual(lines, lines.map((_, at) => at + 1));
    }
    await inside.stop(owner);
    await outside.type("\x03");
    await outside.type("exit\r");
    await Promise.all([inside.untilEnd(), outside.untilEnd()]);
    assert.deepEqual([inside.ends, outside.ends], [1, 1]);
  },
};

/** Nothing of the terminals is left: no shell, no program in the container, no topic or procedure. */
async function assertNothingLeft({ fixture, inside, outside }: OpenTerminals): Promise<void> {
  await untilNoShell();
  const top = await fixture.engine.docker("top", container, "-eo", "pid,args");
  assert.equal(top.split("\n").length, 2, top);
  for (const { topics } of [inside, outside]) {
    await pollUntil("the router has forgotten the terminals", async () => {
      const { backend } = fixture.studio;
      const subscribed = (await backend.call("wamp.subscription.lookup", [topics.writeTopic])).args[0];
      const registered = (await backend.call("wamp.registration.lookup", [topics.resizeTopic])).args[0];
      return (subscribed ?? undefined) === undefined && (registered ?? undefined) === undefined || undefined;
    }, { limitMs: 20_000 });
  }
}

Deno.test("faults while terminals are open", async (test) => {
  await using fixture = await AgentFixture.start({ engine: { liveRestore: true } });
  await fixture.engine.docker("run", "-d", "--name", container, busyboxImage, "sleep", "100000");
  await using link = BadLink.listen(fixture.crossbar.port);
  const device = fixture.addDevice();
  const { store } = fixture.studio;
  addAccount(store, outsider);
  grant(store, outsider.accountKey, { deviceKey: device.deviceKey, privilege: "DEVELOP" });
  grant(store, outsider.accountKey, { deviceKey: device.deviceKey, privilege: "MAINTAIN" });
  await using agent = await fixture.startAgent(device, {
    flock: { device_endpoint_url: `ws://127.0.0.1:${link.port}/ws` },
  });
  await fixture.studio.waitForStatus(device, "CONNECTED", { limitMs: 40_000 });
  const owner = await fixture.openOutsider();
  for (const [name, run] of Object.entries(faults)) {
    await test.step(name, async () => {
      const { serial } = device;
      const inside = await TerminalViewer.openContainer(owner, { serial, containerName: container });
      const outside = await TerminalViewer.openDevice(owner, serial);
      await Promise.all([inside.until("# "), outside.until("# ")]);
      const open: OpenTerminals = { fixture, device, agent, link, owner, inside, outside };
      await run(open);
      await assertNothingLeft(open);
    });
  }
  await owner.close();
  assert.equal(await agent.stop(), 0);
});
