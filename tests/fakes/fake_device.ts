/** A device in memory: apps on a fake engine, with a fake Studio and a clock that tests advance. */

import { AppController } from "../../lib/apps/app_controller.ts";
import type { AppsDeps } from "../../lib/apps/dependencies.ts";
import { silentLog } from "../../lib/base/log.ts";
import { Database } from "../../lib/store/database.ts";
import { FakeClock } from "./fake_clock.ts";
import { FakeEngine, type Release } from "./fake_engine.ts";
import { FakeStudio } from "./fake_studio.ts";
import { quietDevice } from "./fake_surroundings.ts";

/** Name of the app's container. */
export const container = "prod_7_shop";

/** The repository of its images. */
export const repository = "r.example.com/apps/prod_amd64_7_shop";

/** One device. The agent can be stopped and started again on the same database and engine. */
export class FakeDevice implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly studio = new FakeStudio(this.clock);
  readonly engine = new FakeEngine(this.clock);
  /** Of the device; it holds the database, and whatever a `change` puts there. */
  readonly folder = Deno.makeTempDirSync({ prefix: "apps" });
  readonly #change: (folder: string) => Partial<AppsDeps>;
  #life = new AbortController();
  #database: Database | undefined;
  #apps: AppController | undefined;

  /** `change` returns dependencies that replace the quiet ones. */
  constructor(
    releases: Record<string, Release> = { "1": {}, "2": {} },
    change: (folder: string) => Partial<AppsDeps> = () => ({}),
  ) {
    this.#change = change;
    for (const [tag, release] of Object.entries(releases)) this.engine.registry.set(`${repository}:${tag}`, release);
    this.startAgent();
  }

  /** The apps of the running agent. */
  get apps(): AppController {
    if (this.#apps === undefined) throw new Error("The agent does not run");
    return this.#apps;
  }

  /** The database of the running agent. */
  get database(): Database {
    if (this.#database === undefined) throw new Error("The agent does not run");
    return this.#database;
  }

  /** Tags of the app that the engine has. */
  get tags(): string[] {
    return this.engine.images.map((image) => image.slice(repository.length + 1));
  }

  /** Starts the agent; it watches the containers. */
  startAgent(options: { isRebuilt?: boolean } = {}): void {
    this.#life = new AbortController();
    this.#database = Database.open(`${this.folder}/reagent.db`, { log: silentLog });
    this.#apps = new AppController({
      engine: this.engine,
      backend: this.studio.backend(),
      database: this.#database,
      appLogs: this.studio.appLogs(),
      log: silentLog,
      clock: this.clock,
      random: () => 0.5,
      ...quietDevice(this.folder),
      isConnected: () => this.studio.isConnected,
      ...this.#change(this.folder),
      ...options,
    });
    this.#apps.startObserving(this.#life.signal);
  }

  /** Stops the agent; containers stay. */
  async stopAgent(): Promise<void> {
    this.#life.abort();
    await this.#apps?.[Symbol.asyncDispose]();
    this.#database?.[Symbol.dispose]();
    this.#apps = undefined;
  }

  /** Stops the agent and starts it again on an empty database. */
  async loseDatabase(): Promise<void> {
    await this.stopAgent();
    for (const { name } of [...Deno.readDirSync(this.folder)]) {
      if (name.startsWith("reagent.db")) Deno.removeSync(`${this.folder}/${name}`);
    }
    this.startAgent({ isRebuilt: true });
  }

  /** Fills the disk, until the agent is stopped or `freeDisk()` is called. */
  fillDisk(): void {
    this.database.sql.exec("PRAGMA query_only = ON");
  }

  /** Ends a `fillDisk()`. */
  freeDisk(): void {
    this.database.sql.exec("PRAGMA query_only = OFF");
  }

  /** Requests a state of the app, lets `ms` milliseconds pass, and returns the entries since the request. */
  async request(
    target: string,
    change: Record<string, unknown> = {},
    { ms = 2_000 }: { ms?: number } = {},
  ): Promise<string[]> {
    this.studio.clear();
    const known = { app_key: 7, app_name: "Shop", stage: "PROD", present_version: "1", newest_version: "1" };
    await this.apps.request({ ...known, target_state: target, ...change });
    return await this.advance(ms);
  }

  /** Lets time pass. Returns the entries since the last request. */
  async advance(ms: number): Promise<string[]> {
    await this.clock.advance(ms);
    return [...this.studio.entries];
  }

  /** The state of the app in the agent's memory; undefined when it is gone. */
  get state(): string | undefined {
    return this.apps.list()[0]?.state;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopAgent();
    await this.engine[Symbol.asyncDispose]();
    Deno.removeSync(this.folder, { recursive: true });
  }
}
