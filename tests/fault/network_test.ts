// box engine registry crossbar
/**
 * Eight bad networks, each of which sets in while an agent installs an app. Studio receives the states in order and
 * none twice, the last state and all messages arrive, and the device is back soon after the network is. One agent
 * goes through all of them, because agents that share an engine would remove each other's containers.
 */

import assert from "node:assert/strict";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import type { AppTranscript } from "../e2e/app_transcript.ts";
import { AgentFixture } from "../e2e/agent_fixture.ts";
import type { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { BadLink } from "../../scripts/testbed/bad_link.ts";
import { sleep } from "../../scripts/testbed/wait.ts";
import { FakeNameServer } from "../fakes/fake_name_server.ts";

/** What a profile works with. */
interface Network {
  link: BadLink;
  names: FakeNameServer;
  /** Waits until the agent has noticed that it is disconnected, and returns how long that took. */
  untilDisconnected(): Promise<number>;
}

interface Profile {
  name: string;
  /** True when the connection must survive. */
  isBearable?: boolean;
  /** Makes the network bad, waits, and returns when it is good again. */
  run(network: Network): Promise<void>;
}

/** The longest wait between two dials, four seconds, plus the time to dial and to configure. */
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
      await link.losePackets(0.2);
      await sleep(8_000);
      await link.losePackets(0);
    },
  },
  {
    name: "slow: 3 kB a second for eight seconds",
    isBearable: true,
    run: async ({ link }) => {
      link.condition = { kind: "slow", delayMs: 0, bytesPerSecond: 3_000 };
      await sleep(8_000);
      link.condition = { kind: "clear" };
    },
  },
  {
    name: "far: 800 ms each way for eight seconds",
    isBearable: true,
    run: async ({ link }) => {
      link.condition = { kind: "slow", delayMs: 800, bytesPerSecond: 1_000_000 };
      await sleep(8_000);
      link.condition = { kind: "clear" };
    },
  },
  {
    name: "half-open: nothing is delivered and nothing is closed",
    run: async ({ link, untilDisconnected }) => {
      link.condition = { kind: "silent" };
      const ms = await untilDisconnected();
      assert.ok(ms < 12_000, `noticed after ${ms} ms`);
      await sleep(2_000);
      link.cut();
      link.condition = { kind: "clear" };
    },
  },
  {
    name: "names: the name server is down for eight seconds",
    run: async ({ link, names, untilDisconnected }) => {
      names.isDead = true;
      link.cut();
      await untilDisconnected();
      await sleep(8_000);
      names.isDead = false;
    },
  },
  {
    name: "portal: every upgrade is answered with a redirect, later with a page",
    run: async ({ link, untilDisconnected }) => {
      link.condition = { kind: "portal", answer: redirect };
      await untilDisconnected();
      await sleep(4_000);
      link.condition = { kind: "portal", answer: login };
      await sleep(4_000);
      link.condition = { kind: "clear" };
    },
  },
  {
    name: "flapping: down and up every five seconds",
    run: async ({ link }) => {
      for (let flap = 0; flap < 4; flap++) {
        link.condition = { kind: "refused" };
        await sleep(2_500);
        link.condition = { kind: "clear" };
        if (flap < 3) await sleep(2_500);
      }
    },
  },
  {
    name: "cut: all packets are lost for 30 seconds",
    run: async ({ link }) => {
      await link.losePackets(1);
      await sleep(30_000);
      await link.losePackets(0);
    },
  },
];

Deno.test("an agent on bad networks", async (test) => {
  await using fixture = await AgentFixture.start();
  await using names = await FakeNameServer.start();
  await using link = BadLink.listen(fixture.crossbar.port);
  const device = fixture.addDevice();
  const flock = { device_endpoint_url: `ws://router.test:${link.port}/ws` };
  await using agent = await fixture.startAgent(device, { flock });
  await fixture.studio.waitForStatus(device, "CONNECTED", { limitMs: 60_000 });
  for (const [index, profile] of profiles.entries()) {
    await test.step(profile.name, () => runProfile(profile, `app${index}`, { fixture, device, agent, link, names }));
  }
});

interface NetworkSetup {
  fixture: AgentFixture;
  device: AddedDevice;
  agent: AgentProcess;
  link: BadLink;
  names: FakeNameServer;
}

async function runProfile(profile: Profile, app: string, setup: NetworkSetup): Promise<void> {
  const { fixture, device, agent } = setup;
  await fixture.publish(app, "1.0.0", { prints: ["open"], sizeMb: 2 });
  await using transcript = await fixture.record(device, app);
  const { sessionId } = fixture.studio.device(device);
  const afterLine = (await agent.readLog()).length;

  await fixture.studio.request(device, app, { target: "RUNNING" });
  await transcript.until("DOWNLOADING");
  const startedMs = performance.now();
  const untilDisconnected = async () => {
    await agent.waitForLog("Disconnected", { limitMs: 30_000, afterLine });
    return performance.now() - startedMs;
  };
  await profile.run({ ...setup, untilDisconnected });

  const clearMs = performance.now();
  if (profile.isBearable) assert.equal(fixture.studio.device(device).sessionId, sessionId, "the connection was lost");
  else await fixture.untilBack(device, sessionId, { limitMs: 30_000 });
  const backMs = performance.now() - clearMs;
  assert.ok(backMs < backLimitMs, `back after ${Math.round(backMs)} ms`);
  await transcript.until("RUNNING", 10_000);
  await fixture.studio.request(device, app, { target: "PRESENT" });
  await transcript.until(`"Successfully stopped ${app}"`, 15_000);
  const states = statesOf(transcript);
  // A state that has passed while the device was disconnected may be left out.
  const before = states.slice(0, states.indexOf("STOPPING"));
  const passed = installed.filter((state) => profile.isBearable || before.includes(state));
  assert.deepEqual(states, [...passed, "STOPPING", "PRESENT"], JSON.stringify(transcript.entries));
  const messages = transcript.entries.filter((entry) => entry.startsWith('"'));
  assert.deepEqual([...new Set(messages)], messagesOf(app), JSON.stringify(transcript.entries));
  // What was sent right before the link was lost may have arrived, and is sent once more.
  const losses = (await agent.readLog()).slice(afterLine).filter(({ message }) => message === "Disconnected").length;
  for (const message of messagesOf(app)) {
    const count = messages.filter((other) => other === message).length;
    assert.ok(count <= 1 + losses, `${message} arrived ${count} times, the link was lost ${losses} times`);
  }
}

/** The messages about an app that is installed, runs and is stopped. */
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

/** The reported states without repetitions: a device reports all states again when it is back. */
function statesOf(transcript: AppTranscript): string[] {
  const states = transcript.entries.filter((entry) => /^[A-Z]+( |$)/.test(entry)).map((entry) =>
    entry.split(" ")[0] ?? ""
  );
  return withoutRepetitions(states);
}

function withoutRepetitions(entries: readonly string[]): string[] {
  return entries.filter((entry, index) => entry !== entries[index - 1]);
}
