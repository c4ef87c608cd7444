/** The Studio as users run it: `deno task studio …` in processes of their own, on a folder of the test. */

import type { Dict } from "../../../../lib/base/json.ts";
import { isDict } from "../../../../lib/base/json.ts";
import type { Invocation, Reply } from "../../../../lib/wamp/invocations.ts";
import type { Session } from "../../../../lib/wamp/session.ts";
import { withInstalledPackages } from "../../../../scripts/packages.ts";
import { readServerFile } from "../../../../scripts/studio/command_line/server_file.ts";
import { openSession } from "../../../../scripts/studio/open_session.ts";
import { pollUntil } from "../../../../scripts/testbed/wait.ts";
import { projectRoot } from "../../../../scripts/paths.ts";

/** How a command ended. */
export interface EndedCommand {
  code: number;
  output: string;
  errors: string;
}

/** A fake device on the Studio's router. */
export interface ServedDevice extends AsyncDisposable {
  session: Session;
  answer(procedure: string, handler: (call: Invocation) => Reply | Promise<Reply>): Promise<void>;
  report(state: string, stage?: "DEV" | "PROD"): Promise<void>;
}

/** A folder, and the Studio that runs on it after `serve()`. Disposing stops it and removes the folder. */
export class StudioProcess implements AsyncDisposable {
  readonly folder: string;
  #child: Deno.ChildProcess | undefined;
  #output: Promise<string> | undefined;

  readonly #env: Record<string, string>;

  private constructor(folder: string, env: Record<string, string>) {
    this.folder = folder;
    this.#env = env;
  }

  /** Creates the folder. `env` applies to all commands. */
  static async prepare(env: Record<string, string> = {}): Promise<StudioProcess> {
    return new StudioProcess(await Deno.makeTempDir({ prefix: "s-" }), env);
  }

  /** Starts the server on free ports and waits until it answers. */
  async serve(): Promise<void> {
    const ports = ["--port", "0", "--registry-port", String(freePort()), "--token-port", String(freePort())];
    ports.push("--tunnel-port", "0");
    // A Studio that was killed has left its file.
    const stale = JSON.stringify(await readServerFile(this.folder));
    this.#child = this.#command(["serve", ...ports]).spawn();
    this.#output = new Response(this.#child.stdout).text();
    const errors = new Response(this.#child.stderr).text();
    let ended: Deno.CommandStatus | undefined;
    this.#child.status.then((status) => ended = status);
    await pollUntil("the Studio is ready", async () => {
      if (ended !== undefined) throw new Error(`The Studio ended with ${ended.code}: ${await errors}`);
      const server = await readServerFile(this.folder);
      return JSON.stringify(server) === stale ? undefined : server;
    }, { limitMs: 30_000 });
  }

  /** Runs a command to its end. */
  async run(...args: string[]): Promise<EndedCommand> {
    const { code, stdout, stderr } = await this.#command(args).output();
    const decoder = new TextDecoder();
    return { code, output: decoder.decode(stdout), errors: decoder.decode(stderr) };
  }

  /** Adds a release without pushing an image. */
  async addRelease(app: string, version: string): Promise<void> {
    const session = await openSession(await this.#login());
    await session.call("studio.add_release", [{ app, version }]);
    await session.close();
  }

  /** Joins as the device of a .flock file. */
  async joinAs(flock: unknown): Promise<ServedDevice> {
    if (!isDict(flock)) throw new Error("This is not a .flock file");
    const { swarm_key, device_key, serial_number } = flock;
    const login = { url: String(flock.device_endpoint_url), secret: String(flock.secret) };
    const session = await openSession({ ...login, authid: `${swarm_key}-${device_key}` });
    const report: Dict = { swarm_key, device_key, serial_number, app_key: 1, release_key: 1 };
    const rest = { device_to_app_key: 0, requestor_account_key: 1, request_update: false, release_build: false };
    return {
      session,
      answer: async (procedure, handler) => {
        const work = async (call: Invocation) => await handler(call);
        await session.register(`re.mgmt.${serial_number}.${procedure}`, work, { forceReregister: true });
      },
      report: async (state, stage = "PROD") => {
        const full = { ...report, ...rest, state, stage, updateStatus: "" };
        await session.call("reswarm.containers.update_app_on_device", [full]);
      },
      [Symbol.asyncDispose]: () => session.close(),
    };
  }

  /** Stops the server with TERM and returns its exit code. */
  async stop(): Promise<number> {
    return await this.#end("SIGTERM");
  }

  /** Kills the server. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
    // A killed server leaves its file, which would be mistaken for that of the next one.
    await Deno.remove(`${this.folder}/server.json`);
  }

  async #end(signal: Deno.Signal): Promise<number> {
    const child = this.#child;
    if (child === undefined) return 0;
    this.#child = undefined;
    child.kill(signal);
    await this.#output;
    return (await child.status).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.folder, { recursive: true });
  }

  async #login() {
    const login = await readServerFile(this.folder);
    if (login === undefined) throw new Error("No Studio is running");
    return login;
  }

  #command(args: readonly string[]): Deno.Command {
    const config = ["--config", `${projectRoot}deno.json`, withInstalledPackages];
    const program = ["run", "--no-prompt", "-P=tools", "--quiet", "--no-check", ...config];
    const folder = args.length === 0 || args[0]?.startsWith("--") ? [] : ["--folder", this.folder];
    return new Deno.Command(Deno.execPath(), {
      args: [...program, `${projectRoot}scripts/studio.ts`, ...args, ...folder],
      cwd: this.folder,
      env: { NO_COLOR: "1", ...this.#env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
  }
}

/** A port that is free, and below those that the system gives to whoever asks for any. */
function freePort(): number {
  while (true) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    try {
      using listener = Deno.listen({ hostname: "127.0.0.1", port });
      return listener.addr.port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
