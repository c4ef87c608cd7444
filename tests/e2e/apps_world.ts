/** A device for the tests of its apps: real engine, real registry, real database, and a Studio that writes down what it hears. */

import { systemClock } from "../../lib/async/clock.ts";
import type { PullSpace } from "../../lib/disk_space/pull_space.ts";
import { silentLog } from "../../lib/base/log.ts";
import { type Apps, createApps } from "../../lib/apps/apps.ts";
import { readIdleMark } from "../../lib/host/process_idle.ts";
import { Engine } from "../../lib/docker/engine.ts";
import { Database } from "../../lib/store/database.ts";
import { Studio } from "../fakes/fake_studio.ts";
import { quietDevice } from "../fakes/fake_surroundings.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { Dockerd } from "../../scripts/testbed/dockerd.ts";
import { type AppRecipe, pushImage } from "../../scripts/testbed/images.ts";
import { Registry } from "../../scripts/testbed/registry.ts";

/** What a test asks for; the rest is filled in. */
export interface Wish {
  target_state?: string;
  present_version?: string;
  newest_version?: string;
  [name: string]: unknown;
}

/** The app that tests run unless they name another. */
export const shop = { app_key: 7, app_name: "Shop", stage: "PROD" };

/** Name of its container. */
export const container = "prod_7_shop";

const repository = "apps/prod_amd64_7_shop";

/**
 * One device with engine and registry.
 * - `restart()` ends the agent's part and begins it anew on the same database.
 */
export class AppsWorld implements AsyncDisposable {
  readonly studio = new Studio();
  readonly engine: Dockerd;
  readonly registry: Registry;
  readonly folder: string;
  /** The disk is too full to work. */
  isFull = false;
  room: PullSpace = { kind: "fits" };
  #apps: Apps | undefined;
  #database: Database | undefined;
  #life = new AbortController();

  private constructor(parts: { engine: Dockerd; registry: Registry; folder: string }) {
    this.engine = parts.engine;
    this.registry = parts.registry;
    this.folder = parts.folder;
  }

  /** Starts the parts and an agent's apps on top. */
  static async start(): Promise<AppsWorld> {
    const [engine, registry, folder] = await Promise.all([
      Dockerd.start(),
      Registry.start({ accounts: { token: "secret" } }),
      Deno.makeTempDir({ prefix: "a-" }),
    ]);
    const world = new AppsWorld({ engine, registry, folder });
    world.begin();
    return world;
  }

  /** The apps of the running agent. */
  get apps(): Apps {
    if (this.#apps === undefined) throw new Error("The agent does not run");
    return this.#apps;
  }

  /** The database of the running agent. */
  get database(): Database {
    if (this.#database === undefined) throw new Error("The agent does not run");
    return this.#database;
  }

  /** Begins an agent's life. */
  begin(): void {
    this.#life = new AbortController();
    this.#database = Database.open(`${this.folder}/reagent.db`, { log: silentLog });
    this.#apps = createApps({
      engine: new Engine({ log: silentLog, env: { DOCKER_HOST: this.engine.host } }),
      backend: this.studio.backend(),
      database: this.#database,
      appLogs: this.studio.appLogs(),
      log: Deno.env.get("REAGENT_TEST_LOG") ? consoleLog() : silentLog,
      clock: systemClock,
      random: () => 0.5,
      ...quietDevice(this.folder, { registryUrl: `${this.registry.host}/` }),
      appsDir: `${this.folder}/apps`,
      readIdleMark,
      isEmergency: () => this.isFull,
      checkRoom: () => Promise.resolve(this.room),
    });
  }

  /** Observes from now on. */
  observe(): void {
    this.apps.startObserving(this.#life.signal);
  }

  /** Ends the agent's life; containers stay. */
  async end(): Promise<void> {
    this.#life.abort();
    await this.#apps?.[Symbol.asyncDispose]();
    this.#database?.[Symbol.dispose]();
    this.#apps = undefined;
    this.#database = undefined;
  }

  /** Ends the agent and starts it again, up to the local reconcile. */
  async restart(): Promise<void> {
    await this.end();
    this.begin();
    await this.apps.reconcileLocal(this.#life.signal);
  }

  /** Makes a release of the app and pushes it. */
  async publish(version: string, recipe: AppRecipe = {}): Promise<void> {
    await pushImage(this.engine, this.registry, { name: `${repository}:${version}`, recipe });
  }

  /** Asks the device for a state of the app, as Studio does. */
  async ask(target: string, wish: Wish = {}): Promise<void> {
    await this.apps.request({ ...shop, target_state: target, present_version: "1", newest_version: "1", ...wish });
  }

  /** Asks, and waits until the last thing told is `end`. Gives what was told since. */
  async askUntil(target: string, end: string, wish: Wish = {}): Promise<string[]> {
    this.studio.clear();
    await this.ask(target, wish);
    await this.until(end);
    return [...this.studio.told];
  }

  /** Waits until `entry` was told. */
  async until(entry: string, limitMs = 10_000): Promise<void> {
    try {
      await pollUntil(`told ${entry}`, () => Promise.resolve(this.studio.told.includes(entry) || undefined), {
        limitMs,
      });
    } catch (error) {
      throw new Error(`${error}; told: ${JSON.stringify(this.studio.told)}`);
    }
  }

  /** Status of the app's container; nothing when there is none. */
  async status(): Promise<string | undefined> {
    const { code, stdout } = await this.engine.tryDocker(["inspect", "-f", "{{.State.Status}}", container]);
    return code === 0 ? stdout.trim() : undefined;
  }

  /** Tags of the app that the engine has. */
  async tags(): Promise<string[]> {
    const all = await this.engine.docker("images", "--format", "{{.Tag}}", `${this.registry.host}/${repository}`);
    return all.split("\n").filter((tag) => tag !== "").sort();
  }

  /** Removes all apps, whatever state they are in, and forgets what was told. */
  async clean(): Promise<void> {
    this.studio.isConnected = true;
    this.studio.token = "token";
    await this.engine.tryDocker(["rm", "-f", container]);
    for (const { id } of this.apps.list()) await this.ask("UNINSTALLED", { app_key: id.appKey });
    await pollUntil("no app is left", () => Promise.resolve(this.apps.list().length === 0 || undefined), {
      limitMs: 20_000,
    });
    this.studio.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await this.registry[Symbol.asyncDispose]();
    await this.engine[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

function consoleLog(): typeof silentLog {
  const write = (level: string) => (message: string, fields: object = {}) => {
    const text = Object.entries(fields).map(([name, value]) =>
      `${name}=${value instanceof Error ? value : JSON.stringify(value)}`
    );
    Deno.stderr.writeSync(new TextEncoder().encode(`${level} ${message} ${text.join(" ")}\n`));
  };
  return {
    trace: write("trace"),
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    fatal: write("fatal"),
  };
}
