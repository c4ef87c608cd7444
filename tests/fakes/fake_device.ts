/**
 * A device in memory: apps on a small engine, with a clock that tests move and a Studio that writes down what it hears.
 */

import { AppController } from "../../lib/apps/app_controller.ts";
import type { AppsDeps } from "../../lib/apps/dependencies.ts";
import { silentLog } from "../../lib/base/log.ts";
import { Database } from "../../lib/store/database.ts";
import { FakeClock } from "./fake_clock.ts";
import { type Release, SmallEngine } from "./fake_engine.ts";
import { Studio } from "./fake_studio.ts";
import { quietDevice } from "./fake_surroundings.ts";

/** Name of the app's container. */
export const container = "prod_7_shop";

/** Where its images are. */
export const repository = "r.example.com/apps/prod_amd64_7_shop";

/**
 * One device. `restart()` ends the agent's part and begins it anew on the same database and engine.
 */
export class SmallWorld implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly studio = new Studio(this.clock);
  readonly engine = new SmallEngine(this.clock);
  /** Of the device; nothing is in it but the database, and what a `change` of the outside puts there. */
  readonly folder = Deno.makeTempDirSync({ prefix: "apps" });
  readonly #change: (folder: string) => Partial<AppsDeps>;
  #life = new AbortController();
  #database: Database | undefined;
  #apps: AppController | undefined;

  /** `change` gives parts of the outside that take the place of quiet ones. */
  constructor(
    releases: Record<string, Release> = { "1": {}, "2": {} },
    change: (folder: string) => Partial<AppsDeps> = () => ({}),
  ) {
    this.#change = change;
    for (const [tag, release] of Object.entries(releases)) this.engine.registry.set(`${repository}:${tag}`, release);
    this.begin();
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

  /** Begins an agent's life, with everything watched. */
  begin(options: { isRebuilt?: boolean } = {}): void {
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
      ...this.#change(this.folder),
      ...options,
    });
    this.#apps.startObserving(this.#life.signal);
  }

  /** Ends the agent's life; containers stay. */
  async end(): Promise<void> {
    this.#life.abort();
    await this.#apps?.[Symbol.asyncDispose]();
    this.#database?.[Symbol.dispose]();
    this.#apps = undefined;
  }

  /** Ends the agent's life, and begins it anew on an empty database. */
  async loseDatabase(): Promise<void> {
    await this.end();
    for (const { name } of [...Deno.readDirSync(this.folder)]) {
      if (name.startsWith("reagent.db")) Deno.removeSync(`${this.folder}/${name}`);
    }
    this.begin({ isRebuilt: true });
  }

  /** The disk is full from now on, to the end of the agent's life or until `makeRoom()`. */
  fillDisk(): void {
    this.database.sql.exec("PRAGMA query_only = ON");
  }

  /** Ends a `fillDisk()`. */
  makeRoom(): void {
    this.database.sql.exec("PRAGMA query_only = OFF");
  }

  /** Asks for a state of the app and lets `ms` milliseconds pass. Gives what was told since. */
  async ask(target: string, wish: Record<string, unknown> = {}, ms = 2_000): Promise<string[]> {
    this.studio.clear();
    const known = { app_key: 7, app_name: "Shop", stage: "PROD", present_version: "1", newest_version: "1" };
    await this.apps.request({ ...known, target_state: target, ...wish });
    return await this.pass(ms);
  }

  /** Lets time pass. Gives what was told since the last question. */
  async pass(ms: number): Promise<string[]> {
    await this.clock.advance(ms);
    return [...this.studio.told];
  }

  /** State of the app in the agent's memory; nothing when it is gone. */
  get state(): string | undefined {
    return this.apps.list()[0]?.state;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await this.engine[Symbol.asyncDispose]();
    Deno.removeSync(this.folder, { recursive: true });
  }
}
