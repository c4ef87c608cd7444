/**
 * Requests to the engine. dockerode opens the connection; the answer is read by code of our own, because dockerode's
 * never settles when the engine dies in the middle of a body.
 */

import { Agent, type IncomingMessage } from "node:http";
import { Agent as TlsAgent } from "node:https";
import type { Readable } from "node:stream";
import Docker from "dockerode";
import { within } from "../async/deadline.ts";
import { AgentError, type ErrorCode, hasCode } from "../base/errors.ts";
import { Semaphore } from "../async/semaphore.ts";
import { parseJson } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import { firstVersion, nearestVersion, refusesVersion, type VersionChoice, type VersionRange } from "./api_version.ts";
import { dictField, textField } from "./decode.ts";
import type { EngineConnection } from "./engine_connection.ts";
import { engineEndpoint, type EngineEnvironment } from "./endpoint.ts";
import { type EngineStream, readAnswerText, streamOf } from "./engine_stream.ts";
import { engineFailure, unreachable } from "./errors.ts";
import { openUnixSocketStream } from "./unix_socket_stream.ts";

/** One request. `path` is without API version; parts of it that come from outside must be encoded with `pathPart()`. */
export interface EngineRequest {
  method: "GET" | "POST" | "DELETE";
  path: string;
  query?: Record<string, string>;
  body?: Readonly<Record<string, unknown>>;
  /** Value of the header `X-Registry-Auth`. */
  registryAuth?: string;
  /** Value of the header `X-Registry-Config`. */
  registryConfig?: string;
  /** Opens a tar archive that is sent in place of a body, each time the request is sent. */
  archive?: () => Readable;
}

/** Undefined lets the engine answer in the newest version that it knows. */
interface Versioned {
  version: string | undefined;
}

/** How a request is made. `what` starts every error text: `Starting container "shop"`. */
export interface RequestOptions {
  what: string;
  signal: AbortSignal;
  /**
   * From when the request is sent until the whole answer is there, or its head for a stream; 30 s unless given. The
   * wait for a place among the calls that may be open at once does not count.
   */
  limitMs?: number;
  /** The code of an answer 404 whose text does not say what is missing. */
  missing?: ErrorCode;
}

/** The deadline of one call. */
export const engineCallLimitMs = 30_000;

/**
 * How many calls may be open at once. Each has a socket, and a process without a free file handle dies; streams, which
 * stay open, are bounded by the number of apps instead.
 */
const callsAtOnce = 16;

// dockerode turns the settings of each request into text for a debug log that nobody reads, with all sockets that the
// agent has open: 140 ms of processor time for one call while ten logs are followed.
const inspectName = Symbol.for("nodejs.util.inspect.custom");

/** The internal part of dockerode that this file uses. */
interface Dialer {
  dial(options: object, callback: (error: unknown, response: unknown) => void): void;
}

// dockerode passes every status on, so that status and body of a refusal can be read as they are.
const everyStatus = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [100 + index, true]));

/**
 * Sends requests to one engine. Each has a connection of its own, so there is nothing to close.
 *
 * - Requests name the version of `DOCKER_API_VERSION`, or the nearest one that the engine takes.
 */
export class EngineTransport {
  readonly #env: EngineEnvironment;
  readonly #log: Log;
  readonly #permits = new Semaphore(callsAtOnce);
  #version: string | undefined;
  #dialer: Dialer | undefined;

  /** `log` gets a warning when the engine is spoken to in another version than the variables name. */
  constructor(env: EngineEnvironment, log: Log) {
    this.#env = env;
    this.#log = log;
    this.#use(firstVersion(env.DOCKER_API_VERSION));
  }

  /** Returns the answer once its head has arrived. Throws as `engineFailure()` for 400 and above. */
  async open(request: EngineRequest, options: RequestOptions): Promise<EngineStream> {
    return await this.#inVersion(options, (version) => this.#open({ ...request, version }, options));
  }

  async #open(request: EngineRequest & Versioned, options: RequestOptions): Promise<EngineStream> {
    const { what, signal } = options;
    const life = new AbortController();
    const end = () => life.abort();
    signal.addEventListener("abort", end, { once: true });
    const unlink = () => signal.removeEventListener("abort", end);
    try {
      return await within(options.limitMs ?? engineCallLimitMs, async (inner) => {
        inner.addEventListener("abort", end, { once: true });
        const response = await this.#dial(request, { what, signal: life.signal });
        response.once("close", unlink);
        const stream = streamOf(response, { what, signal });
        if (stream.status < 400) return stream;
        throw engineFailure(what, {
          status: stream.status,
          text: await readAnswerText(stream),
          missing: options.missing,
        });
      }, { what, signal });
    } catch (error) {
      unlink();
      throw error;
    }
  }

  /**
   * As `open()`, for an answer to GET that arrives in many small pieces, such as a followed log: from an engine on a
   * unix socket each piece is read with less work. The stream has no limit for silence, and a chunk is valid until the
   * next is asked for.
   */
  async openDirect(
    request: { path: string; query: Record<string, string> },
    options: RequestOptions,
  ): Promise<EngineStream> {
    const { socketPath } = engineEndpoint(this.#env, Deno.build.os);
    if (socketPath === undefined || Deno.build.os === "windows") {
      return await this.open({ method: "GET", ...request }, options);
    }
    return await this.#inVersion(options, (version) => this.#openSocket(socketPath, { ...request, version }, options));
  }

  async #openSocket(
    socketPath: string,
    request: { path: string; query: Record<string, string> } & Versioned,
    options: RequestOptions,
  ): Promise<EngineStream> {
    const { what, signal } = options;
    const life = new AbortController();
    const whole = AbortSignal.any([signal, life.signal]);
    const path = `${versionedPath(request)}?${new URLSearchParams(request.query)}`;
    try {
      return await within(options.limitMs ?? engineCallLimitMs, async () => {
        const answer = await openUnixSocketStream({ socketPath, path, what, signal: whole });
        if (answer.status < 400) return answer;
        throw engineFailure(what, {
          status: answer.status,
          text: await readAnswerText(answer),
          missing: options.missing,
        });
      }, { what, signal });
    } catch (error) {
      life.abort();
      throw error;
    }
  }

  /**
   * Sends a POST whose connection carries bytes in both directions after the answer, as the input and output of a
   * program. Throws as `engineFailure()` for 400 and above.
   */
  async hijack(
    request: { path: string; body: Readonly<Record<string, unknown>> },
    options: RequestOptions,
  ): Promise<EngineConnection> {
    const { openEngineConnection } = await import("./engine_connection.ts");
    const endpoint = engineEndpoint(this.#env, Deno.build.os);
    const { what, signal, missing, limitMs = engineCallLimitMs } = options;
    return await this.#inVersion(options, async (version) => {
      const path = versionedPath({ ...request, version });
      const open = (limit: AbortSignal) =>
        openEngineConnection({ endpoint, path, body: request.body, what, missing, signal: limit });
      return await within(limitMs, open, { what, signal });
    });
  }

  /** Returns the whole answer as text. Throws as `engineFailure()` for 400 and above. */
  async read(request: EngineRequest, options: RequestOptions): Promise<{ status: number; text: string }> {
    return await this.#permits.run(() => this.readAtOnce(request, options), options.signal);
  }

  /** As `read()`, before calls of other kinds that have not begun. */
  async readUrgently(request: EngineRequest, options: RequestOptions): Promise<{ status: number; text: string }> {
    return await this.#permits.runUrgent(() => this.readAtOnce(request, options), options.signal);
  }

  /** As `read()`, without waiting for the calls that are open already. */
  async readAtOnce(request: EngineRequest, options: RequestOptions): Promise<{ status: number; text: string }> {
    const { what, signal, limitMs = engineCallLimitMs } = options;
    return await within(limitMs, async (inner) => {
      const stream = await this.open(request, { ...options, signal: inner });
      return { status: stream.status, text: await readAnswerText(stream) };
    }, { what, signal });
  }

  /** Returns the whole answer parsed. Throws `engine_failed` when it is not JSON. */
  async readJson(request: EngineRequest, options: RequestOptions): Promise<unknown> {
    const { text } = await this.read(request, options);
    const value = parseJson(text);
    if (value === undefined) throw new AgentError("engine_failed", `${options.what} failed: the answer is not JSON`);
    return value;
  }

  /** Sends a request, and once more in the nearest version when the engine does not take the one that it names. */
  async #inVersion<T>(options: RequestOptions, send: (version: string | undefined) => Promise<T>): Promise<T> {
    const version = this.#version;
    try {
      return await send(version);
    } catch (error) {
      if (version === undefined || !hasCode(error, "engine_failed") || !refusesVersion(error.message)) throw error;
      // Calls that were refused at the same time share the answer of the first.
      if (this.#version === version) this.#use(nearestVersion(version, await this.#readVersions(options)));
      return await send(this.#version);
    }
  }

  async #readVersions({ what, signal }: RequestOptions): Promise<VersionRange> {
    return await within(engineCallLimitMs, async (inner) => {
      const request = { method: "GET", path: "/version", version: undefined } as const;
      const answer = await readAnswerText(await this.#open(request, { what, signal: inner }));
      const wire = dictField(parseJson(answer));
      return { oldest: textField(wire.MinAPIVersion) || undefined, newest: textField(wire.ApiVersion) || undefined };
    }, { what, signal });
  }

  #use({ version, warning }: VersionChoice): void {
    this.#version = version;
    if (warning !== undefined) this.#log.warn(warning);
  }

  #dial(request: EngineRequest & Versioned, options: { what: string; signal: AbortSignal }): Promise<IncomingMessage> {
    const dialer = this.#dialer ??= createDialer(this.#env, options.what);
    const call = {
      method: request.method,
      path: `${versionedPath(request)}?`,
      // An empty body keeps the query out of the body, which is where it goes otherwise.
      options: { _query: request.query ?? {}, _body: request.body ?? {} },
      authconfig: request.registryAuth === undefined ? undefined : { base64: request.registryAuth },
      registryconfig: request.registryConfig === undefined ? undefined : { base64: request.registryConfig },
      file: request.archive?.(),
      abortSignal: options.signal,
      isStream: true,
      statusCodes: everyStatus,
    };
    return new Promise((resolve, reject) => {
      dialer.dial(call, (error, response) => {
        if (isResponse(response)) resolve(response);
        else reject(unreachable(options.what, error ?? "no answer"));
      });
    });
  }
}

/**
 * Encodes a part of a path that comes from outside, such as an image reference; its slashes, colons and at sign stay.
 * Throws `bad_request` for one that would lead to another path.
 */
export function pathPart(text: string): string {
  if (text.split("/").some((part) => part === "" || part === "." || part === "..")) {
    throw new AgentError("bad_request", `Cannot use "${text}" as the name of a container or image`);
  }
  return encodeURIComponent(text).replaceAll("%2F", "/").replaceAll("%3A", ":").replaceAll("%40", "@");
}

function versionedPath({ path, version }: { path: string } & Versioned): string {
  return version === undefined ? path : `/v${version}${path}`;
}

function createDialer(env: EngineEnvironment, what: string): Dialer {
  const endpoint = engineEndpoint(env, Deno.build.os);
  // A kept connection dies with every restart of the engine, and the next call with it.
  const agent = endpoint.protocol === "https" ? new TlsAgent({ keepAlive: false }) : new Agent({ keepAlive: false });
  Object.defineProperty(agent, inspectName, { value: () => "agent" });
  // A time limit of dockerode would also end logs in which nothing happens.
  const options = { ...endpoint, agent, timeout: undefined };
  try {
    return new Docker(options).modem;
  } catch (error) {
    // dockerode reads the variables of the process by itself, and rejects some of them.
    throw unreachable(what, error);
  }
}

function isResponse(value: unknown): value is IncomingMessage {
  return typeof value === "object" && value !== null && "statusCode" in value;
}
