// box engine registry crossbar
/**
 * The agent as a service of a real systemd takes versions of itself into use, comes back from bad ones, and survives a
 * power loss at any step of a switch. A nightly run waits until versions have proved themselves, or were late.
 */

import assert from "node:assert/strict";
import { isDict } from "../../lib/base/json.ts";
import { guardFiles } from "../../lib/self_update/start_guard.ts";
import { agentVersion } from "../../lib/version.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { AgentFixture } from "./agent_fixture.ts";
import { ServiceMachine } from "./service_fixture.ts";
import { UpdatedDevice } from "./updated_device.ts";
import { VersionOffers } from "./version_offers.ts";

const isNightly = Deno.env.get("REAGENT_FAULTS") === "all";

const agentDir = "/opt/reagent";

/** A machine whose agent is installed and connected. */
class World implements AsyncDisposable {
  readonly fixture: AgentFixture;
  readonly offers: VersionOffers;
  readonly machine: ServiceMachine;
  readonly agent: UpdatedDevice;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    deps: { fixture: AgentFixture; offers: VersionOffers; machine: ServiceMachine; stack: AsyncDisposableStack },
  ) {
    this.fixture = deps.fixture;
    this.offers = deps.offers;
    this.machine = deps.machine;
    this.agent = new UpdatedDevice(deps.fixture, { device: deps.machine.device, folder: agentDir });
    this.#stack = deps.stack;
  }

  static async start(): Promise<World> {
    await using stack = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "w-" });
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    const offers = stack.use(await VersionOffers.start());
    const fixture = stack.use(await AgentFixture.start());
    const program = `${folder}/reagent`;
    await Deno.writeTextFile(program, offers.versions.program(), { mode: 0o755 });
    const { studio } = fixture;
    const machine = stack.use(await ServiceMachine.start({ studio, device: fixture.addDevice(), program }));
    const variables = `DOCKER_HOST=${fixture.engine.host}\nREAGENT_UPDATE_KEY="${offers.publicKey}"\n`;
    await Deno.writeTextFile("/etc/default/reagent", variables, { mode: 0o600 });
    const world = new World({ fixture, offers, machine, stack: stack.move() });
    await world.install(
      "-config",
      machine.flockFile,
      "-nmw=false",
      "-update=false",
      "-remoteUpdateURL",
      offers.server.base,
    );
    return world;
  }

  /**
   * `reagent service install` of the version of this source tree, until it is connected. An operator goes back to a
   * version in this way, whatever a switch has left; and the agent asks what is offered only once a minute.
   */
  async install(...flags: readonly string[]): Promise<void> {
    await this.forgetStarts();
    const { sessionId } = this.agent;
    await this.machine.mustService("install", ...flags);
    await this.fixture.untilBack(this.machine.device, sessionId).catch((error) => this.machine.explain(error));
    await this.untilConnected(agentVersion);
    assert.deepEqual(this.agent.links(), { program: agentVersion, fallback: undefined });
  }

  /** Waits until a version is connected; says otherwise what the service has done. */
  async untilConnected(version: string): Promise<void> {
    await this.agent.untilConnected(version).catch((error) => this.machine.explain(error));
  }

  /** Boots after a power loss. */
  async boot(): Promise<void> {
    await this.forgetStarts();
    await this.machine.boot();
  }

  /** The guard would pause a start as one of many: for it, the kernel of the machine goes on at a boot. */
  async forgetStarts(): Promise<void> {
    await Deno.remove(`${agentDir}/${guardFiles.starts}`).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}

async function leavesBadVersion({ offers, agent }: World): Promise<void> {
  await offers.offer("99.1.0", "exit 3");
  await offers.takeBad(agent, { to: "99.1.0", why: "it has ended 3 times before it had proved itself" });
}

/** How far a switch has come when the power is lost, and how the update is told afterwards. */
interface Moment {
  name: string;
  isReached(agent: UpdatedDevice, to: string): boolean | Promise<boolean>;
  /** The steps of a switch take less time than an end by force: takes back those that had not reached the disk. */
  lose?(to: string): void;
  /** What the version that is being taken does. */
  body?: string;
  outcome: "ready" | "probation" | "rolledBack";
  why?: string;
  /** In every run, not only in nightly ones. */
  isQuick?: boolean;
}

function relink(name: "program" | "fallback", version: string): void {
  const path = `${agentDir}/${guardFiles[name]}`;
  Deno.symlinkSync(`reagent-v${version}`, `${path}.new`);
  Deno.renameSync(`${path}.new`, path);
}

/** An executable that the kernel refuses, and a shell cannot read either. */
function foreignProgram(): Uint8Array {
  const bytes = new Uint8Array(64 * 1024).fill(255);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0xf3, 0]);
  return bytes;
}

const stateHas = async (text: string) =>
  await Deno.readTextFile(`${agentDir}/${guardFiles.state}`).then((read) => read.includes(text), () => false);
const isLinked = (agent: UpdatedDevice, to: string) => agent.links().program === to;

const moments: readonly Moment[] = [
  {
    name: "the program is in its place",
    isReached: async (_, to) => {
      const text = await Deno.readTextFile(`${agentDir}/self_update.json`).catch(() => "");
      return text.includes(`"to":"${to}","outcome":"ready"`);
    },
    outcome: "ready",
  },
  {
    name: "the version before is linked",
    isReached: isLinked,
    lose: () => {
      Deno.removeSync(`${agentDir}/${guardFiles.state}`);
      relink("program", agentVersion);
    },
    outcome: "ready",
  },
  {
    name: "the switch is noted",
    isReached: isLinked,
    lose: () => relink("program", agentVersion),
    outcome: "ready",
    isQuick: true,
  },
  { name: "the new version is linked", isReached: isLinked, outcome: "probation" },
  {
    name: "the new version is linked, and its file is lost",
    isReached: isLinked,
    lose: (to) => Deno.truncateSync(`${agentDir}/reagent-v${to}`),
    outcome: "rolledBack",
    why: "its file is no program that can be started",
  },
  {
    name: "the new version is linked, and its file is for another machine",
    isReached: isLinked,
    lose: (to) => Deno.writeFileSync(`${agentDir}/reagent-v${to}`, foreignProgram()),
    outcome: "rolledBack",
    why: "it has ended 3 times before it had proved itself",
  },
  { name: "its first start is noted", isReached: () => stateHas("starts=1"), outcome: "probation" },
  {
    name: "the guard has noted that it goes back",
    isReached: () => stateHas("phase=rolledBack"),
    body: "exit 3",
    lose: (to) => {
      relink("fallback", agentVersion);
      relink("program", to);
    },
    outcome: "rolledBack",
    why: "it has ended 3 times before it had proved itself",
    isQuick: true,
  },
];

/** Lets the agent take a version, and cuts the power when it has come so far. */
async function cutPowerAt({ machine, agent }: World, { isReached, lose }: Moment, to: string): Promise<void> {
  const answer = agent.update().catch((error: unknown) => error);
  const endMs = performance.now() + 60_000;
  // A step of the switch takes a millisecond or two.
  while (!await isReached(agent, to)) {
    if (performance.now() > endMs) assert.fail(`the switch has not come so far: ${JSON.stringify(await answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  await machine.systemd.cutPower();
  lose?.(to);
}

/** After the boot the version that is linked runs, connects, and tells how the update has ended. */
async function survivesPowerLoss(world: World, moment: Moment, to: string): Promise<void> {
  const { agent, offers, fixture, machine } = world;
  await offers.offer(to, moment.body);
  await world.install();
  const { sessionId } = agent;
  await cutPowerAt(world, moment, to);
  await world.boot();
  await fixture.untilBack(machine.device, sessionId).catch((error) => machine.explain(error));
  const from = agentVersion;
  const isOnProbation = moment.outcome === "probation";
  await world.untilConnected(isOnProbation ? to : from);
  assert.deepEqual(
    agent.links(),
    isOnProbation ? { program: to, fallback: from } : { program: from, fallback: undefined },
  );
  const { lastUpdate } = await agent.metadata();
  assert.deepEqual(lastUpdate, { from, to, outcome: moment.outcome, why: moment.why ?? "" });
}

async function takesGoodVersion(world: World, to: string): Promise<void> {
  const { offers, agent, machine, fixture } = world;
  await offers.offer(to);
  await world.install();
  const before = await machine.mainPid();
  const { sessionId } = agent;
  const answer = await agent.update();
  assert.deepEqual(answer.lastUpdate, { from: agentVersion, to, outcome: "ready", why: "" });
  await fixture.untilBack(machine.device, sessionId);
  await agent.untilConnected(to);
  assert.deepEqual((await agent.metadata()).lastUpdate, { from: agentVersion, to, outcome: "probation", why: "" });
  assert.deepEqual(agent.links(), { program: to, fallback: agentVersion });
  assert.notEqual(await machine.mainPid(), before);
}

async function staysOnProbation(world: World, to: string): Promise<void> {
  const { machine, agent } = world;
  await machine.systemd.cutPower();
  await world.boot();
  await world.untilConnected(to);
  assert.deepEqual((await agent.metadata()).lastUpdate, { from: agentVersion, to, outcome: "probation", why: "" });
  assert.deepEqual(agent.links(), { program: to, fallback: agentVersion });
}

async function provesItself({ machine, agent }: World, to: string): Promise<void> {
  await pollUntil("the version is taken for good", () => {
    return Promise.resolve(agent.links().fallback === undefined || undefined);
  }, { limitMs: 180_000 }).catch((error) => machine.explain(error));
  await pollUntil("the end is noted", async () => {
    const { lastUpdate } = await agent.metadata();
    return isDict(lastUpdate) && lastUpdate.outcome === "updated" || undefined;
  });
  assert.deepEqual(agent.links(), { program: to, fallback: undefined });
  assert.deepEqual(agent.versions().filter((version) => version >= agentVersion), [agentVersion, to]);
}

/** The real agent in another version: it says that it is ready, and feeds the watchdog, but finds no router. */
async function leavesUnconnected(world: World, to: string): Promise<void> {
  const { offers, machine, agent } = world;
  const program = `${machine.folder}/unconnected`;
  const flock = `${machine.folder}/nowhere.flock`;
  await Deno.writeTextFile(program, offers.versions.program(to), { mode: 0o755 });
  const nowhere = { ...machine.device.flock, device_endpoint_url: "ws://127.0.0.1:9" };
  await Deno.writeTextFile(flock, JSON.stringify(nowhere), { mode: 0o600 });
  await offers.offer(to, `exec "${program}" "$@" -config "${flock}"`);
  await world.install();
  await offers.takeBad(agent, { to, why: "it was not connected in time", limitMs: 360_000 });
}

/** The real agent in another version, which is connected each time before it ends. */
async function leavesCrashing(world: World, to: string): Promise<void> {
  const { offers, machine, agent } = world;
  const program = `${machine.folder}/crashing`;
  await Deno.writeTextFile(program, offers.versions.program(to), { mode: 0o755 });
  await offers.offer(to, `"${program}" "$@" &\nsleep 60\nkill -9 $!\nexit 1`);
  await world.install();
  assert.equal((await agent.update()).DidUpdate, true);
  await agent.untilConnected(to);
  await agent.untilConnected(agentVersion, { limitMs: 360_000 });
  const { lastUpdate } = await agent.metadata();
  const why = "it has ended 3 times before it had proved itself";
  assert.deepEqual(lastUpdate, { from: agentVersion, to, outcome: "rolledBack", why });
  assert.deepEqual(agent.links(), { program: agentVersion, fallback: undefined });
}

Deno.test("a service of systemd updates itself", async (test) => {
  await using world = await World.start();
  await test.step("it leaves a version that cannot start", () => leavesBadVersion(world));
  for (const [index, moment] of moments.entries()) {
    if (!isNightly && moment.isQuick !== true) continue;
    await test.step(`a power loss when ${moment.name}`, () => survivesPowerLoss(world, moment, `99.2.${index}`));
  }
  await test.step("it takes a good version", () => takesGoodVersion(world, "99.3.0"));
  await test.step("a power loss on probation", () => staysOnProbation(world, "99.3.0"));
  if (!isNightly) return;
  await test.step("the good version proves itself", () => provesItself(world, "99.3.0"));
  await test.step("it leaves a version that never connects", () => leavesUnconnected(world, "99.4.0"));
  await test.step("it leaves a version that ends after a minute", () => leavesCrashing(world, "99.5.0"));
});
