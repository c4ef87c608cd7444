/** The container engine: every call that the agent makes to it, with a deadline, abortable, with errors as codes. */

import { throwIfAborted } from "../async/deadline.ts";
import { singleFlight } from "../async/single_flight.ts";
import { type ErrorCode, hasCode } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { composeProjectLabel } from "../model/labels.ts";
import {
  type ContainerDetails,
  type ContainerSummary,
  decodeContainer,
  decodeImage,
  decodeImageDetails,
  decodeSettings,
  decodeSummary,
  dictField,
  type EnginePlatform,
  type ImageDetails,
  type ImageSummary,
  listField,
  textField,
} from "./decode.ts";
import { type EngineEnvironment, engineVariables } from "./endpoint.ts";
import { defaultLimits, type EngineLimits } from "./engine_limits.ts";
import { readAnswerText } from "./engine_stream.ts";
import { type EngineEvent, followEvents } from "./events.ts";
import type { Execs } from "./exec.ts";
import { type ExitCondition, type ExitWatch, openExitWatch } from "./exit_watch.ts";
import type { LogLine } from "./log_lines.ts";
import { checkLogin } from "./login.ts";
import { followLogs, type LogOptions, readLogs, storedLogs } from "./logs.ts";
import type { Build, BuildOptions } from "./build.ts";
import { listNetworks, removeNetwork } from "./networks.ts";
import { openPull, type Pull, PullActivity } from "./pull.ts";
import type { Push } from "./push.ts";
import { type RegistryAuth, splitReference } from "./registry.ts";
import { listVolumes, removeVolume } from "./volumes.ts";
import { engineCallLimitMs, EngineTransport, pathPart, type RequestOptions } from "./engine_transport.ts";

/** The body of a request that creates a container, spelled as in the engine's API. */
export type CreateRequest = Readonly<Record<string, unknown>>;

/** The first status of a start follows the first ping within this time. */
const freshPingMs = 2_000;

/**
 * The engine that the `DOCKER_*` variables name. Nothing is connected before the first call, and nothing stays open
 * after one. Every call throws `engine_unreachable` when no engine answers, `timeout` after its deadline, `canceled`
 * after an abort, `engine_refused` for a request that makes no sense to the engine, and `engine_failed` for any other
 * refusal that has no code of its own, both with the engine's own message.
 */
export class Engine {
  readonly #transport: EngineTransport;
  readonly #log: Log;
  readonly #limits: EngineLimits;
  readonly #pulls = new PullActivity();
  readonly #pushes = new PullActivity();
  #platform: EnginePlatform | undefined;
  // The engine starts programs to answer this, and many apps ask at once.
  readonly #readPlatform = singleFlight(async (signal): Promise<EnginePlatform> => {
    if (this.#platform !== undefined) return this.#platform;
    const platform = platformOf(await this.#get("/version", { what: "Asking the engine for its version", signal }));
    if (platform.os !== "" && platform.architecture !== "") this.#platform = platform;
    return platform;
  });
  /** When `ping()` was answered; undefined once that has been reported. */
  #pingedAtMs: number | undefined;

  /** `env` replaces the variables of the process. */
  constructor(options: { log: Log; env?: EngineEnvironment; limits?: Partial<EngineLimits> }) {
    this.#transport = new EngineTransport(options.env ?? readEnvironment(), options.log);
    this.#log = options.log;
    this.#limits = { ...defaultLimits, ...options.limits };
  }

  /** Returns when the engine answers. */
  async ping(signal: AbortSignal): Promise<void> {
    const options = { what: "Pinging the container engine", signal, limitMs: this.#limits.pingMs };
    await this.#transport.readAtOnce({ method: "GET", path: "/_ping" }, options);
    this.#pingedAtMs = performance.now();
  }

  /**
   * True when the engine answers within three seconds, however many other calls wait for it. Directly after a `ping()`
   * its answer counts, once. Throws `canceled` only.
   */
  async isAvailable(signal: AbortSignal): Promise<boolean> {
    const options = { what: "Pinging the container engine", signal, limitMs: this.#limits.availableMs };
    throwIfAborted(signal, options.what);
    const pingedAtMs = this.#pingedAtMs;
    this.#pingedAtMs = undefined;
    if (pingedAtMs !== undefined && performance.now() - pingedAtMs < freshPingMs) return true;
    try {
      await this.#transport.readAtOnce({ method: "GET", path: "/_ping" }, options);
      return true;
    } catch (error) {
      throwIfAborted(signal, options.what);
      this.#log.debug("The container engine is not available", { error });
      return false;
    }
  }

  /** The folder in which the engine keeps images and containers. */
  async dataRoot(signal: AbortSignal): Promise<string> {
    const options = { what: "Asking the engine for its data folder", signal, limitMs: this.#limits.dataRootMs };
    const info = dictField(await this.#get("/info", options));
    return textField(info.DockerRootDir);
  }

  /** True when the users of containers are others than those of its machine, unless a container asks for the latter. */
  async remapsUsers(signal: AbortSignal): Promise<boolean> {
    const options = { what: "Asking the engine for its security options", signal };
    const info = dictField(await this.#get("/info", options));
    return listField(info.SecurityOptions).some((option) => /^name=userns(?:,|$)/.test(textField(option)));
  }

  /** All containers, running or not, exactly as the engine lists them. */
  async listContainersRaw(signal: AbortSignal): Promise<unknown[]> {
    const options = { what: "Listing containers", signal, query: { all: "1" } };
    return listField(await this.#get("/containers/json", options));
  }

  /** All containers, running or not. */
  async listContainers(signal: AbortSignal): Promise<ContainerSummary[]> {
    return (await this.listContainersRaw(signal)).map(decodeSummary).filter((entry) => entry !== undefined);
  }

  /** The containers of a compose project, running or not, by the exact value of their label. */
  async listProject(project: string, signal: AbortSignal): Promise<ContainerSummary[]> {
    const filters = JSON.stringify({ label: [`${composeProjectLabel}=${project}`] });
    const options = { what: `Listing the containers of "${project}"`, signal, query: { all: "1", filters } };
    const listed = listField(await this.#get("/containers/json", options));
    return listed.map(decodeSummary).filter((entry) => entry !== undefined);
  }

  /** One container by id or exact name; undefined when there is none. */
  async inspect(nameOrId: string, signal: AbortSignal): Promise<ContainerDetails | undefined> {
    const what = `Inspecting container "${nameOrId}"`;
    return await unlessMissing("container_missing", async (missing) => {
      return decodeContainer(await this.#get(containerPath(nameOrId, "/json"), { what, signal, missing }));
    });
  }

  /** What a container was created with, to create the same again; undefined when there is none. Holds secrets. */
  async settingsOf(nameOrId: string, signal: AbortSignal): Promise<CreateRequest | undefined> {
    const what = `Reading the settings of container "${nameOrId}"`;
    return await unlessMissing("container_missing", async (missing) => {
      return decodeSettings(await this.#get(containerPath(nameOrId, "/json"), { what, signal, missing }));
    });
  }

  /** The platform of an image and the digests it was pulled by; undefined when the engine does not have it. */
  async inspectImage(reference: string, signal: AbortSignal): Promise<ImageDetails | undefined> {
    const what = `Inspecting image "${reference}"`;
    return await unlessMissing("image_missing", async (missing) => {
      return decodeImageDetails(await this.#get(imagePath(reference, "/json"), { what, signal, missing }));
    });
  }

  /** The platform that the engine runs on, spelled as in images. The engine is asked until it has answered once. */
  async platform(signal: AbortSignal): Promise<EnginePlatform> {
    return this.#platform ?? await this.#readPlatform(signal);
  }

  /** Creates a container and returns its id. Throws `name_in_use`, `image_missing`. */
  async create(name: string, body: CreateRequest, signal: AbortSignal): Promise<string> {
    const what = `Creating container "${name}"`;
    const request = { method: "POST", path: "/containers/create", query: { name }, body } as const;
    const created = dictField(
      await this.#transport.readJson(request, { what, signal, missing: "image_missing" }),
    );
    for (const warning of listField(created.Warnings)) this.#log.warn("Engine warned", { container: name, warning });
    return textField(created.Id);
  }

  /** Starts a container; one that is running already is fine. Throws `container_missing`, `port_in_use`. */
  async start(id: string, signal: AbortSignal): Promise<void> {
    // Of many apps that begin at once, each runs as soon as it can, instead of all of them at the end.
    const request = { method: "POST", path: containerPath(id, "/start") } as const;
    const what = `Starting container "${id}"`;
    await this.#transport.readUrgently(request, { what, signal, missing: "container_missing" });
  }

  /**
   * The container's stop signal, `graceSeconds`, SIGKILL; returns when it has stopped. One that is not running is fine.
   * The call takes no place from others, as it may wait for long. Throws `container_missing`.
   */
  async stop(id: string, options: { graceSeconds: number; signal: AbortSignal }): Promise<void> {
    const { graceSeconds, signal } = options;
    const what = `Stopping container "${id}"`;
    const limitMs = engineCallLimitMs + graceSeconds * 1000;
    const request = { method: "POST", path: containerPath(id, "/stop"), query: { t: `${graceSeconds}` } } as const;
    await readAnswerText(await this.#transport.open(request, { what, signal, limitMs, missing: "container_missing" }));
  }

  /** Gives a container another name. Throws `container_missing`. */
  async rename(id: string, name: string, signal: AbortSignal): Promise<void> {
    const request = { method: "POST", path: containerPath(id, "/rename"), query: { name } } as const;
    await this.#transport.read(request, { what: `Renaming container "${id}"`, signal, missing: "container_missing" });
  }

  /**
   * Begins to wait for the exit of a container and returns when the engine has confirmed, so that the exit after a
   * start right behind it is not missed. There is no deadline. Throws `container_missing`.
   */
  async watchExit(id: string, options: { condition: ExitCondition; signal: AbortSignal }): Promise<ExitWatch> {
    return await openExitWatch(this.#transport, id, options);
  }

  /** Waits for the exit of a container and returns its exit code. There is no deadline. Throws `container_missing`. */
  async waitForExit(id: string, options: { condition: ExitCondition; signal: AbortSignal }): Promise<number> {
    const watch = await this.watchExit(id, options);
    return await watch.exitCode();
  }

  /**
   * Removes a container, with `force` even a running one, with `volumes` also its volumes that have no name. Throws
   * `container_missing`, `removal_running`.
   */
  async remove(id: string, options: { force: boolean; volumes?: boolean; signal: AbortSignal }): Promise<void> {
    const { force, volumes = false, signal } = options;
    const query = { force: force ? "1" : "0", ...(volumes ? { v: "1" } : {}) };
    await this.#transport.read(
      { method: "DELETE", path: containerPath(id, ""), query },
      { what: `Removing container "${id}"`, signal, missing: "container_missing" },
    );
  }

  /** The ids of the networks that have all of these labels. */
  async networksWith(labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<string[]> {
    return await listNetworks(this.#transport, labels, signal);
  }

  /** Removes a network. A missing one is fine. Throws `network_in_use`. */
  async removeNetwork(id: string, signal: AbortSignal): Promise<void> {
    await removeNetwork(this.#transport, id, signal);
  }

  /** The names of the volumes that have all of these labels. */
  async volumesWith(labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<string[]> {
    return await listVolumes(this.#transport, labels, signal);
  }

  /** Removes a volume with its data. A missing one is fine. Throws `volume_in_use`. */
  async removeVolume(name: string, signal: AbortSignal): Promise<void> {
    await removeVolume(this.#transport, name, signal);
  }

  /** The images of the engine, without the layers in between. */
  async listImages(signal: AbortSignal): Promise<ImageSummary[]> {
    return await this.#images({}, signal);
  }

  /** True when the engine has an image of this name, tag or digest. */
  async hasImage(reference: string, signal: AbortSignal): Promise<boolean> {
    const what = `Looking for image "${reference}"`;
    const request = { method: "GET", path: imagePath(reference, "/json") } as const;
    const found = await unlessMissing("image_missing", (missing) => {
      return this.#transport.read(request, { what, signal, missing });
    });
    return found !== undefined;
  }

  /** The tags that the engine has of exactly this repository. */
  async imagesOf(repository: string, signal: AbortSignal): Promise<string[]> {
    const images = await this.#images({ filters: JSON.stringify({ reference: [repository] }) }, signal);
    const references = images.flatMap((image) => image.repoTags).map(splitReference);
    return references.filter((reference) => reference.repository === repository).map((reference) => reference.tag);
  }

  /** Gives an image one more name. Throws `image_missing`. */
  async addTag(reference: string, name: { repository: string; tag: string }, signal: AbortSignal): Promise<void> {
    const what = `Naming image "${reference}" "${name.repository}:${name.tag}"`;
    const query = { repo: name.repository, tag: name.tag };
    const request = { method: "POST", path: imagePath(reference, "/tag"), query } as const;
    await this.#transport.read(request, { what, signal, missing: "image_missing" });
  }

  /**
   * Removes a name of an image; the image goes with its last name. A name that does not exist is fine. Never forced.
   */
  async untag(reference: string, signal: AbortSignal): Promise<void> {
    const what = `Removing image "${reference}"`;
    const request = { method: "DELETE", path: imagePath(reference, "") } as const;
    await unlessMissing("image_missing", (missing) => this.#transport.read(request, { what, signal, missing }));
  }

  /** Removes the images that have no name and no container. */
  async pruneDanglingImages(signal: AbortSignal): Promise<void> {
    const query = { filters: JSON.stringify({ dangling: ["true"] }) };
    await this.#post("/images/prune", { what: "Pruning images", signal, limitMs: this.#limits.pruneMs, query });
  }

  /** See `checkLogin()` in login.ts. */
  async checkLogin(auth: RegistryAuth, signal: AbortSignal): Promise<void> {
    await checkLogin(this.#transport, auth, { limitMs: this.#limits.loginMs, signal });
  }

  /** See `openPull()` in pull.ts. Engines resume layers that they have. Aborting `signal` ends the pull, even later. */
  async openPull(reference: string, auth: RegistryAuth | undefined, signal: AbortSignal): Promise<Pull> {
    return await openPull(this.#transport, reference, {
      auth,
      stallMs: this.#limits.pullStallMs,
      activity: this.#pulls,
      signal,
    });
  }

  /** See `openPush()` in push.ts. Aborting `signal` ends the push, even later. */
  async openPush(reference: string, auth: RegistryAuth | undefined, signal: AbortSignal): Promise<Push> {
    const { openPush } = await import("./push.ts");
    const options = { auth, stallMs: this.#limits.pullStallMs, activity: this.#pushes, signal };
    return await openPush(this.#transport, reference, options);
  }

  /** See `openBuild()` in build.ts. Aborting its signal ends the build, even later. */
  async openBuild(options: BuildOptions): Promise<Build> {
    const { openBuild } = await import("./build.ts");
    return await openBuild(this.#transport, options);
  }

  /** See `followLogs()` in logs.ts. */
  followLogs(id: string, options: LogOptions): AsyncGenerator<LogLine[], void> {
    return followLogs(this.#transport, id, options);
  }

  /** See `storedLogs()` in logs.ts. */
  storedLogs(id: string, options: LogOptions): AsyncGenerator<LogLine[], void> {
    return storedLogs(this.#transport, id, options);
  }

  /** See `readLogs()` in logs.ts. */
  async readLogs(id: string, options: LogOptions): Promise<string[]> {
    return await readLogs(this.#transport, id, options);
  }

  /** Programs that run in containers; the code is loaded when it is first asked for. */
  async execs(): Promise<Execs> {
    const { Execs } = await import("./exec.ts");
    return new Execs(this.#transport);
  }

  /** See `followEvents()` in events.ts. */
  events(signal: AbortSignal, onOpen?: () => void): AsyncGenerator<EngineEvent, void> {
    return followEvents(this.#transport, { onOpen, signal });
  }

  async #images(query: Record<string, string>, signal: AbortSignal): Promise<ImageSummary[]> {
    const images = listField(await this.#get("/images/json", { what: "Listing images", signal, query }));
    return images.map(decodeImage).filter((image) => image !== undefined);
  }

  async #get(
    path: string,
    options: RequestOptions & { query?: Record<string, string> },
  ): Promise<unknown> {
    const { query = {}, ...rest } = options;
    return await this.#transport.readJson({ method: "GET", path, query }, rest);
  }

  async #post(
    path: string,
    options: RequestOptions & { query?: Record<string, string> },
  ): Promise<void> {
    const { query = {}, ...rest } = options;
    await this.#transport.read({ method: "POST", path, query }, { ...rest, missing: "container_missing" });
  }
}

/**
 * Returns what `work` returns; undefined when it throws `missing`, the code for a container or image that does not
 * exist.
 */
async function unlessMissing<T>(missing: ErrorCode, work: (missing: ErrorCode) => Promise<T>): Promise<T | undefined> {
  try {
    return await work(missing);
  } catch (error) {
    if (hasCode(error, missing)) return undefined;
    throw error;
  }
}

function platformOf(answer: unknown): EnginePlatform {
  const { Os, Arch } = dictField(answer);
  return { os: textField(Os), architecture: textField(Arch) };
}

function imagePath(reference: string, rest: string): string {
  return `/images/${pathPart(reference)}${rest}`;
}

function containerPath(nameOrId: string, rest: string): string {
  return `/containers/${pathPart(nameOrId)}${rest}`;
}

function readEnvironment(): EngineEnvironment {
  return Object.fromEntries(engineVariables.map((name) => [name, Deno.env.get(name)]));
}
