/**
 * A container engine in memory, for tests that need many lives of an app in little time: containers, images, pulls and
 * events, with the error codes of the real one. `tests/contract/engine_cases.ts` holds it against a real engine.
 */

import type { Clock } from "../../lib/async/clock.ts";
import { AgentError, type ErrorCode } from "../../lib/base/errors.ts";
import type { CreateRequest } from "../../lib/docker/engine.ts";
import {
  type ContainerDetails,
  type ContainerSummary,
  decodeContainer,
  type EnginePlatform,
  type ImageDetails,
  type ImageSummary,
} from "../../lib/docker/decode.ts";
import type { EngineEvent } from "../../lib/docker/events.ts";
import type { ExitCondition, ExitWatch } from "../../lib/docker/exit_watch.ts";
import type { Pull } from "../../lib/docker/pull.ts";
import { type RegistryAuth, splitReference } from "../../lib/docker/registry.ts";
import { isUp, killedExitCode, listed, listedImage, longAgo, takenPort } from "./fake_containers.ts";
import { FakeNetworks } from "./fake_networks.ts";
import { FakeVolumes } from "./fake_volumes.ts";
import type { StoredContainer } from "./stored_container.ts";

/** What an image in the registry does when it runs. */
export interface Release {
  /** A run ends by itself after this long; absent: never. */
  livesMs?: number;
  exitCode?: number;
  /** How long its pull takes. */
  pullMs?: number;
  /** Absent: `amd64`, like the device. */
  architecture?: string;
  /** Absent: `linux`. */
  os?: string;
  /** The machine does not understand its program. */
  cannotRun?: boolean;
  /** Of its manifest, as a pull reports it. */
  digest?: string;
  /** After a pull its tag names another image. */
  hasMoved?: boolean;
  /** Paths that it declares as volumes. */
  volumes?: readonly string[];
}

const never = new AbortController().signal;

/** The engine and the registry that it pulls from. */
export class FakeEngine extends FakeNetworks {
  /** Releases by full reference. */
  readonly registry = new Map<string, Release>();
  /** What the registry answers every pull with. */
  pullFailure: AgentError | undefined;
  /** When pulls were asked for, on the clock. */
  readonly pulledAtMs: number[] = [];
  /** How many times it was called. */
  calls = 0;
  onCall: () => void = () => {}; // before each call is answered
  readonly #clock: Clock;
  readonly #password: string | undefined;
  readonly #containers = new Map<string, StoredContainer>();
  readonly #images = new Set<string>();
  readonly #volumes = new FakeVolumes();
  readonly #listeners = new Set<(event: EngineEvent | "gone") => void>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #life = new AbortController();
  /** Aborted when the engine goes away. */
  #presence = new AbortController();
  #created = 0;
  #events = 0n;

  /** With `password` given, logins and pulls need it. */
  constructor(clock: Clock, options: { password?: string } = {}) {
    super();
    this.#clock = clock;
    this.#password = options.password;
  }

  /** Stops with all containers, as the service does for a restart. */
  goAway(): void {
    for (const { seen } of this.#containers.values()) this.#exit(seen.id, 0);
    this.#presence.abort();
    for (const listen of [...this.#listeners]) listen("gone");
  }

  /** Starts again. */
  comeBack(): void {
    if (this.#presence.signal.aborted) this.#presence = new AbortController();
  }

  /** Gives the engine an image, as if it had been pulled. */
  stock(reference: string, release: Release): void {
    this.registry.set(reference, release);
    this.#images.add(reference);
  }

  /** Kills the process of a container. A missing container is fine. */
  kill(name: string): void {
    const found = this.#find(name);
    if (found !== undefined) this.#signal(found, killedExitCode);
  }

  /** Pauses a container, if it is running. */
  pause(name: string): void {
    this.#change("paused", { name, from: "running", action: "pause" });
  }

  /** Unpauses a container, if it is paused. */
  unpause(name: string): void {
    this.#change("running", { name, from: "paused", action: "unpause" });
  }

  /** Lets the health check of a container come to a verdict. */
  check(name: string, health: { status: "healthy" | "unhealthy"; output: string }): void {
    const { seen } = this.#find(name) ?? fail("container_missing", name);
    seen.health = health;
    this.#emit(`health_status: ${health.status}`, seen);
  }

  /** References of all images that the engine has. */
  get images(): string[] {
    return [...this.#images].sort();
  }

  /** The status of a container, by name. */
  status(name: string): string | undefined {
    return this.#find(name)?.seen.status;
  }

  async inspect(nameOrId: string, signal: AbortSignal): Promise<ContainerDetails | undefined> {
    await this.#call(signal);
    const found = this.#find(nameOrId);
    return found && structuredClone(found.seen);
  }

  async listContainers(signal: AbortSignal): Promise<ContainerSummary[]> {
    await this.#call(signal);
    return [...this.#containers.values()].map(({ seen }) => listed(seen));
  }

  async listProject(project: string, signal: AbortSignal): Promise<ContainerSummary[]> {
    return (await this.listContainers(signal)).filter(({ labels }) => labels["com.docker.compose.project"] === project);
  }

  async listImages(signal: AbortSignal): Promise<ImageSummary[]> {
    await this.#call(signal);
    return this.images.map(listedImage);
  }

  async imagesOf(repository: string, signal: AbortSignal): Promise<string[]> {
    await this.#call(signal);
    return this.images.map(splitReference).filter((image) => image.repository === repository).map(({ tag }) => tag);
  }

  override async inspectImage(reference: string, signal: AbortSignal): Promise<ImageDetails | undefined> {
    await this.#call(signal);
    if (!this.#images.has(reference)) return undefined;
    const release = this.registry.get(reference) ?? {};
    const { os = "linux", architecture = "amd64", digest, hasMoved = false, volumes = [] } = release;
    const digests = digest === undefined ? [] : [hasMoved ? `${digest}-other` : digest];
    return { os, architecture, digests, volumes: [...volumes], stopTimeoutSeconds: undefined };
  }

  async volumesWith(labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<string[]> {
    await this.#call(signal);
    return this.#volumes.namesWith(labels);
  }

  async removeVolume(name: string, signal: AbortSignal): Promise<void> {
    await this.#call(signal);
    const isUsed = [...this.#containers.values()].some(({ seen }) => seen.volumes.some((used) => used.name === name));
    if (isUsed) fail("volume_in_use", `remove ${name}: volume is in use`);
    this.#volumes.remove(name);
  }

  async remapsUsers(signal: AbortSignal): Promise<boolean> {
    await this.#call(signal);
    return false;
  }

  async platform(signal: AbortSignal): Promise<EnginePlatform> {
    await this.#call(signal);
    return { os: "linux", architecture: "amd64" };
  }

  async settingsOf(nameOrId: string, signal: AbortSignal): Promise<CreateRequest | undefined> {
    await this.#call(signal);
    return structuredClone(this.#find(nameOrId)?.body);
  }

  async addTag(reference: string, name: { repository: string; tag: string }, signal: AbortSignal): Promise<void> {
    await this.#call(signal);
    if (!this.#images.has(reference)) fail("image_missing", `No such image: ${reference}`);
    this.stock(`${name.repository}:${name.tag}`, this.registry.get(reference) ?? {});
  }

  async untag(reference: string, signal: AbortSignal): Promise<void> {
    await this.#call(signal);
    const user = [...this.#containers.values()].find(({ seen }) => seen.image === reference);
    if (user !== undefined) fail("engine_failed", `conflict: container ${user.seen.id} is using ${reference}`);
    this.#images.delete(reference);
  }

  async checkLogin(auth: RegistryAuth, signal: AbortSignal): Promise<void> {
    await this.#call(signal);
    if (!this.#isGood(auth)) fail("denied", "unauthorized: authentication required");
  }

  async openPull(reference: string, auth: RegistryAuth | undefined, signal: AbortSignal): Promise<Pull> {
    await this.#call(signal);
    const release = this.registry.get(reference);
    this.pulledAtMs.push(this.#clock.now());
    if (this.pullFailure !== undefined) throw this.pullFailure;
    if (!this.#isGood(auth)) fail("pull_failed", "unauthorized: authentication required");
    if (release === undefined) fail("image_missing", `manifest for ${reference} not found`);
    return {
      readToEnd: async (onLine) => {
        onLine('{"status":"Pulling"}');
        await this.#transfer(release.pullMs ?? 0, signal);
        this.#images.add(reference);
        return release.digest ?? "";
      },
    };
  }

  async create(name: string, body: CreateRequest, signal: AbortSignal): Promise<string> {
    await this.#call(signal);
    const image = String(body.Image);
    if (!this.#images.has(image)) fail("image_missing", `No such image: ${image}`);
    if (this.#find(name) !== undefined) fail("name_in_use", `The name "/${name}" is already in use by container`);
    const id = `c${++this.#created}`;
    const State = { Status: "created", StartedAt: longAgo, FinishedAt: longAgo };
    const Mounts = this.#volumes.mount(body);
    const seen = decodeContainer({ Id: id, Name: name, State, Config: body, HostConfig: body.HostConfig, Mounts });
    this.#containers.set(id, { seen, body, runs: 0, exits: new Set() });
    this.#emit("create", seen);
    return id;
  }

  async watchExit(id: string, options: { condition: ExitCondition; signal: AbortSignal }): Promise<ExitWatch> {
    await this.#call(options.signal);
    const found = this.#need(id);
    if (options.condition !== "next-exit") fail("internal", `This engine does not know "${options.condition}"`);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    found.exits.add(resolve);
    options.signal.addEventListener("abort", () => reject(new AgentError("canceled", "aborted")), { once: true });
    const onGone = () => reject(new AgentError("engine_unreachable", "the engine has gone"));
    this.#presence.signal.addEventListener("abort", onGone, { once: true });
    // The code may never be asked for.
    promise.catch(() => {});
    return { exitCode: () => promise };
  }

  async start(id: string, signal: AbortSignal): Promise<void> {
    await this.#call(signal);
    const found = this.#need(id);
    const { seen } = found;
    if (isUp(seen)) return;
    const { cannotRun = false } = this.registry.get(seen.image) ?? {};
    if (cannotRun) fail("engine_failed", "exec /program: exec format error");
    const port = takenPort(seen, [...this.#containers.values()].map((other) => other.seen));
    if (port !== undefined) fail("port_in_use", `Bind for 0.0.0.0:${port} failed: port is already allocated`);
    found.runs += 1;
    Object.assign(seen, { status: "running", exitCode: 0, startedAt: this.#clock.wall().toISOString() });
    this.#emit("start", seen);
    const { livesMs, exitCode = 0 } = this.registry.get(seen.image) ?? {};
    if (livesMs !== undefined) this.#keep(this.#end(found, { livesMs, exitCode }));
  }

  async stop(id: string, options: { graceSeconds: number; signal: AbortSignal }): Promise<void> {
    await this.#call(options.signal);
    const found = this.#need(id);
    if (!isUp(found.seen)) return;
    this.#signal(found, 0);
    this.#emit("stop", found.seen);
  }

  async remove(idOrName: string, options: { force: boolean; signal: AbortSignal }): Promise<void> {
    await this.#call(options.signal);
    const found = this.#need(idOrName);
    const { id } = found.seen;
    if (isUp(found.seen) && !options.force) fail("engine_failed", `cannot remove container ${id}: it is running`);
    this.#signal(found, killedExitCode);
    this.#containers.delete(id);
    this.#emit("destroy", found.seen);
  }

  async *events(signal: AbortSignal, onOpen?: () => void): AsyncGenerator<EngineEvent, void> {
    if (signal.aborted) return;
    await this.#call(never);
    const waiting: (EngineEvent | "gone")[] = [];
    let wake = () => {};
    const listen = (event: EngineEvent | "gone") => {
      waiting.push(event);
      wake();
    };
    this.#listeners.add(listen);
    signal.addEventListener("abort", () => wake(), { once: true });
    onOpen?.();
    try {
      while (!signal.aborted) {
        const event = waiting.shift();
        if (event === "gone") fail("engine_unreachable", "the engine has gone");
        if (event !== undefined) yield event;
        else await new Promise<void>((resolve) => wake = resolve);
      }
    } finally {
      this.#listeners.delete(listen);
    }
  }

  /** Ends everything that runs in the background. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await Promise.all(this.#tasks);
  }

  /** Begins a call: it takes a turn of the event loop, and fails like one of the real engine. */
  async #call(signal: AbortSignal): Promise<void> {
    this.calls += 1;
    this.onCall();
    await Promise.resolve();
    if (signal.aborted) fail("canceled", "aborted");
    if (this.#presence.signal.aborted) fail("engine_unreachable", "no engine");
  }

  /** Waits for as long as a pull takes. Fails when the caller or the engine goes away. */
  async #transfer(pullMs: number, signal: AbortSignal): Promise<void> {
    const presence = this.#presence.signal;
    try {
      await this.#clock.sleep(pullMs, AbortSignal.any([signal, presence]));
    } catch (error) {
      if (presence.aborted) fail("engine_unreachable", "the engine has gone");
      throw error;
    }
  }

  async #end(found: StoredContainer, life: { livesMs: number; exitCode: number }): Promise<void> {
    const run = found.runs;
    try {
      await this.#clock.sleep(life.livesMs, this.#life.signal);
    } catch {
      // The test is over.
      return;
    }
    if (found.runs === run) this.#exit(found.seen.id, life.exitCode);
  }

  /** Ends the process by a signal, if it is running. */
  #signal({ seen }: StoredContainer, exitCode: number): void {
    if (!isUp(seen)) return;
    this.#emit("kill", seen);
    this.#exit(seen.id, exitCode);
  }

  #exit(id: string, exitCode: number): void {
    const found = this.#containers.get(id);
    if (found === undefined || !isUp(found.seen)) return;
    Object.assign(found.seen, { status: "exited", exitCode, finishedAt: this.#clock.wall().toISOString() });
    for (const resolve of found.exits) resolve(exitCode);
    found.exits.clear();
    this.#emit("die", found.seen, { exitCode });
  }

  #change(status: string, options: { name: string; from: string; action: string }): void {
    const found = this.#find(options.name);
    if (found?.seen.status !== options.from) return;
    found.seen.status = status;
    this.#emit(options.action, found.seen);
  }

  #isGood(auth: RegistryAuth | undefined): boolean {
    return this.#password === undefined || auth?.password === this.#password;
  }

  #find(nameOrId: string): StoredContainer | undefined {
    return this.#containers.get(nameOrId) ??
      [...this.#containers.values()].find(({ seen }) => seen.name === nameOrId);
  }

  #need(nameOrId: string): StoredContainer {
    return this.#find(nameOrId) ?? fail("container_missing", `No such container: ${nameOrId}`);
  }

  #emit(action: string, seen: ContainerDetails, more: { exitCode?: number } = {}): void {
    const { id, name, labels } = seen;
    this.#events += 1n;
    for (const listen of [...this.#listeners]) listen({ action, id, name, labels, ...more, timeNano: this.#events });
  }

  #keep(task: Promise<void>): void {
    const kept: Promise<void> = task.finally(() => this.#tasks.delete(kept));
    this.#tasks.add(kept);
  }
}

function fail(code: ErrorCode, text: string): never {
  throw new AgentError(code, text);
}
