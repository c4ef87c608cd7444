/**
 * A device that faults are tried on: a real engine and registry on small disks, and an agent in a process of its own.
 */

import { createFolders, pathsOf } from "../../lib/paths.ts";
import { isDeepStrictEqual } from "node:util";
import type { DeviceApp } from "../../scripts/studio/device_apps.ts";
import { Dockerd } from "../../scripts/testbed/dockerd.ts";
import { type AppRecipe, pushImage } from "../../scripts/testbed/images.ts";
import { Registry } from "../../scripts/testbed/registry.ts";
import { tgzOf } from "../fakes/tar_archive.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import type { AgentCommand, FaultAction } from "./agent_commands.ts";
import {
  describeContradiction,
  describeDifferences,
  type DeviceSnapshot,
  takeSnapshot,
  withoutUntaggedImages,
} from "./device_snapshot.ts";
import { callEngine, listContainers, listNetworks, readImages, readStatus, readVolumes } from "./engine_api.ts";
import { newApp, serviceRecipes } from "./releases.ts";
import { SmallDisks } from "./small_disks.ts";
import type { BasicRow, BasicScenario, Fault, FullDiskRow, RequestedApp } from "./table.ts";
import { TestedAgent } from "./tested_agent.ts";

const repository = "apps/prod_amd64_7_shop";
/** Of the name that the app has in some scenarios. */
const renamedRepository = "apps/prod_amd64_7_renamed";
const containerName = "prod_7_shop";

/** How long a disk stays full, or the link is down. */
const faultMs = 700;

/** Then a device has not recovered from a fault. Compose alone takes ten seconds for a service that does not react. */
const recoveryLimitMs = 60_000;

/** For a while after these nothing that fails is the fault of a release, so that one that dies goes back later. */
const excusingFaults: readonly Fault[] = ["engineKill", "engineDiskFull", "agentDiskFull"];
const excusedLimitMs = 150_000;

/** A recovered device must stay as it is for this long. */
const stableMs = 200;

const twoDaysMs = 2 * 24 * 3_600_000;

/** The device before and after a scenario in which nothing goes wrong. */
export interface ScenarioSnapshots {
  /** Undefined when the device is still busy at that point. */
  before: DeviceSnapshot | undefined;
  after: DeviceSnapshot;
  /** What the agent has done, in order. */
  steps: readonly { goal: string; step: string }[];
}

/** One device. Its engine and registry are shared by all rows; everything else starts from scratch with each. */
export class FaultFixture implements AsyncDisposable {
  readonly #disks: SmallDisks;
  readonly #engine: Dockerd;
  readonly #registry: Registry;
  readonly #agent: TestedAgent;
  readonly #folder: string;
  #removing: Promise<void> | undefined;

  private constructor(
    deps: { disks: SmallDisks; engine: Dockerd; registry: Registry; agent: TestedAgent; folder: string },
  ) {
    this.#disks = deps.disks;
    this.#engine = deps.engine;
    this.#registry = deps.registry;
    this.#agent = deps.agent;
    this.#folder = deps.folder;
  }

  /** Creates the disks and starts engine and registry on them. */
  static async start(releases: Readonly<Record<string, AppRecipe>>): Promise<FaultFixture> {
    const folder = await Deno.makeTempDir({ prefix: "f-" });
    const disks = await SmallDisks.make(folder);
    const [engine, registry] = await Promise.all([
      Dockerd.start({ args: ["--data-root", disks.engine] }),
      Registry.start({ accounts: { token: "secret" } }),
    ]);
    for (const [version, recipe] of Object.entries(releases)) {
      await pushImage(engine, registry, { name: `${repository}:${version}`, recipe });
    }
    await pushImage(engine, registry, { name: `${renamedRepository}:1`, recipe: {} });
    for (const [name, recipe] of Object.entries(serviceRecipes)) {
      await pushImage(engine, registry, { name: `${repository}_${name}`, recipe });
    }
    const settings = { folder: disks.agent, engineHost: engine.host, registryHost: registry.host };
    const agent = await TestedAgent.create(folder, settings);
    return new FaultFixture({ disks, engine, registry, agent, folder });
  }

  /** Runs a scenario in which nothing goes wrong. */
  async run(scenario: BasicScenario): Promise<ScenarioSnapshots> {
    await this.#reset();
    const before = await this.#prepare(scenario, undefined);
    const earlier = this.#agent.readEvents().length;
    await this.#begin(scenario, undefined);
    this.#registry.thaw();
    const after = await this.#settle(scenario.end, scenario.endVersion);
    const events = this.#agent.readEvents().slice(earlier);
    const steps = events.flatMap((event) => event.event === "step" ? [{ goal: event.goal, step: event.step }] : []);
    return { before, after, steps };
  }

  /**
   * Runs a scenario with a fault. Throws when the device does not end as it does without the fault: a request is stored
   * before anything is done, so the device must never stay in its earlier state.
   */
  async runWithFault(row: BasicRow, snapshots: ScenarioSnapshots): Promise<void> {
    await this.#reset();
    await this.#prepare(row.scenario, snapshots.before);
    await this.#begin(row.scenario, { do: "arm", point: row.point, action: await this.#actionOf(row.fault) });
    await this.#agent.until(`${row.point.goal}: ${row.point.step}`, ({ event }) => event === "fault");
    this.#registry.thaw();
    await this.#repair(row.fault);
    if (row.scenario.isRepeated) await this.#repeat(row.scenario);
    await this.#recover(row.fault, snapshots.after);
  }

  /** Runs a scenario and kills the agent, each time so long after the request or the kill before. Throws likewise. */
  async runWithKills(
    scenario: BasicScenario,
    { snapshots, afterMs }: { snapshots: ScenarioSnapshots; afterMs: readonly number[] },
  ): Promise<void> {
    await this.#reset();
    await this.#prepare(scenario, snapshots.before);
    await this.#begin(scenario, undefined);
    this.#registry.thaw();
    for (const ms of afterMs) {
      await sleep(ms);
      await this.#agent.kill();
      await this.#agent.start();
    }
    if (scenario.isRepeated) await this.#repeat(scenario);
    await this.#recover("kill", snapshots.after);
  }

  /**
   * Runs a scenario whose request cannot be stored because the agent's disk is full. Throws when the request is not
   * carried out nevertheless, or when the device does not end as after the scenario once there is free space.
   */
  async runOnFullDisk({ scenario, isKilled }: FullDiskRow, snapshots: ScenarioSnapshots): Promise<void> {
    await this.#reset();
    await this.#prepare(scenario, snapshots.before);
    await this.#disks.fillNow("agent");
    await this.#begin(scenario, undefined);
    this.#registry.thaw();
    await this.#agent.untilState(scenario.end);
    if (!(await this.readLog()).includes("doing it nevertheless")) throw new Error("The request was stored");
    if (isKilled) await this.#agent.kill();
    await this.#disks.freeUp();
    if (isKilled) await this.#agent.start();
    await this.#recover("agentDiskFull", snapshots.after);
  }

  /** The end of the agent's log, for the message of a failed row. */
  async readLog(): Promise<string> {
    return await this.#agent.readLog();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent[Symbol.asyncDispose]();
    await this.#thaw();
    await this.#registry[Symbol.asyncDispose]();
    await this.#engine[Symbol.asyncDispose]();
    await this.#disks[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }

  /** Prepares a scenario and waits for `expected`; without it, returns the snapshot once the device is idle. */
  async #prepare(scenario: BasicScenario, expected: DeviceSnapshot | undefined): Promise<DeviceSnapshot | undefined> {
    if (scenario.upload !== undefined) {
      await Deno.writeFile(`${this.#disks.agent}/apps/build/Shop.tgz`, await tgzOf(scenario.upload));
    }
    await this.#agent.start();
    await this.#agent.untilReady();
    for (const { request, until } of scenario.before) {
      this.#request(request);
      await this.#agent.untilState(until);
    }
    if (scenario.preparation === "uselessImage") {
      const image = `${this.#registry.host}/${repository}`;
      await this.#engine.docker("tag", `${image}:1`, `${image}:useless`);
    }
    if (scenario.isBusyBefore) return undefined;
    if (expected === undefined) return await this.#settle(scenario.before.at(-1)?.until);
    let observed: DeviceSnapshot | undefined;
    try {
      await pollUntil("the scenario begins as it should", async () => {
        observed = await this.#takeSnapshot();
        return isDeepStrictEqual(observed, expected) || undefined;
      });
    } catch (cause) {
      throw new Error(`The scenario begins differently: ${describeDifferences(observed, expected)}`, { cause });
    }
    return expected;
  }

  /** Begins what the scenario is about, with a fault prepared if there is one. */
  async #begin(scenario: BasicScenario, arm: AgentCommand | undefined): Promise<void> {
    if (scenario.preparation === "longRemoval") {
      await this.#agent.kill();
      await this.#removeSlowly();
      await this.#agent.start(arm);
      await this.#agent.until("the agent waits", (event) => event.event === "step" && event.step === "awaitGone");
      return await this.#thaw();
    }
    if (scenario.before.at(-1)?.until === "DOWNLOADING") await this.#registry.freeze();
    if (arm !== undefined) this.#agent.send(arm);
    this.#request(scenario.request);
  }

  /** Makes the engine remove the container, and keeps it from finishing. */
  async #removeSlowly(): Promise<void> {
    const { socket } = this.#engine;
    await this.#engine.docker("kill", containerName);
    await this.#disks.freeze();
    const removing = callEngine(socket, { method: "DELETE", path: `/containers/${containerName}?force=1` });
    this.#removing = removing.then(() => {}, () => {});
    await pollUntil("the container is being removed", async () => {
      return await readStatus(socket, containerName) === "removing" || undefined;
    });
  }

  /** Releases what a scenario has held up. */
  async #thaw(): Promise<void> {
    this.#registry.thaw();
    if (this.#removing === undefined) return;
    await this.#disks.thaw();
    await this.#removing;
    this.#removing = undefined;
  }

  /** Waits until Studio knows the state and the device is idle, and takes a snapshot. */
  async #settle(state: string | undefined, version?: string): Promise<DeviceSnapshot> {
    const agent = this.#agent;
    const isThere = () =>
      agent.app?.current === state && !agent.isBusy &&
      (version ?? agent.app?.presentVersion) === agent.app?.presentVersion;
    await pollUntil(`idle after ${state}`, async () => {
      const count = agent.readEvents().length;
      if (!isThere()) return undefined;
      await sleep(1_200);
      return agent.readEvents().length === count && isThere() || undefined;
    }, { limitMs: 60_000 });
    const snapshot = await this.#takeSnapshot();
    const text = describeContradiction(snapshot, agent.app);
    if (text !== "") throw new Error(text);
    return snapshot;
  }

  /** Waits until the device is idle and Studio knows what it has, then requests the same again if that is needed. */
  async #repeat(scenario: BasicScenario): Promise<void> {
    let text = "";
    await pollUntil("idle after the fault", async () => {
      const count = this.#agent.readEvents().length;
      if (this.#agent.isBusy) return undefined;
      await sleep(700);
      if (this.#agent.readEvents().length !== count || this.#agent.isBusy) return undefined;
      const snapshot = await this.#tryTakeSnapshot();
      text = snapshot === undefined ? "the device cannot be read" : describeContradiction(snapshot, this.#agent.app);
      return text === "" || undefined;
    }, { limitMs: recoveryLimitMs }).catch((cause) => {
      throw new Error(`After the fault ${text}`, { cause });
    });
    if (this.#agent.app?.current !== scenario.end) this.#request(scenario.request);
  }

  /** Waits until the device is as after the scenario. Throws with the differences when it never is. */
  async #recover(fault: Fault, expected: DeviceSnapshot): Promise<void> {
    let last: DeviceSnapshot | undefined;
    const isRecovered = async () => {
      last = await this.#tryTakeSnapshot();
      if (last !== undefined && fault === "engineDiskFull") last = withoutUntaggedImages(last);
      return isDeepStrictEqual(last, expected) && !this.#agent.isBusy;
    };
    const limitMs = excusingFaults.includes(fault) ? excusedLimitMs : recoveryLimitMs;
    const startedMs = performance.now();
    while (performance.now() - startedMs < limitMs) {
      if (await isRecovered()) {
        await sleep(stableMs);
        if (await isRecovered()) return;
      }
      await sleep(30);
    }
    throw new Error(`Not as after the scenario: ${describeDifferences(last, expected)}`);
  }

  async #takeSnapshot(): Promise<DeviceSnapshot> {
    this.#agent.readEvents();
    return await takeSnapshot({ socket: this.#engine.socket, folder: this.#disks.agent }, this.#agent.app);
  }

  /** Undefined while the engine or the database cannot be read. */
  async #tryTakeSnapshot(): Promise<DeviceSnapshot | undefined> {
    try {
      return await this.#takeSnapshot();
    } catch {
      // A permanent failure shows as a difference when the time is over.
      return undefined;
    }
  }

  /** Restores a device that has never had an app. */
  async #reset(): Promise<void> {
    await this.#agent.kill();
    await this.#thaw();
    const { socket } = this.#engine;
    for (const { Id } of await listContainers(socket)) {
      await callEngine(socket, { method: "DELETE", path: `/containers/${Id}?force=1&v=1` });
    }
    for (const image of await readImages(socket)) {
      await callEngine(socket, { method: "DELETE", path: `/images/${image}?force=1` });
    }
    // Those of apps have names, so they do not go with their containers.
    for (const name of await readVolumes(socket)) {
      await callEngine(socket, { method: "DELETE", path: `/volumes/${name}?force=1` });
    }
    for (const { Id } of await listNetworks(socket)) {
      await callEngine(socket, { method: "DELETE", path: `/networks/${Id}` });
    }
    await this.#disks.freeUp();
    await this.#disks.clearAgent();
    const agentDir = this.#disks.agent;
    await createFolders(pathsOf({ agentDir, appsDir: `${agentDir}/apps`, dbFileName: "", logFile: "" }));
    await this.#agent.reset();
  }

  #request(request: RequestedApp): void {
    this.#agent.readEvents();
    const app: DeviceApp = { ...newApp, ...this.#agent.app, ...request };
    this.#agent.request(app);
  }

  async #actionOf(fault: Fault): Promise<FaultAction> {
    switch (fault) {
      case "kill":
      case "killAfter":
        return { kind: "kill" };
      case "engineKill": {
        const containerd = (await Deno.readTextFile(`${this.#engine.folder}/exec/containerd/containerd.pid`)).trim();
        return { kind: "run", program: "kill", args: ["-9", String(this.#engine.pid), containerd] };
      }
      case "linkCut":
        return { kind: "cutLink" };
      case "agentDiskFull":
        return this.#disks.fill("agent");
      case "engineDiskFull":
        return this.#disks.fill("engine");
      case "clockForward":
        return { kind: "moveClock", ms: twoDaysMs };
      case "clockBack":
        return { kind: "moveClock", ms: -twoDaysMs };
    }
  }

  async #repair(fault: Fault): Promise<void> {
    switch (fault) {
      case "kill":
      case "killAfter":
        await this.#agent.untilEnded();
        await this.#agent.start();
        return await this.#agent.untilReady();
      case "engineKill":
        await this.#engine.kill();
        return await this.#engine.start();
      case "linkCut":
        await sleep(faultMs);
        this.#agent.send({ do: "connect" });
        return await this.#agent.until("the link is back", ({ event }) => event === "connected", { limitMs: 10_000 });
      case "agentDiskFull":
      case "engineDiskFull":
        await sleep(faultMs);
        await this.#disks.freeUp();
        return fault === "engineDiskFull" ? this.#agent.send({ do: "resume" }) : undefined;
      case "clockForward":
      case "clockBack":
        return;
    }
  }
}
