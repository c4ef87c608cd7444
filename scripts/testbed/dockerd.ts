/** A real, private Docker engine in a box. */

import { requireBox } from "./box.ts";
import {
  type Background,
  endProcess,
  freezeProcess,
  isRunning,
  killProcess,
  listProcesses,
  sendSignal,
  startInBackground,
} from "./background.ts";
import { pollUntil } from "./wait.ts";
import { readTextIfThere, removeForeignFolder } from "../files.ts";
import { runProgram } from "../programs.ts";

/** Options of an engine. */
export interface DockerdOptions {
  /** Containers keep running while the engine is away. */
  liveRestore?: boolean;
  /** More arguments for dockerd. */
  args?: readonly string[];
  /** Imports the image `busybox:1` at the start; true unless given. */
  busybox?: boolean;
}

/** The image that every engine starts with: static busybox with its applets in PATH. */
export const busyboxImage = "busybox:1";

/**
 * A running dockerd with its containerd.
 * - Its folder, socket and arguments survive stop, kill and start.
 * - Disposing ends it with all of its containers and removes its folder.
 */
export class Dockerd implements AsyncDisposable {
  readonly folder: string;
  readonly socket: string;
  readonly #args: readonly string[];
  #process: Background | undefined;

  private constructor(folder: string, options: DockerdOptions) {
    this.folder = folder;
    this.socket = `${folder}/docker.sock`;
    this.#args = dockerdArgs(folder, options);
  }

  /** Starts an engine and waits until it responds. */
  static async start(options: DockerdOptions = {}): Promise<Dockerd> {
    requireBox();
    const engine = new Dockerd(await Deno.makeTempDir({ prefix: "e-" }), options);
    // Keeps it from reading the machine's settings in /etc/docker.
    await Deno.writeTextFile(`${engine.folder}/daemon.json`, "{}");
    try {
      await engine.start();
      if (options.busybox ?? true) await engine.importBusybox();
    } catch (error) {
      await engine[Symbol.asyncDispose]();
      throw error;
    }
    return engine;
  }

  /** For DOCKER_HOST: `unix://…`. */
  get host(): string {
    return `unix://${this.socket}`;
  }

  /** The process id of dockerd; undefined while it is stopped. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Starts it again after `stop()` or `kill()` and waits until it responds. */
  async start(): Promise<void> {
    await this.#removeStalePid();
    const process = await startInBackground("dockerd", this.#args, { logFile: `${this.folder}/dockerd.log` });
    this.#process = process;
    await pollUntil("dockerd answers", async () => {
      if (await isReady(this.socket)) return true;
      if (!await isRunning(process.pid)) throw new Error(`dockerd ended:\n${await this.readLog()}`);
      return undefined;
    }, { limitMs: 30_000 });
  }

  /** Stops it gracefully, as a restart of the service would; containers stop unless `liveRestore` is on. */
  async stop(): Promise<void> {
    if (this.#process !== undefined) await endProcess(this.#process.pid, 30_000);
    this.#process = undefined;
  }

  /** Kills dockerd. Containers and containerd keep running. */
  async kill(): Promise<void> {
    const pid = this.#process?.pid;
    if (pid === undefined) return;
    sendSignal(pid, "SIGKILL");
    await pollUntil("dockerd is gone", async () => !(await isRunning(pid)) || undefined);
    this.#process = undefined;
  }

  /** Stops dockerd and starts it again. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Freezes dockerd (it accepts connections and never answers) until `thaw()`. */
  async freeze(): Promise<void> {
    if (this.#process !== undefined) await freezeProcess(this.#process.pid);
  }

  /** Ends a `freeze()`. */
  thaw(): void {
    if (this.#process !== undefined) sendSignal(this.#process.pid, "SIGCONT");
  }

  /**
   * Runs the docker command with this engine and returns its output without the last line feed; throws when it fails.
   */
  async docker(...args: string[]): Promise<string> {
    const ended = await this.tryDocker(args);
    if (ended.code !== 0) throw new Error(`docker ${args.join(" ")}: ${ended.stderr.trim() || ended.stdout.trim()}`);
    return ended.stdout.replace(/\n$/, "");
  }

  /** Like `docker()`, but returns the exit code too and takes bytes for stdin. */
  async tryDocker(
    args: readonly string[],
    stdin?: Uint8Array,
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    return await runProgram("docker", ["-H", this.host, ...args], stdin === undefined ? {} : { stdin });
  }

  /** Creates the image `busybox:1` without a network. */
  async importBusybox(): Promise<void> {
    const script =
      'set -e; d=$(mktemp -d); mkdir -p $d/bin $d/tmp $d/etc; cp "$(command -v busybox)" $d/bin/busybox; ' +
      'for a in $($d/bin/busybox --list); do [ $a = busybox ] || ln -s busybox $d/bin/$a; done; echo "root:x:0:0::/:/bin/sh" >$d/etc/passwd; ' +
      'tar -C $d -c . | docker -H "$0" import -c "ENV PATH=/bin" -c "CMD [\\"sh\\"]" - ' + `${busyboxImage}; rm -rf $d`;
    const ended = await runProgram("sh", ["-c", script, this.host]);
    if (ended.code !== 0) throw new Error(`Cannot make the image ${busyboxImage}: ${ended.stderr}`);
  }

  /** The end of dockerd's log, for the message of a failed test. */
  async readLog(): Promise<string> {
    return (await readTextIfThere(`${this.folder}/dockerd.log`) ?? "").split("\n").slice(-30).join("\n");
  }

  /** Kills dockerd, containerd and all containers and removes their files. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw();
    if (this.#process !== undefined) await killProcess(this.#process.pid);
    const containerd = Number(await readTextIfThere(`${this.folder}/exec/containerd/containerd.pid`));
    if (containerd > 0 && await isRunning(containerd)) await killProcess(containerd);
    await killUsersOf(this.folder);
    await unmountBelow(this.folder);
    await removeForeignFolder(this.folder);
  }

  async #removeStalePid(): Promise<void> {
    const pidFile = `${this.folder}/pid`;
    const pid = Number(await readTextIfThere(pidFile));
    if (pid > 0 && !await isRunning(pid)) await Deno.remove(pidFile);
  }
}

function dockerdArgs(folder: string, options: DockerdOptions): string[] {
  return [
    ...["--data-root", `${folder}/data`, "--exec-root", `${folder}/exec`],
    ...["-H", `unix://${folder}/docker.sock`, "-p", `${folder}/pid`],
    ...["--config-file", `${folder}/daemon.json`],
    ...["--cgroup-parent", requireBox().cgroupParent, "--exec-opt", "native.cgroupdriver=cgroupfs"],
    // In the engine's package the init is only a link to this file of another package.
    ...["--init-path", "/usr/bin/tini-static"],
    ...(options.liveRestore ? ["--live-restore"] : []),
    ...(options.args ?? []),
  ];
}

async function isReady(socket: string): Promise<boolean> {
  try {
    using connection = await Deno.connect({ transport: "unix", path: socket });
    await connection.write(new TextEncoder().encode("GET /_ping HTTP/1.0\r\n\r\n"));
    const buffer = new Uint8Array(4096);
    const count = await connection.read(buffer) ?? 0;
    return new TextDecoder().decode(buffer.subarray(0, count)).startsWith("HTTP/1.0 200");
  } catch (error) {
    // The socket of a killed engine exists until the last of its threads has ended.
    const { NotFound, ConnectionRefused, ConnectionReset, BrokenPipe } = Deno.errors;
    if ([NotFound, ConnectionRefused, ConnectionReset, BrokenPipe].some((kind) => error instanceof kind)) return false;
    throw error;
  }
}

/**
 * Kills the containers of a dead engine: its folder is in the command lines of their shims, their processes are
 * children of the shims.
 */
async function killUsersOf(folder: string): Promise<void> {
  await pollUntil(`the containers of the engine in ${folder} are gone`, async () => {
    const rows = await listProcesses();
    const isShim = (command: string) => command.includes("containerd-shim") && command.includes(folder);
    const shims = rows.filter((row) => isShim(row.command)).map((row) => row.pid);
    for (const row of rows) if (shims.includes(row.parent)) sendSignal(row.pid, "SIGKILL");
    for (const shim of shims) sendSignal(shim, "SIGKILL");
    return shims.length === 0 || undefined;
  });
}

async function unmountBelow(folder: string): Promise<void> {
  const { stdout } = await runProgram("findmnt", ["--raw", "--noheadings", "--output", "TARGET"]);
  const points = stdout.split("\n").filter((path) => path.startsWith(`${folder}/`));
  for (const point of points.reverse()) await runProgram("umount", ["-l", point]);
}
