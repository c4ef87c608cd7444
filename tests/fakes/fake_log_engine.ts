/**
 * A fake container engine on a unix socket: inspection, and logs with `follow`, `since` and `tail` like those of the
 * real engine. Containers have a terminal and print what a test wants. The engine can be stopped and started again, and
 * break its streams.
 */

interface StoredLine {
  /** RFC 3339 with nine decimals. */
  time: string;
  text: string;
}

/** A container of the fake engine. */
export interface FakeLogContainer {
  readonly id: string;
  status: string;
  exitCode: number;
  finishedAt: string;
  /** Of its compose project. */
  project?: string;
  readonly lines: StoredLine[];
  readonly followers: Set<ReadableStreamDefaultController<Uint8Array>>;
}

/** The engine. Disposing ends it and removes its socket. */
export class FakeLogEngine implements AsyncDisposable {
  readonly folder: string;
  readonly containers = new Map<string, FakeLogContainer>();
  /** The query of each log request, in order. */
  readonly logRequests: URLSearchParams[] = [];
  /** Of all containers; every other one than this cannot be read. */
  logDriver = "json-file";
  /** How many of the next log requests are answered with an error. */
  failingLogRequests = 0;
  #server: Deno.HttpServer<Deno.UnixAddr> | undefined;
  #counter = 0;
  readonly #waiting: { isTrue: () => boolean; resolve: () => void }[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Starts an engine without containers. */
  static async start(): Promise<FakeLogEngine> {
    const engine = new FakeLogEngine(await Deno.makeTempDir({ prefix: "logs-" }));
    engine.start();
    return engine;
  }

  /** For DOCKER_HOST. */
  get host(): string {
    return `unix://${this.folder}/docker.sock`;
  }

  /** Listens again after `stop()`. */
  start(): void {
    this.#server = Deno.serve(
      { path: `${this.folder}/docker.sock`, onListen: () => {}, onError: () => new Response(null, { status: 500 }) },
      (request) => this.#answer(request),
    );
  }

  /** Stops listening; streams break, containers stay. */
  async stop(): Promise<void> {
    this.breakStreams();
    await this.#server?.shutdown();
    this.#server = undefined;
    await Deno.remove(`${this.folder}/docker.sock`).catch(() => {});
  }

  /** How many times a container was inspected. */
  inspections = 0;

  /** Makes a container forget its log, as when a full disk is cleaned up. */
  truncateLog(container: FakeLogContainer): void {
    container.lines.length = 0;
  }

  /** Starts a container; it replaces one of the same name, as after a removal. */
  run(name: string, { project }: { project?: string } = {}): FakeLogContainer {
    this.#counter += 1;
    const container = {
      id: `c${this.#counter}`.padEnd(64, "0"),
      status: "running",
      exitCode: 0,
      finishedAt: "0001-01-01T00:00:00Z",
      ...(project === undefined ? {} : { project }),
      lines: [],
      followers: new Set<never>(),
    };
    this.containers.set(name, container);
    return container;
  }

  /** Prints a line. `atNs`: its time in nanoseconds. */
  print(container: FakeLogContainer, text: string, { atNs }: { atNs: number }): void {
    const stamp = `2031-03-05T07:00:${String(Math.floor(atNs / 1e9)).padStart(2, "0")}.${
      String(atNs % 1e9).padStart(9, "0")
    }Z`;
    const line = { time: stamp, text };
    container.lines.push(line);
    for (const follower of container.followers) follower.enqueue(encode(line));
  }

  /** Ends a container as its program would. */
  exit(container: FakeLogContainer, exitCode = 0): void {
    container.status = "exited";
    container.exitCode = exitCode;
    container.finishedAt = `2031-03-05T07:10:00.${String(this.#counter += 1).padStart(9, "0")}Z`;
    for (const follower of container.followers) follower.close();
    container.followers.clear();
    this.#check();
  }

  /** Starts a container again. */
  restart(container: FakeLogContainer): void {
    container.status = "running";
  }

  /** Removes a container; its streams end. */
  remove(name: string): void {
    const container = this.containers.get(name);
    this.containers.delete(name);
    if (container !== undefined) this.exit(container);
  }

  /** Breaks all log streams. */
  breakStreams(): void {
    for (const container of this.containers.values()) {
      for (const follower of container.followers) follower.error(new Error("broken"));
      container.followers.clear();
    }
  }

  /** Resolves when the container is followed. */
  async followed(container: FakeLogContainer): Promise<void> {
    await this.#until(() => container.followers.size > 0);
  }

  /** Resolves after `count` log requests. */
  async requested(count: number): Promise<void> {
    await this.#until(() => this.logRequests.length >= count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.folder, { recursive: true });
  }

  #answer(request: Request): Response {
    const url = new URL(request.url);
    if (url.pathname.endsWith("/containers/json")) return Response.json(this.#list(url.searchParams.get("filters")));
    const [, nameOrId = "", what = ""] = /^(?:\/v[0-9.]+)?\/containers\/([^/]+)\/(json|logs)$/.exec(url.pathname) ?? [];
    const found = [...this.containers].find(([name, { id }]) => name === nameOrId || id === nameOrId);
    if (found === undefined) return Response.json({ message: `No such container: ${nameOrId}` }, { status: 404 });
    const [name, container] = found;
    if (what === "json") {
      this.inspections += 1;
      return Response.json(inspectBody(name, container, this.logDriver));
    }
    this.logRequests.push(url.searchParams);
    this.#check();
    if (this.failingLogRequests > 0) {
      this.failingLogRequests -= 1;
      return Response.json({ message: "cannot open the log" }, { status: 500 });
    }
    if (this.logDriver !== "json-file") {
      return Response.json({ message: "configured logging driver does not support reading" }, { status: 501 });
    }
    return new Response(this.#logs(container, url.searchParams));
  }

  #list(filters: string | null): unknown[] {
    const [label = ""] = JSON.parse(filters ?? "{}").label ?? [];
    const project = label.replace("com.docker.compose.project=", "");
    return [...this.containers].filter(([, one]) => one.project === project)
      .map(([name, { id, status }]) => ({ Id: id, Names: [`/${name}`], State: status }));
  }

  #logs(container: FakeLogContainer, query: URLSearchParams): ReadableStream<Uint8Array> {
    const since = query.get("since") ?? "";
    const tail = Number(query.get("tail") ?? NaN);
    const last = Number.isNaN(tail) ? container.lines : container.lines.slice(-tail);
    const lines = last.filter((line) => since === "" || seconds(line.time) >= seconds(since));
    const follows = query.get("follow") === "1" && container.status === "running";
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (const line of lines) controller.enqueue(encode(line));
        if (!follows) return controller.close();
        container.followers.add(controller);
        this.#check();
      },
      cancel: () => {
        container.followers.clear();
      },
    });
  }

  async #until(isTrue: () => boolean): Promise<void> {
    if (isTrue()) return;
    await new Promise<void>((resolve) => this.#waiting.push({ isTrue, resolve }));
  }

  #check(): void {
    for (const { isTrue, resolve } of this.#waiting) if (isTrue()) resolve();
  }
}

function inspectBody(name: string, container: FakeLogContainer, logDriver: string): unknown {
  return {
    Id: container.id,
    Name: `/${name}`,
    State: { Status: container.status, ExitCode: container.exitCode, FinishedAt: container.finishedAt },
    Config: { Tty: true, Image: "x" },
    HostConfig: { LogConfig: { Type: logDriver } },
  };
}

function encode(line: StoredLine): Uint8Array {
  return new TextEncoder().encode(`${line.time} ${line.text}\r\n`);
}

/** Seconds since 1970 with nine decimals, as comparable text; `time` has either spelling of the engine. */
function seconds(time: string): string {
  if (/^[0-9]/.test(time) && !time.includes("T")) return time;
  const fraction = /\.([0-9]+)/.exec(time)?.[1] ?? "";
  return `${Math.floor(Date.parse(time) / 1000)}.${fraction.padEnd(9, "0")}`;
}
