// box engine registry crossbar
/**
 * Agents under their own start guard take new versions of themselves into use, and come back from bad ones, on a real
 * router. A nightly run takes the real limits of the guard.
 */

import assert from "node:assert/strict";
import { guardFiles, type GuardLimits, guardLimits, startGuardScript } from "../../lib/self_update/start_guard.ts";
import { agentVersion, buildArch } from "../../lib/version.ts";
import { answerFrom, DownloadServer } from "../fakes/download_server.ts";
import { ReleaseBucket } from "../fakes/release_bucket.ts";
import { makeUpdateKey } from "../fakes/update_key.ts";
import { AgentFixture } from "./agent_fixture.ts";
import { AgentVersions, GuardedAgent } from "./guarded_agent.ts";

const good = "99.0.0";
const { key, publicText } = await makeUpdateKey();

/** All but the pauses between starts is as on a device. */
const quick: GuardLimits = { ...guardLimits, pauseSeconds: 1 };

/** A real device takes no longer than a tenth of this on a machine that does nothing else. */
const offlineLimitMs = 30_000;

/** What agents need, and a bucket that offers them versions. */
class World implements AsyncDisposable {
  readonly fixture: AgentFixture;
  readonly versions: AgentVersions;
  readonly bucket = new ReleaseBucket({ platform: `linux/${buildArch().arch}`, key });
  readonly server = new DownloadServer((request) => answerFrom(this.bucket.files, request));
  #number = 1_796_083_200;

  private constructor(fixture: AgentFixture, versions: AgentVersions) {
    this.fixture = fixture;
    this.versions = versions;
  }

  static async start(): Promise<World> {
    // One after the other: a router that starts next to a build is late.
    const versions = await AgentVersions.build();
    return new World(await AgentFixture.start(), versions);
  }

  /** Offers a version that behaves as `body` once it is started; without one it is a good one. */
  async offer(version: string, body?: string): Promise<void> {
    const pretender = `#!/bin/sh\n[ "$1" = -version ] && echo "${version}" && exit 0\n${body}\n`;
    const program = body === undefined ? this.versions.program(version) : pretender;
    await this.bucket.addProgram(version, { program });
    await this.bucket.offer(version, this.#number += 1);
  }

  /** Starts an agent that is connected, in the version of this source tree. */
  async startAgent(limits: GuardLimits): Promise<GuardedAgent> {
    const { fixture, versions, server } = this;
    const options = { args: ["-remoteUpdateURL", server.base], env: { REAGENT_UPDATE_KEY: publicText } };
    const agent = await GuardedAgent.start(fixture, { versions, limits, ...options });
    await agent.untilConnected(agentVersion);
    return agent;
  }

  /** Lets an agent take the bad version that is offered, and returns how long its device was away. */
  async takeBad(agent: GuardedAgent, bad: { to: string; why: string; limitMs?: number }): Promise<number> {
    const { to, why, limitMs = 60_000 } = bad;
    const { sessionId } = this.fixture.studio.device(agent.device);
    assert.equal((await agent.update()).DidUpdate, true);
    const offlineMs = await agent.offlineMs(sessionId, { limitMs });
    await agent.untilConnected(agentVersion);
    const { lastUpdate } = await agent.metadata();
    assert.deepEqual(lastUpdate, { from: agentVersion, to, outcome: "rolledBack", why });
    assert.deepEqual(agent.links(), { program: agentVersion, fallback: undefined });
    this.server.requests.length = 0;
    const blocked = await agent.update();
    assert.equal(blocked.Message, `Version ${to} was rolled back and is not taken again: ${why}`);
    assert.equal(blocked.DidUpdate, false);
    assert.deepEqual(blocked.lastUpdate, lastUpdate);
    assert.ok(!this.server.paths.includes(this.bucket.path(to)), "the bad version is downloaded again");
    return offlineMs;
  }

  /** Ends the process of an agent, so that it asks for the index again. */
  async restart(agent: GuardedAgent): Promise<void> {
    const { sessionId } = this.fixture.studio.device(agent.device);
    await agent.kill();
    await agent.offlineMs(sessionId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.fixture[Symbol.asyncDispose]();
  }
}

async function leavesBadVersion(world: World, limits: GuardLimits): Promise<void> {
  await world.offer("99.1.0", "exit 3");
  await using agent = await world.startAgent(limits);
  const ended = "it has ended 3 times before it had proved itself";
  const offlineMs = await world.takeBad(agent, { to: "99.1.0", why: ended });
  assert.ok(offlineMs < offlineLimitMs, `${offlineMs} ms`);
}

async function takesGoodVersion({ fixture }: World, agent: GuardedAgent): Promise<void> {
  await using transcript = await fixture.record(agent.device, "Shop");
  await fixture.studio.request(agent.device, "Shop", { target: "RUNNING" });
  await transcript.until('"Now running app Shop (1)"');
  const running = await fixture.inspect("Shop", "{{.Id}} {{.State.StartedAt}}");
  const { sessionId } = fixture.studio.device(agent.device);
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
  await world.offer(good);
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
    await world.offer(good);
    {
      await using agent = await world.startAgent(guardLimits);
      const guard = `${agent.folder}/${guardFiles.guard}`;
      await Deno.writeTextFile(guard, "#!/bin/sh\n", { mode: 0o755 });
      await agent.place("0.1.0", world.versions.program("0.1.0"));
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
    await world.offer("99.1.1", "sleep 60; exit 1");
    await using agent = await world.startAgent(guardLimits);
    const ended = "it has ended 3 times before it had proved itself";
    await world.takeBad(agent, { to: "99.1.1", why: ended, limitMs: 300_000 });
    await world.offer("99.2.0", `trap "" TERM; while :; do sleep 1; done`);
    await world.restart(agent);
    await world.takeBad(agent, { to: "99.2.0", why: "it was not connected in time", limitMs: 360_000 });
  });
}
