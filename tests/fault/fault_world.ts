/** A device on which things go wrong: a real engine and registry on small disks, and an agent in a process of its own. */

import { isDeepStrictEqual } from "node:util";
import type { DeviceApp } from "../../scripts/studio/device_apps.ts";
import { type Background, isRunning, killProcess, startInBackground } from "../../scripts/testbed/background.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { readTextIfThere } from "../../scripts/files.ts";
import { Dockerd } from "../../scripts/testbed/dockerd.ts";
import { type AppRecipe, pushImage } from "../../scripts/testbed/images.ts";
import { Registry } from "../../scripts/testbed/registry.ts";
import { type AgentPlace, appendLine, type Event, type Order, readLines, type Strike } from "./orders.ts";
import {
  callEngine,
  differences,
  listContainers,
  type Picture,
  readImages,
  readStatus,
  takePicture,
  untruth,
  withoutNameless,
} from "./picture.ts";
import { fresh } from "./releases.ts";
import { SmallDisks } from "./small_disks.ts";
import type { Fault, FullDiskRow, Row, Story, Wish } from "./table.ts";
import { pathOf } from "../../scripts/paths.ts";

const repository = "apps/prod_amd64_7_shop";
const containerName = "prod_7_shop";

/** A disk stays full, and the link stays cut, for so long. */
const troubleMs = 700;

/** After a fault the device must be well again in this time. */
const recoveryLimitMs = 20_000;

/** What holds once must still hold after this. */
const calmMs = 200;

const twoDaysMs = 2 * 24 * 3_600_000;

/** How a device looks before and after a story in which nothing goes wrong. */
export interface Pictures {
  /** Undefined when it does not come to rest before. */
  before: Picture | undefined;
  after: Picture;
}

/** A process of the agent. */
interface Life {
  process: Background;
  place: AgentPlace;
}

/**
 * One device.
 * - Its engine and registry stay over all rows; everything else begins anew with each.
 * - A process of the agent waits in reserve, so that a start takes no time.
 */
export class FaultWorld implements AsyncDisposable {
  readonly #disks: SmallDisks;
  readonly #engine: Dockerd;
  readonly #registry: Registry;
  readonly #folder: string;
  #lives = 0;
  #life: Life | undefined;
  #reserve: Promise<Life> | undefined;
  #offset = 0;
  #known: DeviceApp | undefined;
  #removing: Promise<void> | undefined;
  #events: Event[] = [];

  private constructor(parts: { disks: SmallDisks; engine: Dockerd; registry: Registry; folder: string }) {
    this.#disks = parts.disks;
    this.#engine = parts.engine;
    this.#registry = parts.registry;
    this.#folder = parts.folder;
  }

  /** Makes the disks and starts engine and registry on them. */
  static async start(releases: Readonly<Record<string, AppRecipe>>): Promise<FaultWorld> {
    const folder = await Deno.makeTempDir({ prefix: "f-" });
    const disks = await SmallDisks.make(folder);
    const [engine, registry] = await Promise.all([
      Dockerd.start({ args: ["--data-root", disks.engine] }),
      Registry.start({ accounts: { token: "secret" } }),
    ]);
    for (const [version, recipe] of Object.entries(releases)) {
      await pushImage(engine, registry, { name: `${repository}:${version}`, recipe });
    }
    await Deno.writeTextFile(`${folder}/events`, "");
    return new FaultWorld({ disks, engine, registry, folder });
  }

  /** Plays a story in which nothing goes wrong. */
  async play(story: Story): Promise<Pictures> {
    await this.#reset();
    const before = await this.#prepare(story, undefined);
    await this.#unfold(story, undefined);
    this.#registry.thaw();
    return { before, after: await this.#rest(story.end) };
  }

  /**
   * Plays a story with a fault. Throws when the device does not end as after the story: what is wanted is stored before anything is
   * done, so the state before is only one to pass through.
   */
  async strike(row: Row, pictures: Pictures): Promise<void> {
    await this.#reset();
    await this.#prepare(row.story, pictures.before);
    await this.#unfold(row.story, { do: "arm", moment: row.moment, strike: await this.#strikeOf(row.fault) });
    await this.#until(`${row.moment.goal}: ${row.moment.step}`, 15_000, (event) => event.event === "struck");
    this.#registry.thaw();
    await this.#repair(row.fault);
    await this.#recover(row.fault, pictures.after);
  }

  /**
   * Plays a story whose wish cannot be stored because the agent's disk is full. Throws when it is not done all the same, and when the
   * device does not end as after the story once there is room.
   */
  async askOnFullDisk({ story, isKilled }: FullDiskRow, pictures: Pictures): Promise<void> {
    await this.#reset();
    await this.#prepare(story, pictures.before);
    await this.#disks.fillNow("agent");
    await this.#unfold(story, undefined);
    this.#registry.thaw();
    await this.#until(`Studio hears ${story.end}`, 15_000, () => this.#known?.current === story.end);
    if (!(await this.readLog()).includes("doing it nevertheless")) throw new Error("The wish was stored");
    if (isKilled) await this.#endLife();
    await this.#disks.makeRoom();
    if (isKilled) await this.#begin();
    await this.#recover("agentDiskFull", pictures.after);
  }

  /** What the agent has written in this life, for the message of a failed row. */
  async readLog(): Promise<string> {
    const log = this.#life === undefined ? "" : await readTextIfThere(this.#life.process.logFile) ?? "";
    return log.split("\n").filter((line) => !/^\d+ trace/.test(line)).slice(-60).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endLife();
    await this.#thaw();
    const reserve = await this.#reserve;
    if (reserve !== undefined) await killProcess(reserve.process.pid);
    await this.#registry[Symbol.asyncDispose]();
    await this.#engine[Symbol.asyncDispose]();
    await this.#disks[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }

  /** Brings the story to its beginning. Without `expected` it gives the picture when the device has come to rest. */
  async #prepare(story: Story, expected: Picture | undefined): Promise<Picture | undefined> {
    await this.#begin();
    await this.#until("the agent is ready", 30_000, (event) => event.event === "ready");
    for (const { wish, until } of story.before) {
      this.#ask(wish);
      await this.#until(`Studio hears ${until}`, 15_000, () => this.#known?.current === until);
    }
    if (story.trick === "uselessImage") {
      const image = `${this.#registry.host}/${repository}`;
      await this.#engine.docker("tag", `${image}:1`, `${image}:useless`);
    }
    if (story.isRestless) return undefined;
    if (expected === undefined) return await this.#rest(story.before.at(-1)?.until);
    let seen: Picture | undefined;
    try {
      await pollUntil("the story begins as it should", async () => {
        seen = await this.#look();
        return isDeepStrictEqual(seen, expected) || undefined;
      });
    } catch (cause) {
      throw new Error(`The story does not begin as it should: ${differences(seen, expected)}`, { cause });
    }
    return expected;
  }

  /** Begins what the story is about, with a fault in wait. */
  async #unfold(story: Story, arm: Order | undefined): Promise<void> {
    if (story.trick === "longRemoval") {
      await this.#endLife();
      await this.#removeSlowly();
      await this.#begin(arm);
      await this.#until("the agent waits", 15_000, (event) => event.event === "step" && event.step === "awaitGone");
      return await this.#thaw();
    }
    if (story.before.at(-1)?.until === "DOWNLOADING") await this.#registry.freeze();
    if (arm !== undefined) this.#order(arm);
    this.#ask(story.wish);
  }

  /** Returns while the engine removes the container, and cannot. */
  async #removeSlowly(): Promise<void> {
    const { socket } = this.#engine;
    await this.#engine.docker("kill", containerName);
    await this.#disks.freeze();
    const removing = callEngine(socket, "DELETE", `/containers/${containerName}?force=1`);
    this.#removing = removing.then(() => {}, () => {});
    await pollUntil("the container is being removed", async () => {
      return await readStatus(socket, containerName) === "removing" || undefined;
    });
  }

  /** Ends what a story has held up. */
  async #thaw(): Promise<void> {
    this.#registry.thaw();
    if (this.#removing === undefined) return;
    await this.#disks.thaw();
    await this.#removing;
    this.#removing = undefined;
  }

  /** Waits until Studio has heard the last word and everything is quiet, and looks. */
  async #rest(end: string | undefined): Promise<Picture> {
    await pollUntil(`rest after ${end}`, async () => {
      const count = this.#read().length;
      if (this.#known?.current !== end || this.#isBusy()) return undefined;
      await sleep(1_200);
      return this.#read().length === count && this.#known?.current === end || undefined;
    }, { limitMs: 15_000 });
    const picture = await this.#look();
    const text = untruth(picture, this.#known);
    if (text !== "") throw new Error(text);
    return picture;
  }

  /** Waits until the device is as after the story. Throws what is different when it never is. */
  async #recover(fault: Fault, expected: Picture): Promise<void> {
    let last: Picture | undefined;
    const isThere = async () => {
      last = await this.#tryLook();
      if (last !== undefined && fault === "engineDiskFull") last = withoutNameless(last);
      return isDeepStrictEqual(last, expected) && !this.#isBusy();
    };
    const startedMs = performance.now();
    while (performance.now() - startedMs < recoveryLimitMs) {
      if (await isThere()) {
        await sleep(calmMs);
        if (await isThere()) return;
      }
      await sleep(30);
    }
    throw new Error(`Not as after the story: ${differences(last, expected)}`);
  }

  async #look(): Promise<Picture> {
    this.#read();
    return await takePicture({ socket: this.#engine.socket, folder: this.#disks.agent }, this.#known);
  }

  /** Undefined while the engine or the database cannot be read. */
  async #tryLook(): Promise<Picture | undefined> {
    try {
      return await this.#look();
    } catch {
      // What is away for good shows in the end, when nothing equals what it should.
      return undefined;
    }
  }

  /** Everything as if there had never been an app. */
  async #reset(): Promise<void> {
    await this.#endLife();
    await this.#thaw();
    const { socket } = this.#engine;
    for (const { Id } of await listContainers(socket)) {
      await callEngine(socket, "DELETE", `/containers/${Id}?force=1&v=1`);
    }
    for (const image of await readImages(socket)) await callEngine(socket, "DELETE", `/images/${image}?force=1`);
    await this.#disks.makeRoom();
    await this.#disks.forget();
    this.#known = undefined;
    this.#events = [];
  }

  async #begin(arm?: Order): Promise<void> {
    this.#read();
    this.#events = [];
    this.#life = await (this.#reserve ?? this.#spawn());
    this.#reserve = this.#spawn();
    if (arm !== undefined) this.#order(arm);
    this.#order({ do: "begin", app: this.#known });
  }

  async #endLife(): Promise<void> {
    if (this.#life !== undefined) await killProcess(this.#life.process.pid);
    this.#life = undefined;
  }

  async #spawn(): Promise<Life> {
    const name = `${this.#folder}/life${++this.#lives}`;
    const place: AgentPlace = {
      ordersFile: `${name}.orders`,
      eventsFile: `${this.#folder}/events`,
      folder: this.#disks.agent,
      engineHost: this.#engine.host,
      registryHost: this.#registry.host,
    };
    await Deno.writeTextFile(place.ordersFile, "");
    const program = pathOf("agent_program.ts", import.meta.url);
    const args = ["run", "--no-prompt", "-P=tools", "--quiet", "--no-check", program, JSON.stringify(place)];
    return { place, process: await startInBackground(Deno.execPath(), args, { logFile: `${name}.log` }) };
  }

  #ask(wish: Wish): void {
    this.#read();
    this.#known = { ...fresh, ...this.#known, ...wish };
    this.#order({ do: "ask", app: this.#known });
  }

  #order(order: Order): void {
    if (this.#life === undefined) throw new Error("The agent does not run");
    appendLine(this.#life.place.ordersFile, order);
  }

  /** Reads what was told since, and gives all events of this life. */
  #read(): readonly Event[] {
    const { lines, offset } = readLines<Event>(`${this.#folder}/events`, this.#offset);
    this.#offset = offset;
    for (const event of lines) {
      if (event.event === "told") this.#known = event.app;
    }
    this.#events.push(...lines);
    return this.#events;
  }

  #isBusy(): boolean {
    const count = (phase: string) => {
      return this.#events.filter((event) => event.event === "transition" && event.phase === phase).length;
    };
    return count("begins") !== count("ended");
  }

  async #until(what: string, limitMs: number, isIt: (event: Event) => boolean): Promise<void> {
    await pollUntil(what, () => Promise.resolve(this.#read().some(isIt) || undefined), { limitMs });
  }

  async #strikeOf(fault: Fault): Promise<Strike> {
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
      case "killAfter": {
        const pid = this.#life?.process.pid ?? 0;
        await pollUntil("the agent is gone", async () => !(await isRunning(pid)) || undefined, { limitMs: 5_000 });
        await this.#begin();
        return await this.#until("the agent is ready", 30_000, (event) => event.event === "ready");
      }
      case "engineKill":
        await this.#engine.kill();
        return await this.#engine.start();
      case "linkCut":
        await sleep(troubleMs);
        this.#order({ do: "connect" });
        return await this.#until("the link is back", 10_000, (event) => event.event === "connected");
      case "agentDiskFull":
      case "engineDiskFull":
        await sleep(troubleMs);
        await this.#disks.makeRoom();
        return fault === "engineDiskFull" ? this.#order({ do: "resume" }) : undefined;
      case "clockForward":
      case "clockBack":
        return;
    }
  }
}
