/** The apps of a device in this process, on a real engine, registry and database, and with a fake Studio. */

import { createFolders, pathsOf } from "../../lib/paths.ts";
import { systemClock } from "../../lib/async/clock.ts";
import type { PullSpace } from "../../lib/disk_space/pull_space.ts";
import { silentLog } from "../../lib/base/log.ts";
import { type Apps, createApps } from "../../lib/apps/apps.ts";
import { readIdleMark } from "../../lib/host/process_idle.ts";
import { checkPullSpace } from "../../lib/disk_space/check_pull_space.ts";
import { handlesSignal } from "../../lib/host/process_signals.ts";
import { Engine } from "../../lib/docker/engine.ts";
import { EngineStorage } from "../../lib/docker/engine_storage.ts";
import { Database } from "../../lib/store/database.ts";
import { noProxies, type ProxySettings } from "../../lib/wamp/proxy.ts";
import { FakeStudio } from "../fakes/fake_studio.ts";
import { quietDevice } from "../fakes/fake_surroundings.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { Dockerd, type DockerdOptions } from "../../scripts/testbed/dockerd.ts";
import { type AppRecipe, pushImage } from "../../scripts/testbed/images.ts";
import { Registry } from "../../scripts/testbed/registry.ts";

/** How a device differs from the usual one. */
export interface AppsFixtureOptions {
  engine?: DockerdOptions;
  /** The port under which the device knows its registry; that of the registry unless given. */
  registryPort?: number;
  /** Asks the registry for the size of each image, as the agent does. */
  checksSizes?: boolean;
  /** The proxies of the agent's environment; none unless given. */
  proxies?: ProxySettings;
  applianceDomain?: string;
}

/** The fields of an app request that a test sets; the rest is filled in. */
export interface RequestOptions {
  target_state?: string;
  present_version?: string;
  newest_version?: string;
  [name: string]: unknown;
}

/** The app that the tests request. */
export const shop = { app_key: 7, app_name: "Shop", stage: "PROD" };

/** The name of its container. */
export const container = "prod_7_shop";

const repository = "apps/prod_amd64_7_shop";

/** One device with its engine and registry. `restartAgent()` keeps the database. */
export class AppsFixture implements AsyncDisposable {
  readonly studio = new FakeStudio();
  readonly engine: Dockerd;
  readonly registry: Registry;
  readonly folder: string;
  /** True for a disk that is too full to run apps. */
  isDiskFull = false;
  pullSpace: PullSpace = { kind: "fits" };
  #apps: Apps | undefined;
  #database: Database | undefined;
  readonly #options: AppsFixtureOptions;
  #life = new AbortController();

  private constructor(deps: { engine: Dockerd; registry: Registry; folder: string }, options: AppsFixtureOptions) {
    this.#options = options;
    this.engine = deps.engine;
    this.registry = deps.registry;
    this.folder = deps.folder;
  }

  /** Starts engine and registry, and the apps of an agent. */
  static async start(options: AppsFixtureOptions = {}): Promise<AppsFixture> {
    const [engine, registry, folder] = await Promise.all([
      Dockerd.start(options.engine),
      Registry.start({ accounts: { token: "secret" } }),
      Deno.makeTempDir({ prefix: "a-" }),
    ]);
    await createAgentFolders(folder);
    const fixture = new AppsFixture({ engine, registry, folder }, options);
    fixture.startAgent();
    return fixture;
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

  /** Starts the agent. */
  startAgent(): void {
    const { registryPort, checksSizes = false, proxies = noProxies, applianceDomain = "" } = this.#options;
    const registry = registryPort === undefined ? this.registry.host : `127.0.0.1:${registryPort}`;
    const env = { DOCKER_HOST: this.engine.host };
    const engine = new Engine({ log: silentLog, env });
    const storage = new EngineStorage({ env, log: silentLog });
    const sizes = { engine, storage, readFreeBytes: () => Promise.resolve(2 ** 40), log: silentLog };
    this.#life = new AbortController();
    this.#database = Database.open(`${this.folder}/reagent.db`, { log: silentLog });
    this.#apps = createApps({
      engine,
      backend: this.studio.backend(),
      database: this.#database,
      appLogs: this.studio.appLogs(),
      log: Deno.env.get("REAGENT_TEST_LOG") ? consoleLog() : silentLog,
      clock: systemClock,
      random: () => 0.5,
      ...quietDevice(this.folder, { registryUrl: `${registry}/`, applianceDomain }),
      proxies,
      appsDir: `${this.folder}/apps`,
      composeDir: `${this.folder}/apps/compose`,
      buildDir: `${this.folder}/apps/build`,
      engineEnvironment: env,
      readIdleMark,
      handlesSignal: (process, signal) => handlesSignal(process, signal, { read: readForeign }),
      isEmergency: () => this.isDiskFull,
      checkPull: (pull) => checksSizes ? checkPullSpace(sizes, pull) : Promise.resolve(this.pullSpace),
    });
  }

  /** Lets the agent observe its containers from now on. */
  startObserving(): void {
    this.apps.startObserving(this.#life.signal);
  }

  /** Stops the agent; containers stay. */
  async stopAgent(): Promise<void> {
    this.#life.abort();
    await this.#apps?.[Symbol.asyncDispose]();
    this.#database?.[Symbol.dispose]();
    this.#apps = undefined;
    this.#database = undefined;
  }

  /** Stops the agent, starts it again and reconciles locally. */
  async restartAgent(): Promise<void> {
    await this.stopAgent();
    this.startAgent();
    await this.apps.reconcileLocal(this.#life.signal);
  }

  /** Builds a release of the app and pushes it. */
  async publish(version: string, recipe: AppRecipe = {}): Promise<void> {
    await pushImage(this.engine, this.registry, { name: `${repository}:${version}`, recipe });
  }

  /** Requests a state of the app, as Studio does. */
  async request(target: string, fields: RequestOptions = {}): Promise<void> {
    await this.apps.request({ ...shop, target_state: target, present_version: "1", newest_version: "1", ...fields });
  }

  /** Requests a state and waits for the entry `end`. Returns all that was reported since. */
  async requestUntil(target: string, end: string, fields: RequestOptions = {}): Promise<string[]> {
    this.studio.clear();
    await this.request(target, fields);
    await this.until(end);
    return [...this.studio.entries];
  }

  /** Waits until `entry` has been reported. */
  async until(entry: string, limitMs = 30_000): Promise<void> {
    try {
      await pollUntil(`entry ${entry}`, () => Promise.resolve(this.studio.entries.includes(entry) || undefined), {
        limitMs,
      });
    } catch (cause) {
      throw new Error(`No entry ${entry} among ${JSON.stringify(this.studio.entries)}`, { cause });
    }
  }

  /** The status of the app's container; undefined when there is none. */
  async status(): Promise<string | undefined> {
    const { code, stdout } = await this.engine.tryDocker(["inspect", "-f", "{{.State.Status}}", container]);
    return code === 0 ? stdout.trim() : undefined;
  }

  /** The tags of the app's images on the engine, sorted. */
  async tags(): Promise<string[]> {
    const all = await this.engine.docker("images", "--format", "{{.Tag}}", `${this.registry.host}/${repository}`);
    return all.split("\n").filter((tag) => tag !== "").sort();
  }

  /** Removes all apps, whatever state they are in, and clears what was reported. */
  async removeAllApps(): Promise<void> {
    this.studio.isConnected = true;
    this.studio.token = "token";
    await this.engine.tryDocker(["rm", "-f", container]);
    for (const { id } of this.apps.list()) await this.request("UNINSTALLED", { app_key: id.appKey });
    await pollUntil("no app is left", () => Promise.resolve(this.apps.list().length === 0 || undefined), {
      limitMs: 20_000,
    });
    this.studio.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopAgent();
    await this.registry[Symbol.asyncDispose]();
    await this.engine[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** The runtime shows files of other processes only to programs with all permissions, which tests do not have. */
function readForeign(path: string): string {
  return new TextDecoder().decode(new Deno.Command("cat", { args: [path] }).outputSync().stdout);
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

/** Those of an agent with its apps in `folder`, with the modes that it gives them. */
async function createAgentFolders(folder: string): Promise<void> {
  const [agentDir, appsDir] = [`${folder}/agent`, `${folder}/apps`];
  await createFolders(pathsOf({ agentDir, appsDir, dbFileName: "", logFile: "" }));
}
