/**
 * The container engine: every call that the agent makes to it, with a deadline, abortable, and with its errors as
 * codes.
 */

import { AgentError, hasCode } from "../base/errors.ts";
import { within } from "../async/deadline.ts";
import type { Log } from "../base/log.ts";
import { type EngineEnvironment, engineVariables } from "./endpoint.ts";
import { type ExitCondition, type ExitWatch, openExitWatch } from "./exit_watch.ts";
import { authHeader, bareHost, type RegistryAuth, splitReference } from "./registry.ts";
import {
  type ContainerDetails,
  type ContainerSummary,
  decodeContainer,
  decodeImage,
  decodeImageFacts,
  decodeSettings,
  decodeSummary,
  dictField,
  type EnginePlatform,
  type ImageDetails,
  type ImageSummary,
  listField,
  textField,
} from "./decode.ts";
import {
  type EngineEvent,
  followEvents,
  followLogs,
  type LogLine,
  type LogOptions,
  type Pull,
  pullOf,
  readLogs,
} from "./streams.ts";
import { callLimitMs, EngineTransport, pathPart } from "./transport.ts";

export type { ExitCondition, ExitWatch } from "./exit_watch.ts";
export type { RegistryAuth } from "./registry.ts";
export type {
  ContainerDetails,
  ContainerSummary,
  EnginePlatform,
  ImageDetails,
  ImageSummary,
  PortBinding,
} from "./decode.ts";
export type { EngineEvent, LogLine, LogOptions, Pull } from "./streams.ts";

/** The body of a container creation, spelled as the engine's API does. */
export type CreateRequest = Readonly<Record<string, unknown>>;

/** Deadlines and silences that differ from the default of 30 s for a call, in milliseconds. */
export interface EngineLimits {
  pingMs: number;
  dataRootMs: number;
  loginMs: number;
  pruneMs: number;
  /** A pull without a byte for this long has failed. */
  pullStallMs: number;
}

const usualLimits: EngineLimits = {
  pingMs: 5_000,
  dataRootMs: 10_000,
  loginMs: 10_000,
  pruneMs: 300_000,
  pullStallMs: 300_000,
};

/**
 * The engine that the `DOCKER_*` variables name. Nothing is connected before the first call, and nothing stays open
 * after one. Every call throws `engine_unreachable` when no engine answers, `timeout` after its deadline, `canceled`
 * after an abort, and `engine_failed` with the engine's own words for a refusal that has no code of its own.
 */
export class Engine {
  readonly #transport: EngineTransport;
  readonly #log: Log;
  readonly #limits: EngineLimits;

  /** `env` stands in for the variables of the process. */
  constructor(options: { log: Log; env?: EngineEnvironment; limits?: Partial<EngineLimits> }) {
    this.#transport = new EngineTransport(options.env ?? readEnvironment());
    this.#log = options.log;
    this.#limits = { ...usualLimits, ...options.limits };
  }

  /** Returns when the engine answers. */
  async ping(signal: AbortSignal): Promise<void> {
    const what = "Asking the container engine for a sign of life";
    await this.#transport.read({ method: "GET", path: "/_ping" }, { what, signal, limitMs: this.#limits.pingMs });
  }

  /** The folder in which the engine keeps images and containers. */
  async dataRoot(signal: AbortSignal): Promise<string> {
    const options = { what: "Asking the engine for its data folder", signal, limitMs: this.#limits.dataRootMs };
    const info = dictField(await this.#transport.readJson({ method: "GET", path: "/info" }, options));
    return textField(info.DockerRootDir);
  }

  /** All containers, running or not, exactly as the engine lists them. */
  async listContainersRaw(signal: AbortSignal): Promise<unknown[]> {
    const request = { method: "GET", path: "/containers/json", query: { all: "1" } } as const;
    return listField(await this.#transport.readJson(request, { what: "Listing containers", signal }));
  }

  /** All containers, running or not. */
  async listContainers(signal: AbortSignal): Promise<ContainerSummary[]> {
    return (await this.listContainersRaw(signal)).map(decodeSummary).filter((entry) => entry !== undefined);
  }

  /** One container by id or exact name; undefined when there is none. */
  async inspect(nameOrId: string, signal: AbortSignal): Promise<ContainerDetails | undefined> {
    const what = `Inspecting container "${nameOrId}"`;
    try {
      const request = { method: "GET", path: containerPath(nameOrId, "/json") } as const;
      return decodeContainer(await this.#transport.readJson(request, { what, signal, missing: "container_missing" }));
    } catch (error) {
      if (hasCode(error, "container_missing")) return undefined;
      throw error;
    }
  }

  /** What a container was created with, to create the same again; undefined when there is none. Holds secrets. */
  async settingsOf(nameOrId: string, signal: AbortSignal): Promise<CreateRequest | undefined> {
    const what = `Reading the settings of container "${nameOrId}"`;
    try {
      const request = { method: "GET", path: containerPath(nameOrId, "/json") } as const;
      return decodeSettings(await this.#transport.readJson(request, { what, signal, missing: "container_missing" }));
    } catch (error) {
      if (hasCode(error, "container_missing")) return undefined;
      throw error;
    }
  }

  /** For which machine an image was made, and what it was pulled by; undefined when the engine does not have it. */
  async inspectImage(reference: string, signal: AbortSignal): Promise<ImageDetails | undefined> {
    const what = `Inspecting image "${reference}"`;
    try {
      const request = { method: "GET", path: `/images/${pathPart(reference)}/json` } as const;
      return decodeImageFacts(await this.#transport.readJson(request, { what, signal, missing: "image_missing" }));
    } catch (error) {
      if (hasCode(error, "image_missing")) return undefined;
      throw error;
    }
  }

  /** The machine that the engine runs on, in the words of images. */
  async platform(signal: AbortSignal): Promise<EnginePlatform> {
    const options = { what: "Asking the engine for its version", signal };
    const wire = dictField(await this.#transport.readJson({ method: "GET", path: "/version" }, options));
    return { os: textField(wire.Os), architecture: textField(wire.Arch) };
  }

  /** Creates a container and gives its id. Throws `name_in_use`, `image_missing`. */
  async create(name: string, body: CreateRequest, signal: AbortSignal): Promise<string> {
    const what = `Creating container "${name}"`;
    const created = dictField(
      await this.#transport.readJson(
        { method: "POST", path: "/containers/create", query: { name }, body },
        { what, signal, missing: "image_missing" },
      ),
    );
    for (const warning of listField(created.Warnings)) this.#log.warn("Engine warned", { container: name, warning });
    return textField(created.Id);
  }

  /** Starts a container; one that runs already is fine. Throws `container_missing`, `port_in_use`. */
  async start(id: string, signal: AbortSignal): Promise<void> {
    await this.#post(containerPath(id, "/start"), { what: `Starting container "${id}"`, signal });
  }

  /**
   * SIGTERM, `graceSeconds`, SIGKILL; returns when it has stopped. One that does not run is fine. Throws
   * `container_missing`.
   */
  async stop(id: string, options: { graceSeconds: number; signal: AbortSignal }): Promise<void> {
    const { graceSeconds, signal } = options;
    const what = `Stopping container "${id}"`;
    const limitMs = callLimitMs + graceSeconds * 1000;
    await this.#post(containerPath(id, "/stop"), { what, signal, limitMs, query: { t: `${graceSeconds}` } });
  }

  /**
   * Begins to wait for the exit of a container and returns when the engine has taken the order, so that a start right
   * after it cannot be too quick. There is no deadline. Throws `container_missing`.
   */
  async watchExit(id: string, options: { condition: ExitCondition; signal: AbortSignal }): Promise<ExitWatch> {
    return await openExitWatch(this.#transport, id, options);
  }

  /** Waits for the exit of a container and gives its exit code. There is no deadline. Throws `container_missing`. */
  async waitForExit(id: string, options: { condition: ExitCondition; signal: AbortSignal }): Promise<number> {
    const watch = await this.watchExit(id, options);
    return await watch.exitCode();
  }

  /** Removes a container, with `force` also a running one. Throws `container_missing`, `removal_running`. */
  async remove(id: string, options: { force: boolean; signal: AbortSignal }): Promise<void> {
    await this.#transport.read(
      { method: "DELETE", path: containerPath(id, ""), query: { force: options.force ? "1" : "0" } },
      { what: `Removing container "${id}"`, signal: options.signal, missing: "container_missing" },
    );
  }

  /** The images of the engine, without the layers in between. */
  async listImages(signal: AbortSignal): Promise<ImageSummary[]> {
    return await this.#images({}, signal);
  }

  /** True when the engine has an image of this name, tag or digest. */
  async hasImage(reference: string, signal: AbortSignal): Promise<boolean> {
    const what = `Looking for image "${reference}"`;
    try {
      const path = `/images/${pathPart(reference)}/json`;
      await this.#transport.read({ method: "GET", path }, { what, signal, missing: "image_missing" });
      return true;
    } catch (error) {
      if (hasCode(error, "image_missing")) return false;
      throw error;
    }
  }

  /** The tags that the engine has of exactly this repository. */
  async imagesOf(repository: string, signal: AbortSignal): Promise<string[]> {
    const images = await this.#images({ filters: JSON.stringify({ reference: [repository] }) }, signal);
    const references = images.flatMap((image) => image.repoTags).map(splitReference);
    return references.filter((reference) => reference.repository === repository).map((reference) => reference.tag);
  }

  /**
   * Takes a name from an image; the image goes with its last name. A name that does not exist is fine. Never forced.
   */
  async untag(reference: string, signal: AbortSignal): Promise<void> {
    const what = `Removing image "${reference}"`;
    try {
      const path = `/images/${pathPart(reference)}`;
      await this.#transport.read({ method: "DELETE", path }, { what, signal, missing: "image_missing" });
    } catch (error) {
      if (!hasCode(error, "image_missing")) throw error;
    }
  }

  /** Removes the images that have no name and no container. */
  async pruneDanglingImages(signal: AbortSignal): Promise<void> {
    const query = { filters: JSON.stringify({ dangling: ["true"] }) };
    await this.#post("/images/prune", { what: "Pruning images", signal, limitMs: this.#limits.pruneMs, query });
  }

  /**
   * Lets the engine log in to a registry. Throws `denied` for wrong credentials, `timeout` when the registry is silent
   * for 10 s.
   */
  async checkLogin(auth: RegistryAuth, signal: AbortSignal): Promise<void> {
    const host = bareHost(auth.host);
    const what = `The login to registry "${host}"`;
    const body = { username: auth.user, password: auth.password, serveraddress: host };
    const request = { method: "POST", path: "/auth", body } as const;
    try {
      await within(this.#limits.loginMs, (inner) => this.#transport.read(request, { what, signal: inner }), {
        what,
        signal,
      });
    } catch (error) {
      if (hasCode(error, "timeout")) {
        const limit = `${this.#limits.loginMs / 1000} s`;
        const hint = "check that the device can reach it, and NO_PROXY";
        throw new AgentError("timeout", `Registry "${host}" did not answer within ${limit}: ${hint}`, { cause: error });
      }
      const isDenied = hasCode(error, "engine_failed") && /unauthorized|denied|incorrect username/i.test(error.message);
      throw isDenied ? new AgentError("denied", error.message, { cause: error }) : error;
    }
  }

  /**
   * Begins to pull an image and returns when the engine has opened its stream. Engines resume layers that they have.
   * Aborting `signal` ends the pull, also later. Throws `image_missing` and `pull_failed` when the registry refuses at
   * once.
   */
  async openPull(reference: string, auth: RegistryAuth | undefined, signal: AbortSignal): Promise<Pull> {
    const what = `Pulling image "${reference}"`;
    const { repository, tag } = splitReference(reference);
    try {
      const stream = await this.#transport.open({
        method: "POST",
        path: "/images/create",
        query: { fromImage: repository, tag },
        ...(auth === undefined ? {} : { registryAuth: authHeader(auth) }),
      }, { what, signal, limitMs: this.#limits.pullStallMs, missing: "image_missing" });
      return pullOf(stream, { what, stallMs: this.#limits.pullStallMs });
    } catch (error) {
      if (hasCode(error, "engine_failed")) throw new AgentError("pull_failed", error.message, { cause: error });
      throw error;
    }
  }

  /** See `followLogs()` in streams.ts. */
  followLogs(id: string, options: LogOptions): AsyncGenerator<LogLine[], void> {
    return followLogs(this.#transport, id, options);
  }

  /** See `readLogs()` in streams.ts. */
  async readLogs(id: string, options: LogOptions): Promise<string[]> {
    return await readLogs(this.#transport, id, options);
  }

  /** See `followEvents()` in streams.ts. */
  events(signal: AbortSignal, onOpen?: () => void): AsyncGenerator<EngineEvent, void> {
    return followEvents(this.#transport, signal, onOpen);
  }

  async #images(query: Record<string, string>, signal: AbortSignal): Promise<ImageSummary[]> {
    const request = { method: "GET", path: "/images/json", query } as const;
    const images = listField(await this.#transport.readJson(request, { what: "Listing images", signal }));
    return images.map(decodeImage).filter((image) => image !== undefined);
  }

  async #post(
    path: string,
    options: { what: string; signal: AbortSignal; limitMs?: number; query?: Record<string, string> },
  ): Promise<void> {
    const { query = {}, ...rest } = options;
    await this.#transport.read({ method: "POST", path, query }, { ...rest, missing: "container_missing" });
  }
}

function containerPath(nameOrId: string, rest: string): string {
  return `/containers/${pathPart(nameOrId)}${rest}`;
}

function readEnvironment(): EngineEnvironment {
  return Object.fromEntries(engineVariables.map((name) => [name, Deno.env.get(name)]));
}
