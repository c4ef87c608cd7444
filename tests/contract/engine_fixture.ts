/** What a case of the engine contract gets: the engine under test, names of its own, and hands on what happens around it. */

import assert from "node:assert/strict";
import { AgentError, type ErrorCode } from "../../lib/base/errors.ts";
import type { CreateRequest, Engine } from "../../lib/docker/engine.ts";
import type { RegistryAuth } from "../../lib/docker/registry.ts";
import type { Release } from "../fakes/fake_engine.ts";

/** The calls that apps make. */
export type AppEngine = Pick<
  Engine,
  | ("checkLogin" | "create" | "events" | "imagesOf" | "inspect" | "listContainers" | "listImages")
  | ("openPull" | "remove" | "start" | "stop" | "untag" | "watchExit")
>;

/** An engine with its registry, and what happens around them. */
export interface EngineUnderTest {
  engine: AppEngine;
  /** Host of the registry, with port. */
  registryHost: string;
  /** A login that is good. */
  auth: RegistryAuth;
  /** Puts a release into the registry. */
  publish(reference: string, release: Release): Promise<void>;
  /** Puts a release into the engine's own store. */
  stock(reference: string, release: Release): Promise<void>;
  /** The registry says nothing more until `hurryRegistry()`. */
  stallRegistry(): Promise<void>;
  hurryRegistry(): void;
  /** SIGKILL for the process of a container. */
  kill(name: string): Promise<void>;
  pause(name: string): Promise<void>;
  unpause(name: string): Promise<void>;
  /** The engine's service stops, and its containers with it. */
  leave(): Promise<void>;
  comeBack(): Promise<void>;
  /** Lets time pass: on the clock of the engine in memory, or really. */
  pass(ms: number): Promise<void>;
}

/** One thing that an engine must do. */
export interface EngineCase {
  name: string;
  run(stage: EngineStage): Promise<void>;
}

/** What an events stream has told of the containers of a case. */
export interface Told {
  /** `<action>`, with the exit code behind `die`. */
  readonly actions: readonly string[];
  /** Resolves at the end of the stream, with what it threw. */
  readonly ended: Promise<unknown>;
  stop(): void;
}

/** A signal that never ends. */
export const never = new AbortController().signal;

/** A signal that has ended. */
export const aborted = AbortSignal.abort();

const patience = { rounds: 200, pauseMs: 50 };

/** The place a case plays on. Several cases may use one engine one after the other. */
export class EngineStage implements AsyncDisposable {
  readonly under: EngineUnderTest;
  readonly engine: AppEngine;
  /** A container name that no other case uses. */
  readonly container: string;
  /** An image repository that no other case uses. */
  readonly repository: string;
  readonly #prefix = `case${crypto.randomUUID().slice(0, 8)}`;
  readonly #streams: Told[] = [];

  constructor(under: EngineUnderTest) {
    this.under = under;
    this.engine = under.engine;
    this.container = `${this.#prefix}_app`;
    this.repository = `${under.registryHost}/${this.#prefix}/app`;
  }

  /** Stocks a release and creates a container of it. Gives the container's id. */
  async create(
    release: Release = {},
    change: { name?: string; tag?: string; body?: CreateRequest } = {},
  ): Promise<string> {
    const { name = this.container, tag = "1", body = {} } = change;
    const reference = `${this.repository}:${tag}`;
    if (!(await this.engine.imagesOf(this.repository, never)).includes(tag)) await this.under.stock(reference, release);
    return await this.engine.create(name, bodyOf(reference, body), never);
  }

  /** As `create()`, and starts it. */
  async run(release: Release = {}, change: Parameters<EngineStage["create"]>[1] = {}): Promise<string> {
    const id = await this.create(release, change);
    await this.engine.start(id, never);
    return id;
  }

  /** The engine's word for a container of this case; undefined when there is none. */
  async status(name = this.container): Promise<string | undefined> {
    return (await this.engine.inspect(name, never))?.status;
  }

  /** Lets time pass until `check` holds; fails when it never does. */
  async until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
    for (let round = 0; round < patience.rounds; round += 1) {
      if (await check()) return;
      await this.under.pass(patience.pauseMs);
    }
    assert.fail(`Waited in vain: ${what}`);
  }

  /** Lets time pass until `work` has settled, and gives its outcome. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isSettled = false;
    const settle = () => void (isSettled = true);
    work.then(settle, settle);
    await this.until("a call ends", () => isSettled);
    return await work;
  }

  /** Follows the events of this case's containers; returns when the engine has begun to tell them. */
  async follow(): Promise<Told> {
    const controller = new AbortController();
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const actions: string[] = [];
    const ended = this.#read(actions, { signal: controller.signal, open });
    const told = { actions, ended, stop: () => controller.abort() };
    this.#streams.push(told);
    await Promise.race([opened, ended]);
    return told;
  }

  async #read(actions: string[], options: { signal: AbortSignal; open: () => void }): Promise<unknown> {
    try {
      for await (const event of this.engine.events(options.signal, options.open)) {
        if (!event.name.startsWith(this.#prefix)) continue;
        actions.push(event.exitCode === undefined ? event.action : `${event.action} ${event.exitCode}`);
      }
      return undefined;
    } catch (error) {
      return error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const told of this.#streams) {
      told.stop();
      await told.ended;
    }
    for (const { id, names } of await this.engine.listContainers(never)) {
      if (names.some((name) => name.startsWith(this.#prefix))) {
        await this.engine.remove(id, { force: true, signal: never });
      }
    }
    for (const tag of await this.engine.imagesOf(this.repository, never)) {
      await this.engine.untag(`${this.repository}:${tag}`, never);
    }
  }
}

/** Asserts that `work` fails with one of these codes. */
export async function assertFails(work: Promise<unknown>, ...codes: ErrorCode[]): Promise<AgentError> {
  const error = await work.then(() => undefined, (reason: unknown) => reason);
  assert.ok(error instanceof AgentError, `Expected ${codes}, got ${error}`);
  assert.ok(codes.includes(error.code), `Expected ${codes}, got ${error.code}: ${error.message}`);
  return error;
}

function bodyOf(reference: string, change: CreateRequest): CreateRequest {
  return { Image: reference, Tty: true, HostConfig: { NetworkMode: "none" }, ...change };
}
