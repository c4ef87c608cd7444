// box engine registry crossbar
/**
 * Agents under their own start guard take new versions of themselves into use, and come back from bad ones, on a real
 * router. A nightly run takes the real limits of the guard.
 */

import assert from "node:assert/strict";
import { guardFiles, type GuardLimits, guardLimits, startGuardScript } from "../../lib/self_update/start_guard.ts";
import { agentVersion } from "../../lib/version.ts";
import { AgentFixture } from "./agent_fixture.ts";
import { GuardedAgent } from "./guarded_agent.ts";
import { VersionOffers } from "./version_offers.ts";

const good = "99.0.0";

/** All but the pauses between starts is as on a device. */
const quick: GuardLimits = { ...guardLimits, pauseSeconds: 1 };

/** A real device takes no longer than a tenth of this on a machine that does nothing else. */
const offlineLimitMs = 30_000;

/** What agents need, and versions that are offered to them. */
class World implements AsyncDisposable {
  readonly fixture: AgentFixture;
  readonly offers: VersionOffers;

  private constructor(fixture: AgentFixture, offers: VersionOffers) {
    this.fixture = fixture;
    this.offers = offers;
  }

  static async start(): Promise<World> {
    // One after the other: a router that starts next to a build is late.
    const offers = await VersionOffers.start();
    return new World(await AgentFixture.start(), offers);
  }

  /** Starts an agent that is connected, in the version of this source tree. */
  async startAgent(limits: GuardLimits): Promise<GuardedAgent> {
    const { fixture, offers: { versions, server, publicKey } } = this;
    const options = { args: ["-remoteUpdateURL", server.base], env: { REAGENT_UPDATE_KEY: publicKey } };
    const agent = await GuardedAgent.start(fixture, { versions, limits, ...options });
    await agent.untilConnected(agentVersion);
    return agent;
  }

  /** Ends the process of an agent, so that it asks for the index again. */
  async restart(agent: GuardedAgent): Promise<void> {
    const { sessionId } = agent;
    await agent.kill();
    await agent.offlineMs(sessionId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.offers[Symbol.asyncDispose]();
    await this.fixture[Symbol.asyncDispose]();
  }
}

async function leavesBadVersion(world: World, limits: GuardLimits): Promise<void> {
  await world.offers.offer("99.1.0", "exit 3");
  await using agent = await world.startAgent(limits);
  const ended = "it has ended 3 times before it had proved itself";
  const offlineMs = await world.offers.takeBad(agent, { to: "99.1.0", why: ended });
  assert.ok(offlineMs < offlineLimitMs, `${offlineMs} ms`);
}

async function takesGoodVersion({ fixture }: World, agent: GuardedAgent): Promise<void> {
  await using transcript = await fixture.record(agent.device, "Shop");
  await fixture.studio.request(agent.device, "Shop", { target: "RUNNING" });
  await transcript.until('"Now running app Shop (1)"');
  const running = await fixture.inspect("Shop", "{{.Id}} {{.State.StartedAt}}");
  const { sessionId } = agent;
  const answer = await agent.update();
  assert.equal(answer.Message, `Version ${good} is in its place, and is started next`);
  assert.deepEqual(answer.lastUpdate, { from: agentVersion, to: good, outcome: "ready", why: "" });
  const offlineMs = await agent.offlineMs(sessionId);
  assert.ok(offlineMs < offlineLimitMs, `${offlineMs} ms`);
  await agent.untilConnected(good);
  const { lastUpdate } = await agent.metadata();
  assert.deepEqual(lastUpdate, { from: agentVersion, to: good, outcome: "probation", why: "" });
  assert.deepEqual(agent.links(), { program: good, fallback: agentVersion });
  assert.equal(await fixture.inspect("Shop", "{{.Id}} {{.State.StartedAt}}"), running);
  assert.equal(agent.errors, "");
}

Deno.test("an agent under its guard takes a good version while its apps go on, and is back from a bad one", async () => {
  await using world = await World.start();
  await world.fixture.publish("Shop", "1", { prints: ["hello"], tickMs: 500 });
  await world.offers.offer(good);
  {
    await using agent = await world.startAgent(guardLimits);
    await takesGoodVersion(world, agent);
  }
  await leavesBadVersion(world, quick);
});

if (Deno.env.get("REAGENT_FAULTS") === "all") {
  Deno.test("with the limits of a device: a version proves itself, others end at once, crash late or hang", async () => {
    await using world = await World.start();
    await world.fixture.publish("Shop", "1", { prints: ["hello"], tickMs: 500 });
    await world.offers.offer(good);
    {
      await using agent = await world.startAgent(guardLimits);
      const guard = `${agent.folder}/${guardFiles.guard}`;
      await Deno.writeTextFile(guard, "#!/bin/sh\n", { mode: 0o755 });
      await agent.place("0.1.0", world.offers.versions.program("0.1.0"));
      await takesGoodVersion(world, agent);
      await agent.waitForLog("This version of the agent has proved itself", { limitMs: 180_000 });
      await agent.waitForLog("The start guard is that of this version");
      assert.deepEqual(agent.links(), { program: good, fallback: undefined });
      assert.deepEqual(agent.versions(), [agentVersion, good]);
      assert.equal(await Deno.readTextFile(guard), startGuardScript());
      assert.deepEqual((await agent.metadata()).lastUpdate, {
        ...{ from: agentVersion, to: good, outcome: "updated", why: "" },
      });
    }
    await leavesBadVersion(world, guardLimits);
    await world.offers.offer("99.1.1", "sleep 60; exit 1");
    await using agent = await world.startAgent(guardLimits);
    const ended = "it has ended 3 times before it had proved itself";
    await world.offers.takeBad(agent, { to: "99.1.1", why: ended, limitMs: 300_000 });
    await world.offers.offer("99.2.0", `trap "" TERM; while :; do sleep 1; done`);
    await world.restart(agent);
    await world.offers.takeBad(agent, { to: "99.2.0", why: "it was not connected in time", limitMs: 360_000 });
  });
}
