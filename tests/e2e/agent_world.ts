/**
 * Everything around an agent's process, real: router, container engine, registry, and the local Studio as the backend on that
 * router. The registry takes the logins that Studio has given out.
 */

import { isDict } from "../../lib/base/json.ts";
import type { Session } from "../../lib/wamp/session.ts";
import { logTopic } from "../../lib/backend/uris.ts";
import { openSession } from "../../scripts/studio/connection.ts";
import { checkLogin } from "../../scripts/studio/logins.ts";
import { appByName, ensureApp, repositoryOf } from "../../scripts/studio/releases.ts";
import { startStudio, type Studio } from "../../scripts/studio/start_studio.ts";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import { agentCommand, AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { Crossbar, type RouterUser } from "../../scripts/testbed/crossbar.ts";
import { Dockerd, type DockerdOptions } from "../../scripts/testbed/dockerd.ts";
import { type AppRecipe, pushImage } from "../../scripts/testbed/images.ts";
import { Registry } from "../../scripts/testbed/registry.ts";
import { Told } from "./agent_told.ts";
import { projectRoot } from "../../scripts/paths.ts";

/** How an agent is started, beside what its device says. */
export interface StartOptions {
  /** Read at every start of the process. */
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Members of the .flock file that differ from those that Studio gave out. */
  flock?: Readonly<Record<string, unknown>>;
  program?: string;
}

/** What was heard of an app, until it is disposed. */
export type Listening = Told & AsyncDisposable;

/** The account that the router knows beside the devices and the backend; it owns nothing. */
export const stranger = { accountKey: 77, secret: "stranger-secret" };

const deviceCount = 12;
const system = { authid: "system", secret: "system-secret" };

/**
 * The parts of one test file.
 * - Devices are numbered from 1; the router knows twelve of them, each in the projects 2 and 3.
 * - The Studio may be ended and started again; it forgets nothing.
 */
export class AgentWorld implements AsyncDisposable {
  readonly crossbar: Crossbar;
  readonly engine: Dockerd;
  readonly registry: Registry;
  readonly #folder: string;
  readonly #told = new Map<string, Set<Told>>();
  #studio: Studio | undefined;
  #devices = 0;

  private constructor(parts: { crossbar: Crossbar; engine: Dockerd; registry: Registry; folder: string }) {
    this.crossbar = parts.crossbar;
    this.engine = parts.engine;
    this.registry = parts.registry;
    this.#folder = parts.folder;
  }

  /** Starts everything but an agent. */
  static async start(options: { engine?: DockerdOptions } = {}): Promise<AgentWorld> {
    const joined: { world?: AgentWorld } = {};
    const [crossbar, engine, registry, folder] = await Promise.all([
      Crossbar.start({ users: routerUsers() }),
      Dockerd.start(options.engine),
      Registry.start({
        check: (login) => joined.world !== undefined && checkLogin(joined.world.studio.store, login) !== false,
      }),
      Deno.makeTempDir({ prefix: "s-" }),
    ]);
    const world = new AgentWorld({ crossbar, engine, registry, folder });
    joined.world = world;
    await world.startStudio();
    return world;
  }

  /** The backend. Throws while it is away. */
  get studio(): Studio {
    if (this.#studio === undefined) throw new Error("The Studio is away");
    return this.#studio;
  }

  /** Begins the backend's work, or goes on with it. */
  async startStudio(): Promise<void> {
    this.#studio = await startStudio({
      folder: this.#folder,
      foreignRouter: { url: this.crossbar.url, ...system },
      registryHost: this.registry.host,
      onReport: (report) =>
        this.#told.get(`${report.serial} ${report.appKey}`)?.forEach((told) => told.takeReport(report)),
    });
  }

  /** The backend goes away: nobody answers devices. */
  async endStudio(): Promise<void> {
    await this.#studio?.[Symbol.asyncDispose]();
    this.#studio = undefined;
  }

  /** A new device; `studioSecret` is what Studio takes for its secret when that is another than the router's. */
  addDevice(given: { studioSecret?: string } = {}): AddedDevice {
    const deviceKey = this.#devices += 1;
    const secret = deviceSecret(deviceKey);
    const device = this.studio.addDevice({
      deviceKey,
      swarmKey: 2,
      serial: `serial-${deviceKey}`,
      name: `device-${deviceKey}`,
      secret: given.studioSecret ?? secret,
    });
    return { ...device, secret, flock: { ...device.flock, secret } };
  }

  /** Starts an agent for a device on the engine of this world. */
  async startAgent(device: AddedDevice, options: StartOptions = {}): Promise<AgentProcess> {
    const { flock, env, ...rest } = options;
    return await AgentProcess.start({
      ...rest,
      flock: { ...device.flock, ...flock },
      env: { DOCKER_HOST: this.engine.host, ...env },
    });
  }

  /** Notes a release; pushes its image unless there is none. */
  async publish(app: string, version: string, recipe: AppRecipe | undefined = {}): Promise<void> {
    this.studio.pushed(app, version);
    await this.push(app, version, recipe);
  }

  /** Makes an image of an app and pushes it. */
  async push(app: string, version: string, recipe: AppRecipe): Promise<void> {
    const name = `${repositoryOf(ensureApp(this.studio.store, app))}:${version}`;
    await pushImage(this.engine, this.registry, { name, recipe });
  }

  /** Name of an app's container, which is also that of its log. */
  container(app: string): string {
    return `prod_${appByName(this.studio.store, app).appKey}_${app.toLowerCase()}`;
  }

  /** What the engine says of an app's container, by a template; nothing when there is none. */
  async inspect(app: string, template = "{{.Id}}"): Promise<string | undefined> {
    const { code, stdout } = await this.engine.tryDocker(["inspect", "-f", template, this.container(app)]);
    return code === 0 ? stdout.trim() : undefined;
  }

  /** Waits until the engine says `wanted` of an app's container. */
  async untilContainer(app: string, wanted: string | undefined, limitMs = 20_000): Promise<void> {
    await pollUntil(`the container of ${app} is ${wanted}`, async () => {
      return await this.inspect(app, "{{.State.Status}}") === wanted || undefined;
    }, { limitMs });
  }

  /** Tags of an app's images in the engine. */
  async tags(app: string): Promise<string[]> {
    const repository = `${this.registry.host}/${repositoryOf(appByName(this.studio.store, app))}`;
    const all = await this.engine.docker("images", "--format", "{{.Tag}}", repository);
    return all.split("\n").filter((tag) => tag !== "").sort();
  }

  /** Writes down what is heard of an app. */
  async listen(device: AddedDevice, app: string): Promise<Listening> {
    const key = `${device.serial} ${ensureApp(this.studio.store, app).appKey}`;
    const told = new Told();
    const all = this.#told.get(key) ?? new Set();
    this.#told.set(key, all.add(told));
    const topic = logTopic(device.serial, this.container(app));
    const subscription = await this.studio.backend.subscribe(topic, ({ args }) => told.takeEvent(args));
    return Object.assign(told, {
      [Symbol.asyncDispose]: async () => {
        all.delete(told);
        await subscription[Symbol.asyncDispose]();
      },
    });
  }

  /** One more session with all rights, closed at the end. */
  async openSystem(): Promise<Session & AsyncDisposable> {
    return closing(await openSession({ url: this.crossbar.url, ...system }));
  }

  /** A session of the account that owns nothing. */
  async openStranger(): Promise<Session & AsyncDisposable> {
    const { accountKey, secret } = stranger;
    return closing(await openSession({ url: this.crossbar.url, authid: String(accountKey), secret }));
  }

  /** Names of the procedures that are registered for a device, sorted. */
  async procedures(device: AddedDevice): Promise<string[]> {
    const prefix = `re.mgmt.${device.serial}.`;
    const call = async (procedure: string, args: unknown[] = []) =>
      (await this.studio.backend.call(procedure, args)).args[0];
    const list = await call("wamp.registration.list");
    const ids = isDict(list) && Array.isArray(list.exact) ? list.exact : [];
    const found = await Promise.all(ids.map((id) => call("wamp.registration.get", [id]).catch(() => undefined)));
    const uris = found.map((details) => isDict(details) ? String(details.uri) : "");
    return uris.filter((uri) => uri.startsWith(prefix)).map((uri) => uri.slice(prefix.length)).sort();
  }

  /** Ends the device's session from the router's side. */
  async killSession(device: AddedDevice): Promise<void> {
    const { sessionId } = this.studio.device(device);
    await this.studio.backend.call("wamp.session.kill", [sessionId], { kwargs: { reason: "wamp.close.normal" } });
  }

  /** Waits until the device says this of itself from another session than `before`. */
  async untilBack(device: AddedDevice, before: number, limitMs = 30_000): Promise<void> {
    await this.studio.waitFor("the device is connected again", () => {
      const { status, sessionId } = this.studio.device(device);
      return (status === "CONNECTED" && sessionId !== before) || undefined;
    }, { limitMs });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endStudio();
    await this.crossbar[Symbol.asyncDispose]();
    await this.registry[Symbol.asyncDispose]();
    await this.engine[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** A program that runs the agent as on another machine, as far as the lock of the machine goes; removed at the end. */
export async function otherMachine(): Promise<{ program: string } & AsyncDisposable> {
  const folder = await Deno.makeTempDir({ prefix: "m-" });
  const agent = Deno.env.get("REAGENT_AGENT") ?? `${projectRoot}main.ts`;
  const inner = `mount --bind "${folder}/lock" /tmp/ironflock-reagent.lock && exec ${
    agentCommand(agent).join(" ")
  } "$@"`;
  await Deno.writeTextFile(`${folder}/lock`, "");
  await Deno.writeTextFile(`${folder}/inner`, `#!/bin/sh\n${inner}\n`, { mode: 0o755 });
  const script = `#!/bin/sh\nexec unshare --mount --propagation private "${folder}/inner" "$@"\n`;
  await Deno.writeTextFile(`${folder}/agent`, script, { mode: 0o755 });
  return { program: `${folder}/agent`, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

function deviceSecret(deviceKey: number): string {
  return `secret-of-device-${deviceKey}-6fAq`;
}

function routerUsers(): RouterUser[] {
  const devices = Array.from({ length: deviceCount }, (_, index) => index + 1).flatMap((key) =>
    [2, 3].map((swarm): RouterUser => ({ authid: `${swarm}-${key}`, secret: deviceSecret(key), role: "device" }))
  );
  const account: RouterUser = { authid: String(stranger.accountKey), secret: stranger.secret, role: "system" };
  return [{ ...system, role: "system" }, account, ...devices];
}

function closing(session: Session): Session & AsyncDisposable {
  return Object.assign(session, { [Symbol.asyncDispose]: () => session.close() });
}
