/** A real tunnel server in a box. */

import { endProcess, freezeProcess, sendSignal, startInBackground } from "./background.ts";
import { requireBox } from "./box.ts";
import { partsFolder } from "./setup/folder.ts";
import { pollUntil } from "./wait.ts";

/** Options of a server. */
export interface FrpsOptions {
  /** Where clients come; 7400, the one for servers on this machine, unless given. */
  port?: number;
  /** Decides whether a client may log in; unless given, everybody may. */
  check?: (login: FrpLogin) => boolean;
}

/** A login of a client. */
export interface FrpLogin {
  /** The `metadatas` of its configuration. */
  metas: Record<string, string>;
}

/** Ports of the server for people. */
export const frpsPorts = { http: 8_000, https: 8_443 } as const;

/** The domain below which `http` and `https` tunnels are reached. */
export const frpsDomain = "app.localtest";

/**
 * A running server (`frps`). It can be stopped, started again on the same ports, and frozen. Disposing ends it and
 * removes its folder.
 */
export class Frps implements AsyncDisposable {
  readonly port: number;
  readonly logins: FrpLogin[] = [];
  /** How long the answer to a login is held back. */
  loginDelayMs = 0;
  readonly #folder: string;
  readonly #plugin: Deno.HttpServer<Deno.NetAddr>;
  #pid: number | undefined;

  private constructor(folder: string, { port = 7_400, check = () => true }: FrpsOptions) {
    this.port = port;
    this.#folder = folder;
    this.#plugin = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      const { content } = await request.json();
      const login: FrpLogin = { metas: content.metas ?? {} };
      this.logins.push(login);
      if (this.loginDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.loginDelayMs));
      return Response.json(check(login) ? { unchange: true } : { reject: true, reject_reason: "the proof is wrong" });
    });
  }

  /** Starts a server and waits until it takes connections. */
  static async start(options: FrpsOptions = {}): Promise<Frps> {
    requireBox();
    const folder = await Deno.makeTempDir({ prefix: "frps-" });
    const server = new Frps(folder, options);
    try {
      await server.start();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  /** Starts it again after `stop()`. */
  async start(): Promise<void> {
    await Deno.writeTextFile(`${this.#folder}/frps.json`, JSON.stringify(this.#config()));
    const { pid } = await startInBackground(partsFolder().frps, ["-c", `${this.#folder}/frps.json`], {
      logFile: `${this.#folder}/frps.out`,
    });
    this.#pid = pid;
    await pollUntil("the tunnel server takes connections", () => answers(this.port));
  }

  /** Ends it: connections break, and new ones are refused. */
  async stop(): Promise<void> {
    if (this.#pid !== undefined) await endProcess(this.#pid, 500);
    this.#pid = undefined;
  }

  /** Freezes it: it takes connections and never answers, until `thaw()`. */
  async freeze(): Promise<void> {
    if (this.#pid !== undefined) await freezeProcess(this.#pid);
  }

  /** Ends a `freeze()`. */
  thaw(): void {
    if (this.#pid !== undefined) sendSignal(this.#pid, "SIGCONT");
  }

  /** Its log, for the message of a failed test. */
  async readLog(): Promise<string> {
    return await Deno.readTextFile(`${this.#folder}/frps.out`).catch(() => "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw();
    await this.stop();
    await this.#plugin.shutdown();
    await Deno.remove(this.#folder, { recursive: true });
  }

  #config(): unknown {
    return {
      bindPort: this.port,
      vhostHTTPPort: frpsPorts.http,
      vhostHTTPSPort: frpsPorts.https,
      subDomainHost: frpsDomain,
      log: { to: "console", level: "debug" },
      httpPlugins: [{
        name: "login",
        addr: `127.0.0.1:${this.#plugin.addr.port}`,
        path: "/login",
        ops: ["Login"],
      }],
    };
  }
}

async function answers(port: number): Promise<true | undefined> {
  try {
    using _connection = await Deno.connect({ hostname: "127.0.0.1", port });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return undefined;
    throw error;
  }
}
