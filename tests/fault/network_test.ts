// box engine registry crossbar
/**
 * Eight bad networks below one agent, which is installing an app when each begins. On each of them Studio hears the states in
 * order and none twice, the last one is never lost, people hear every message, and the device is back soon after the network is. One after the other, because agents that
 * share an engine take each other's containers for orphans.
 */

import assert from "node:assert/strict";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import type { Told } from "../e2e/agent_told.ts";
import { AgentWorld } from "../e2e/agent_world.ts";
import type { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { BadLink } from "../../scripts/testbed/bad_link.ts";
import { sleep } from "../../scripts/testbed/wait.ts";
import { FakeNameServer } from "../fakes/fake_name_server.ts";

/** What a profile may do and look at. */
interface Place {
  link: BadLink;
  names: FakeNameServer;
  /** Waits until the agent has noticed that it is not connected, and gives how long that took. */
  untilAway(): Promise<number>;
}

interface Profile {
  name: string;
  /** True when the connection is to outlive it. */
  isBearable?: boolean;
  /** Makes the network bad, waits, and returns at the moment when it is good again. */
  run(place: Place): Promise<void>;
}

/** The longest wait between two dials, four seconds, and the time to dial and to be configured. */
const backLimitMs = 5_000;
const installed = ["STARTING", "DOWNLOADING", "PRESENT", "RUNNING"];
const page = "<html>Please log in</html>";
const redirect =
  `HTTP/1.1 302 Found\r\nLocation: http://portal.test/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
const login =
  `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${page.length}\r\nConnection: close\r\n\r\n${page}`;

const profiles: readonly Profile[] = [
  {
    name: "lossy: every fifth packet is lost for eight seconds",
    isBearable: true,
    run: async ({ link }) => {
      await link.lose(0.2);
      await sleep(8_000);
      await link.lose(0);
    },
  },
  {
    name: "slow: 3 kB a second for eight seconds",
    isBearable: true,
    run: async ({ link }) => {
      link.weather = { kind: "slow", delayMs: 0, bytesPerSecond: 3_000 };
      await sleep(8_000);
      link.weather = { kind: "clear" };
    },
  },
  {
    name: "far: 800 ms each way for eight seconds",
    isBearable: true,
    run: async ({ link }) => {
      link.weather = { kind: "slow", delayMs: 800, bytesPerSecond: 1_000_000 };
      await sleep(8_000);
      link.weather = { kind: "clear" };
    },
  },
  {
    name: "half-open: nothing is carried and nothing closed",
    run: async ({ link, untilAway }) => {
      link.weather = { kind: "silent" };
      const ms = await untilAway();
      assert.ok(ms < 12_000, `noticed after ${ms} ms`);
      await sleep(2_000);
      link.cut();
      link.weather = { kind: "clear" };
    },
  },
  {
    name: "names: the name server is dead for eight seconds",
    run: async ({ link, names, untilAway }) => {
      names.isDead = true;
      link.cut();
      await untilAway();
      await sleep(8_000);
      names.isDead = false;
    },
  },
  {
    name: "portal: every upgrade is answered with a redirect, then with a page",
    run: async ({ link, untilAway }) => {
      link.weather = { kind: "portal", answer: redirect };
      await untilAway();
      await sleep(4_000);
      link.weather = { kind: "portal", answer: login };
      await sleep(4_000);
      link.weather = { kind: "clear" };
    },
  },
  {
    name: "flapping: away and back every five seconds",
    run: async ({ link }) => {
      for (let flap = 0; flap < 4; flap++) {
        link.weather = { kind: "refused" };
        await sleep(2_500);
        link.weather = { kind: "clear" };
        if (flap < 3) await sleep(2_500);
      }
    },
  },
  {
    name: "cut: all packets are lost for 30 seconds",
    run: async ({ link }) => {
      await link.lose(1);
      await sleep(30_000);
      await link.lose(0);
    },
  },
];

Deno.test("an agent on bad networks", async (test) => {
  await using world = await AgentWorld.start();
  await using names = await FakeNameServer.start();
  await using link = BadLink.listen(world.crossbar.port);
  const device = world.addDevice();
  const flock = { device_endpoint_url: `ws://router.test:${link.port}/ws` };
  await using agent = await world.startAgent(device, { flock });
  await world.studio.waitForStatus(device, "CONNECTED", { limitMs: 60_000 });
  for (const [index, profile] of profiles.entries()) {
    await test.step(profile.name, () => live({ world, device, agent, link, names }, profile, `app${index}`));
  }
});

interface Stage {
  world: AgentWorld;
  device: AddedDevice;
  agent: AgentProcess;
  link: BadLink;
  names: FakeNameServer;
}

async function live(stage: Stage, profile: Profile, app: string): Promise<void> {
  const { world, device, agent } = stage;
  await world.publish(app, "1.0.0", { prints: ["open"], sizeMb: 2 });
  await using told = await world.listen(device, app);
  const { sessionId } = world.studio.device(device);
  const afterLine = (await agent.readLog()).length;

  await world.studio.request(device, app, { target: "RUNNING" });
  await told.until("DOWNLOADING");
  const startedMs = performance.now();
  const untilAway = async () => {
    await agent.waitForLog("Disconnected", { limitMs: 30_000, afterLine });
    return performance.now() - startedMs;
  };
  await profile.run({ ...stage, untilAway });

  const clearMs = performance.now();
  if (profile.isBearable) assert.equal(world.studio.device(device).sessionId, sessionId, "the connection was lost");
  else await world.untilBack(device, sessionId, 30_000);
  const backMs = performance.now() - clearMs;
  assert.ok(backMs < backLimitMs, `back after ${Math.round(backMs)} ms`);
  await told.until("RUNNING", 10_000);
  await world.studio.request(device, app, { target: "PRESENT" });
  await told.until(`"Successfully stopped ${app}"`, 15_000);
  const states = statesOf(told);
  // A state that has passed while nothing could be told may be left out.
  const before = states.slice(0, states.indexOf("STOPPING"));
  const passed = installed.filter((state) => profile.isBearable || before.includes(state));
  assert.deepEqual(states, [...passed, "STOPPING", "PRESENT"], JSON.stringify(told.entries));
  const messages = told.entries.filter((entry) => entry.startsWith('"'));
  assert.deepEqual([...new Set(messages)], messagesOf(app), JSON.stringify(told.entries));
  // What left right before the link died may have arrived, and is said once more.
  const losses = (await agent.readLog()).slice(afterLine).filter(({ message }) => message === "Disconnected").length;
  for (const message of messagesOf(app)) {
    const said = messages.filter((other) => other === message).length;
    assert.ok(said <= 1 + losses, `${message} was said ${said} times, the link was lost ${losses} times`);
  }
}

/** What people are told of an app that is installed, runs and is stopped. */
function messagesOf(app: string): string[] {
  return [
    `Starting ${app}...`,
    `Initialising download for the app: ${app}...`,
    `Succesfully installed the app: ${app} (Version: 1.0.0)`,
    `Now running app ${app} (1.0.0)`,
    `Received stop signal for ${app}`,
    `Successfully stopped ${app}`,
  ].map((text) => `"${text}"`);
}

/** The states that were told, without repetitions: a device says all states again when it is back. */
function statesOf(told: Told): string[] {
  const states = told.entries.filter((entry) => /^[A-Z]+( |$)/.test(entry)).map((entry) => entry.split(" ")[0] ?? "");
  return withoutRepetitions(states);
}

function withoutRepetitions(entries: readonly string[]): string[] {
  return entries.filter((entry, index) => entry !== entries[index - 1]);
}
