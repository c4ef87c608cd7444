/** What a case of the engine contract works with: the engine under test, control over it, and names of its own. */

import assert from "node:assert/strict";
import { AgentError, type ErrorCode } from "../../lib/base/errors.ts";
import type { CreateRequest, Engine } from "../../lib/docker/engine.ts";
import type { RegistryAuth } from "../../lib/docker/registry.ts";
import type { Release } from "../fakes/fake_engine.ts";

/** The calls that the apps make. */
export type AppEngine = Pick<
  Engine,
  | ("addTag" | "checkLogin" | "create" | "events" | "imagesOf" | "inspect" | "listContainers" | "listImages")
  | ("openPull" | "remapsUsers" | "remove" | "removeVolume" | "start" | "stop" | "untag" | "volumesWith" | "watchExit")
>;

/** An engine with its registry, and control over both. */
export interface EngineUnderTest {
  engine: AppEngine;
  /** Host of the registry, with port. */
  registryHost: string;
  /** A valid login. */
  auth: RegistryAuth;
  /** Adds a release to the registry. */
  publish(reference: string, release: Release): Promise<void>;
  /** Adds a release to the engine's local images. */
  stock(reference: string, release: Release): Promise<void>;
  /** Stops the registry from answering until `thawRegistry()`. */
  freezeRegistry(): Promise<void>;
  thawRegistry(): void;
  /** SIGKILL for the process of a container. */
  kill(name: string): Promise<void>;
  pause(name: string): Promise<void>;
  unpause(name: string): Promise<void>;
  /** Stops the engine with its containers. */
  stopEngine(): Promise<void>;
  startEngine(): Promise<void>;
  /** Lets time pass: real time, or that of the fake engine's clock. */
  pass(ms: number): Promise<void>;
}

/** One thing that an engine must do. */
export interface EngineCase {
  name: string;
  run(fixture: EngineFixture): Promise<void>;
}

/** The events of a case's containers, as they arrive. */
export interface FollowedEvents {
  /** `<action>`; `die` is followed by the exit code. */
  readonly actions: readonly string[];
  /** Resolves at the end of the stream, with the error that it threw. */
  readonly ended: Promise<unknown>;
  /** Waits for an action. Returns all but `stop`, which may come before or after `die`. */
  actionsUntil(last: string): Promise<string[]>;
  stop(): void;
}

/** A signal that is never aborted. */
export const never = new AbortController().signal;

/** An aborted signal. */
export const aborted = AbortSignal.abort();

const polling = { times: 200, pauseMs: 50 };

/** The fixture of one case. Cases may share an engine. Disposing removes the case's containers and images. */
export class EngineFixture implements AsyncDisposable {
  readonly control: EngineUnderTest;
  readonly engine: AppEngine;
  /** A container name that is unique to the case. */
  readonly container: string;
  /** An image repository that is unique to the case. */
  readonly repository: string;
  readonly #prefix = `case${crypto.randomUUID().slice(0, 8)}`;
  readonly #streams: FollowedEvents[] = [];

  constructor(control: EngineUnderTest) {
    this.control = control;
    this.engine = control.engine;
    this.container = `${this.#prefix}_app`;
    this.repository = `${control.registryHost}/${this.#prefix}/app`;
  }

  /** Stocks a release and creates a container from it. Returns the container's id. */
  async create(
    release: Release = {},
    change: { name?: string; tag?: string; body?: CreateRequest } = {},
  ): Promise<string> {
    const { name = this.container, tag = "1", body = {} } = change;
    const reference = `${this.repository}:${tag}`;
    if (!(await this.engine.imagesOf(this.repository, never)).includes(tag)) {
      await this.control.stock(reference, release);
    }
    return await this.engine.create(name, bodyOf(reference, body), never);
  }

  /** Creates a container like `create()` and starts it. */
  async run(release: Release = {}, change: Parameters<EngineFixture["create"]>[1] = {}): Promise<string> {
    const id = await this.create(release, change);
    await this.engine.start(id, never);
    return id;
  }

  /** The status of a container as the engine reports it; undefined when there is none. */
  async status(name = this.container): Promise<string | undefined> {
    return (await this.engine.inspect(name, never))?.status;
  }

  /** Lets time pass until `check` returns true. Throws when it never does. */
  async until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
    for (let count = 0; count < polling.times; count += 1) {
      if (await check()) return;
      await this.control.pass(polling.pauseMs);
    }
    assert.fail(`Waited in vain: ${what}`);
  }

  /** Lets time pass until `work` has settled, and returns its outcome. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isSettled = false;
    const settle = () => void (isSettled = true);
    work.then(settle, settle);
    await this.until("a call ends", () => isSettled);
    return await work;
  }

  /** Follows the events of this case's containers; resolves once the stream is open. */
  async follow(): Promise<FollowedEvents> {
    const controller = new AbortController();
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const actions: string[] = [];
    const ended = this.#read(actions, { signal: controller.signal, open });
    const actionsUntil = async (last: string) => {
      await this.until(`event ${last}`, () => actions.includes(last));
      return actions.filter((action) => action !== "stop");
    };
    const events = { actions, ended, actionsUntil, stop: () => controller.abort() };
    this.#streams.push(events);
    await Promise.race([opened, ended]);
    return events;
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
    for (const events of this.#streams) {
      events.stop();
      await events.ended;
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

/** Asserts that `work` fails with one of the given codes. */
export async function assertFails(work: Promise<unknown>, ...codes: ErrorCode[]): Promise<AgentError> {
  const error = await work.then(() => undefined, (reason: unknown) => reason);
  assert.ok(error instanceof AgentError, `Expected ${codes}, got ${error}`);
  assert.ok(codes.includes(error.code), `Expected ${codes}, got ${error.code}: ${error.message}`);
  return error;
}

function bodyOf(reference: string, change: CreateRequest): CreateRequest {
  return { Image: reference, Tty: true, HostConfig: { NetworkMode: "none" }, ...change };
}
