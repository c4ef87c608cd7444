/**
 * A container engine in memory, for tests that need many lives of an app in little time: containers, images, pulls and events,
 * with the error codes of the real one. `engine_cases.ts` holds it against a real engine.
 */

import type { Clock } from "../../lib/base/clock.ts";
import { AgentError, type ErrorCode } from "../../lib/base/errors.ts";
import type {
  ContainerSeen,
  ContainerSummary,
  CreateRequest,
  EngineEvent,
  ExitCondition,
  ExitWatch,
  ImageSeen,
  Pull,
} from "../../lib/docker/engine.ts";
import { splitReference } from "../../lib/docker/registry.ts";

/** What an image in the registry does when it runs. */
export interface Release {
  /** A run ends by itself after this long; it goes on for ever when it is not given. */
  livesMs?: number;
  exitCode?: number;
  /** How long its pull takes. */
  pullMs?: number;
}

interface Stored {
  seen: ContainerSeen;
  exits: Set<(exitCode: number) => void>;
}

/** The engine and the registry that it pulls from. */
export class SmallEngine {
  /** Releases by full reference. */
  readonly registry = new Map<string, Release>();
  readonly #clock: Clock;
  readonly #containers = new Map<string, Stored>();
  readonly #images = new Set<string>();
  readonly #listeners = new Set<(event: EngineEvent | "gone") => void>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #life = new AbortController();
  #isThere = true;
  #made = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Stops with all containers, as a restart of the service does. */
  leave(): void {
    for (const { seen } of this.#containers.values()) this.#exit(seen.id, 137);
    this.#isThere = false;
    for (const tell of [...this.#listeners]) tell("gone");
  }

  /** Is there again. */
  comeBack(): void {
    this.#isThere = true;
  }

  /** Ends the process of a container; no such container is fine. */
  kill(name: string): void {
    const found = this.#find(name);
    if (found !== undefined) this.#exit(found.seen.id, 137);
  }

  /** Tags in the store of the engine. */
  get images(): string[] {
    return [...this.#images].sort();
  }

  /** Status of a container by name. */
  status(name: string): string | undefined {
    return this.#find(name)?.seen.status;
  }

  async inspect(nameOrId: string, signal: AbortSignal): Promise<ContainerSeen | undefined> {
    await this.#turn(signal);
    const found = this.#find(nameOrId);
    return found && structuredClone(found.seen);
  }

  async listContainers(signal: AbortSignal): Promise<ContainerSummary[]> {
    await this.#turn(signal);
    return [...this.#containers.values()].map(({ seen }) => {
      return { id: seen.id, names: [seen.name], state: seen.status, image: seen.image, labels: seen.labels };
    });
  }

  async listImages(signal: AbortSignal): Promise<ImageSeen[]> {
    await this.#turn(signal);
    return this.images.map((tag) => {
      const unknown = { created: undefined, size: undefined, sharedSize: undefined, virtualSize: undefined };
      return { id: tag, repoTags: [tag], labels: {}, containers: undefined, ...unknown };
    });
  }

  async imagesOf(repository: string, signal: AbortSignal): Promise<string[]> {
    await this.#turn(signal);
    return this.images.map(splitReference).filter((image) => image.repository === repository).map(({ tag }) => tag);
  }

  async untag(reference: string, signal: AbortSignal): Promise<void> {
    await this.#turn(signal);
    this.#images.delete(reference);
  }

  async checkLogin(_auth: unknown, signal: AbortSignal): Promise<void> {
    await this.#turn(signal);
  }

  async openPull(reference: string, _auth: unknown, signal: AbortSignal): Promise<Pull> {
    await this.#turn(signal);
    const release = this.registry.get(reference);
    if (release === undefined) fail("pull_failed", `manifest for ${reference} not found`);
    return {
      readToEnd: async (onLine) => {
        onLine('{"status":"Pulling"}');
        await this.#clock.sleep(release.pullMs ?? 0, signal);
        await this.#turn(signal);
        this.#images.add(reference);
      },
    };
  }

  async create(name: string, body: CreateRequest, signal: AbortSignal): Promise<string> {
    await this.#turn(signal);
    if (this.#find(name) !== undefined) fail("name_in_use", `The name "/${name}" is already in use by container`);
    const image = String(body.Image);
    if (!this.#images.has(image)) fail("image_missing", `No such image: ${image}`);
    const id = `c${++this.#made}`;
    const seen: ContainerSeen = {
      ...{ id, name, image, status: "created", exitCode: 0, error: "", oomKilled: false, networkMode: "bridge" },
      ...{ startedAt: "0001-01-01T00:00:00Z", finishedAt: "0001-01-01T00:00:00Z", portBindings: {}, env: [] },
      ...{ labels: labelsOf(body), tty: true },
    };
    this.#containers.set(id, { seen, exits: new Set() });
    this.#tell("create", seen);
    return id;
  }

  async watchExit(id: string, options: { condition: ExitCondition; signal: AbortSignal }): Promise<ExitWatch> {
    await this.#turn(options.signal);
    const found = this.#need(id);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    found.exits.add(resolve);
    options.signal.addEventListener("abort", () => reject(new AgentError("canceled", "aborted")), { once: true });
    // Nobody may ask for the code.
    promise.catch(() => {});
    return { exitCode: () => promise };
  }

  async start(id: string, signal: AbortSignal): Promise<void> {
    await this.#turn(signal);
    const { seen } = this.#need(id);
    seen.status = "running";
    seen.startedAt = this.#clock.wall().toISOString();
    this.#tell("start", seen);
    const { livesMs, exitCode = 0 } = this.registry.get(seen.image) ?? {};
    if (livesMs !== undefined) this.#keep(this.#end(seen, { livesMs, exitCode }));
  }

  async stop(id: string, options: { graceSeconds: number; signal: AbortSignal }): Promise<void> {
    await this.#turn(options.signal);
    this.#exit(this.#need(id).seen.id, 0);
  }

  async remove(idOrName: string, options: { force: boolean; signal: AbortSignal }): Promise<void> {
    await this.#turn(options.signal);
    const { seen } = this.#need(idOrName);
    this.#exit(seen.id, 137);
    this.#containers.delete(seen.id);
    this.#tell("destroy", seen);
  }

  async *events(signal: AbortSignal, onOpen?: () => void): AsyncGenerator<EngineEvent, void> {
    await this.#turn(signal);
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

  /** Ends all that goes on by itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await Promise.all(this.#tasks);
  }

  /** A call takes a turn of the loop, and fails as one of the real engine does. */
  async #turn(signal: AbortSignal): Promise<void> {
    await Promise.resolve();
    if (signal.aborted) fail("canceled", "aborted");
    if (!this.#isThere) fail("engine_unreachable", "no engine");
  }

  async #end(seen: ContainerSeen, run: { livesMs: number; exitCode: number }): Promise<void> {
    const { startedAt } = seen;
    try {
      await this.#clock.sleep(run.livesMs, this.#life.signal);
    } catch {
      // The test is over.
      return;
    }
    if (seen.startedAt === startedAt) this.#exit(seen.id, run.exitCode);
  }

  #exit(id: string, exitCode: number): void {
    const found = this.#containers.get(id);
    if (found?.seen.status !== "running") return;
    Object.assign(found.seen, { status: "exited", exitCode, finishedAt: this.#clock.wall().toISOString() });
    for (const tell of found.exits) tell(exitCode);
    found.exits.clear();
    this.#tell("die", found.seen);
  }

  #find(nameOrId: string): Stored | undefined {
    return this.#containers.get(nameOrId) ??
      [...this.#containers.values()].find(({ seen }) => seen.name === nameOrId);
  }

  #need(nameOrId: string): Stored {
    return this.#find(nameOrId) ?? fail("container_missing", `No such container: ${nameOrId}`);
  }

  #tell(action: string, { id, name, labels }: ContainerSeen): void {
    for (const tell of [...this.#listeners]) tell({ action, id, name, labels, timeNano: 1n });
  }

  #keep(task: Promise<void>): void {
    const kept: Promise<void> = task.finally(() => this.#tasks.delete(kept));
    this.#tasks.add(kept);
  }
}

function labelsOf(body: CreateRequest): Record<string, string> {
  const labels: unknown = body.Labels;
  return typeof labels === "object" && labels !== null ? Object.fromEntries(Object.entries(labels)) : {};
}

function fail(code: ErrorCode, text: string): never {
  throw new AgentError(code, text);
}
