/**
 * The real environment of an agent's process: a router, a container engine, a registry, and the local Studio as the
 * backend on that router. The registry accepts the logins that Studio has issued.
 */

import { isDict } from "../../lib/base/json.ts";
import type { Session } from "../../lib/wamp/session.ts";
import { logTopic } from "../../lib/backend/uris.ts";
import { openSession } from "../../scripts/studio/open_session.ts";
import { checkLogin } from "../../scripts/studio/logins.ts";
import { appByName, ensureApp, repositoryOf } from "../../scripts/studio/releases.ts";
import { startStudio } from "../../scripts/studio/start_studio.ts";
import type { AddedDevice, Studio } from "../../scripts/studio/studio.ts";
import { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { Crossbar, type RouterUser } from "../../scripts/testbed/crossbar.ts";
import { Dockerd, type DockerdOptions } from "../../scripts/testbed/dockerd.ts";
import { type AppRecipe, pushImage } from "../../scripts/testbed/images.ts";
import { Registry } from "../../scripts/testbed/registry.ts";
import { AppTranscript } from "./app_transcript.ts";

/** How an agent is started, besides what its device defines. */
export interface StartOptions {
  /** Read at each start of the process. */
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Members of the .flock file that differ from those that Studio has issued. */
  flock?: Readonly<Record<string, unknown>>;
  program?: string;
  /** Programs that are in its folder from the start: where they are, by name. */
  files?: Readonly<Record<string, string>>;
}

/** A transcript that grows until it is disposed. */
export type Recording = AppTranscript & AsyncDisposable;

/** An account that may join the router, and owns no device. */
export const outsider = { accountKey: 77, secret: "outsider-secret" };

const deviceCount = 12;
const system = { authid: "system", secret: "system-secret" };

/**
 * The fixture of one test file.
 * - Devices are numbered from 1; the router knows twelve of them, each in the projects 2 and 3.
 * - The Studio may be stopped and started again without losing anything.
 */
export class AgentFixture implements AsyncDisposable {
  readonly crossbar: Crossbar;
  readonly engine: Dockerd;
  readonly registry: Registry;
  readonly #folder: string;
  readonly #transcripts = new Map<string, Set<AppTranscript>>();
  #studio: Studio | undefined;
  #devices = 0;

  private constructor(deps: { crossbar: Crossbar; engine: Dockerd; registry: Registry; folder: string }) {
    this.crossbar = deps.crossbar;
    this.engine = deps.engine;
    this.registry = deps.registry;
    this.#folder = deps.folder;
  }

  /** Starts everything except an agent. */
  static async start(options: { engine?: DockerdOptions } = {}): Promise<AgentFixture> {
    const joined: { fixture?: AgentFixture } = {};
    const [crossbar, engine, registry, folder] = await Promise.all([
      Crossbar.start({ users: routerUsers() }),
      Dockerd.start(options.engine),
      Registry.start({
        check: (login) => joined.fixture !== undefined && checkLogin(joined.fixture.studio.store, login) !== false,
      }),
      Deno.makeTempDir({ prefix: "s-" }),
    ]);
    const fixture = new AgentFixture({ crossbar, engine, registry, folder });
    joined.fixture = fixture;
    await fixture.startStudio();
    return fixture;
  }

  /** The backend. Throws while it is stopped. */
  get studio(): Studio {
    if (this.#studio === undefined) throw new Error("The Studio is stopped");
    return this.#studio;
  }

  /** Starts the backend, for the first time or again. */
  async startStudio(): Promise<void> {
    this.#studio = await startStudio({
      folder: this.#folder,
      foreignRouter: { url: this.crossbar.url, ...system },
      registryHost: this.registry.host,
      onReport: (report) => {
        const transcripts = this.#transcripts.get(`${report.serial} ${report.appKey}`);
        transcripts?.forEach((transcript) => transcript.addReport(report));
      },
    });
  }

  /** Stops the backend: nobody answers devices. */
  async stopStudio(): Promise<void> {
    await this.#studio?.[Symbol.asyncDispose]();
    this.#studio = undefined;
  }

  /** Adds a device; with `studioSecret` Studio has another secret for it than the router. */
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

  /** Starts an agent for a device, on this fixture's engine. */
  async startAgent(device: AddedDevice, options: StartOptions = {}): Promise<AgentProcess> {
    const { flock, env, ...rest } = options;
    return await AgentProcess.start({
      ...rest,
      flock: { ...device.flock, ...flock },
      env: { DOCKER_HOST: this.engine.host, ...env },
    });
  }

  /** Adds a release and pushes its image. */
  async publish(app: string, version: string, recipe: AppRecipe | undefined = {}): Promise<void> {
    this.studio.addRelease(app, version);
    await this.push(app, version, recipe);
  }

  /** Builds an image of an app and pushes it. */
  async push(app: string, version: string, recipe: AppRecipe = {}): Promise<void> {
    const name = `${repositoryOf(ensureApp(this.studio.store, app))}:${version}`;
    await pushImage(this.engine, this.registry, { name, recipe });
  }

  /** The name of an app's container and of its log. */
  container(app: string): string {
    return `prod_${appByName(this.studio.store, app).appKey}_${app.toLowerCase()}`;
  }

  /** Inspects an app's container with a template; undefined when there is none. */
  async inspect(app: string, template = "{{.Id}}"): Promise<string | undefined> {
    const { code, stdout } = await this.engine.tryDocker(["inspect", "-f", template, this.container(app)]);
    return code === 0 ? stdout.trim() : undefined;
  }

  /** Waits until an app's container has a status. */
  async untilContainer(app: string, wanted: string, { limitMs = 20_000 } = {}): Promise<void> {
    await pollUntil(`the container of ${app} is ${wanted}`, async () => {
      return await this.inspect(app, "{{.State.Status}}") === wanted || undefined;
    }, { limitMs });
  }

  /** The tags of an app's images on the engine, sorted. */
  async tags(app: string): Promise<string[]> {
    const repository = `${this.registry.host}/${repositoryOf(appByName(this.studio.store, app))}`;
    const all = await this.engine.docker("images", "--format", "{{.Tag}}", repository);
    return all.split("\n").filter((tag) => tag !== "").sort();
  }

  /** Records what is reported about an app from now on. */
  async record(device: AddedDevice, app: string): Promise<Recording> {
    const key = `${device.serial} ${ensureApp(this.studio.store, app).appKey}`;
    const transcript = new AppTranscript();
    const all = this.#transcripts.get(key) ?? new Set();
    this.#transcripts.set(key, all.add(transcript));
    const topic = logTopic(device.serial, this.container(app));
    const subscription = await this.studio.backend.subscribe(topic, ({ args }) => transcript.addEvent(args));
    return Object.assign(transcript, {
      [Symbol.asyncDispose]: async () => {
        all.delete(transcript);
        await subscription[Symbol.asyncDispose]();
      },
    });
  }

  /** Opens another session with all rights. */
  async openSystem(): Promise<Session & AsyncDisposable> {
    return closing(await openSession({ url: this.crossbar.url, ...system }));
  }

  /** Opens a session of the account that owns no device. */
  async openOutsider(): Promise<Session & AsyncDisposable> {
    const { accountKey, secret } = outsider;
    return closing(await openSession({ url: this.crossbar.url, authid: String(accountKey), secret }));
  }

  /** The names of the procedures that are registered for a device, sorted. */
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

  /** Lets the router end the device's session. */
  async killSession(device: AddedDevice): Promise<void> {
    const { sessionId } = this.studio.device(device);
    await this.studio.backend.call("wamp.session.kill", [sessionId], { kwargs: { reason: "wamp.close.normal" } });
  }

  /** Waits until the device is connected with another session than `before`. */
  async untilBack(device: AddedDevice, before: number, { limitMs = 30_000 } = {}): Promise<void> {
    await this.studio.waitFor("the device is connected again", () => {
      const { status, sessionId } = this.studio.device(device);
      return (status === "CONNECTED" && sessionId !== before) || undefined;
    }, { limitMs });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopStudio();
    await this.crossbar[Symbol.asyncDispose]();
    await this.registry[Symbol.asyncDispose]();
    await this.engine[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function deviceSecret(deviceKey: number): string {
  return `secret-of-device-${deviceKey}-6fAq`;
}

function routerUsers(): RouterUser[] {
  const devices = Array.from({ length: deviceCount }, (_, index) => index + 1).flatMap((key) =>
    [2, 3].map((swarm): RouterUser => ({ authid: `${swarm}-${key}`, secret: deviceSecret(key), role: "device" }))
  );
  const account: RouterUser = { authid: String(outsider.accountKey), secret: outsider.secret, role: "system" };
  return [{ ...system, role: "system" }, account, ...devices];
}

function closing(session: Session): Session & AsyncDisposable {
  return Object.assign(session, { [Symbol.asyncDispose]: () => session.close() });
}
