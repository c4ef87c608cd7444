/** The real WAMP router, Crossbar.io, in a box. It takes four seconds to start, so the tests of a file share one. */

import { partsFolder } from "./setup/folder.ts";
import { requireBox } from "./box.ts";
import {
  type Background,
  endProcess,
  freezeProcess,
  isRunning,
  killProcess,
  sendSignal,
  startInBackground,
} from "./background.ts";
import { pollUntil } from "./wait.ts";
import { readTextIfThere } from "../files.ts";

/** A user who may log in with WAMP-CRA. Both roles may do everything and see callers. */
export interface RouterUser {
  authid: string;
  secret: string;
  role: "device" | "system";
  /** Makes clients derive the key from the secret (PBKDF2). */
  salt?: { salt: string; iterations: number; keylen: number };
}

/** Options of a router. */
export interface CrossbarOptions {
  users: readonly RouterUser[];
  /** 8080 unless given. */
  port?: number;
  /** `realm1` unless given. */
  realms?: readonly string[];
}

/**
 * A running Crossbar.io with a static list of users.
 * - Its address and users survive stop, kill and start.
 * - Disposing ends it and removes its folder.
 */
export class Crossbar implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  #process: Background | undefined;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  /** Starts a router and waits until it accepts connections. */
  static async start(options: CrossbarOptions): Promise<Crossbar> {
    requireBox();
    const router = new Crossbar(await Deno.makeTempDir({ prefix: "x-" }), options.port ?? 8080);
    await Deno.writeTextFile(`${router.#folder}/config.json`, JSON.stringify(configOf(options)));
    try {
      await router.start();
    } catch (error) {
      await router[Symbol.asyncDispose]();
      throw error;
    }
    return router;
  }

  /** For clients: `ws://127.0.0.1:<port>`. */
  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** Starts it again after `stop()` or `kill()`; no session or registration survives. */
  async start(): Promise<void> {
    const args = ["start", "--cbdir", this.#folder, "--loglevel", "warn"];
    const process = await startInBackground(partsFolder().crossbarProgram, args, {
      logFile: `${this.#folder}/crossbar.log`,
      cwd: this.#folder,
    });
    this.#process = process;
    await pollUntil("Crossbar.io accepts connections", async () => {
      if (await this.#listens()) return true;
      if (!await isRunning(process.pid)) throw new Error(`Crossbar.io ended:\n${await this.readLog()}`);
      return undefined;
    }, { limitMs: 60_000 });
  }

  /** Stops it gracefully: clients get a GOODBYE or a closed connection. */
  async stop(): Promise<void> {
    if (this.#process !== undefined) await endProcess(this.#process.pid, 10_000);
    this.#process = undefined;
  }

  /** Kills it: clients see their connection reset. */
  async kill(): Promise<void> {
    if (this.#process !== undefined) await killProcess(this.#process.pid);
    this.#process = undefined;
  }

  /** Stops it and starts it again. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Freezes it, connections included: clients see a dead link, until `thaw()`. */
  async freeze(): Promise<void> {
    if (this.#process !== undefined) await freezeProcess(this.#process.pid, true);
  }

  /** Ends a `freeze()`. */
  thaw(): void {
    if (this.#process !== undefined) sendSignal(-this.#process.pid, "SIGCONT");
  }

  /** The end of the router's log, for the message of a failed test. */
  async readLog(): Promise<string> {
    return (await readTextIfThere(`${this.#folder}/crossbar.log`) ?? "").split("\n").slice(-30).join("\n");
  }

  /** Kills it and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw();
    await this.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #listens(): Promise<boolean> {
    try {
      using _connection = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return false;
      throw error;
    }
  }
}

function configOf(options: CrossbarOptions): unknown {
  const everything = {
    uri: "",
    match: "prefix",
    allow: { call: true, register: true, publish: true, subscribe: true },
    disclose: { caller: true, publisher: true },
    cache: true,
  };
  const roles = ["device", "system"].map((name) => ({ name, permissions: [everything] }));
  const users = options.users.map(({ authid, secret, role, salt }) => [authid, { secret, role, ...salt }]);
  return {
    version: 2,
    workers: [{
      type: "router",
      realms: (options.realms ?? ["realm1"]).map((name) => ({ name, roles })),
      transports: [{
        type: "websocket",
        endpoint: { type: "tcp", port: options.port ?? 8080, interface: "127.0.0.1" },
        serializers: ["json"],
        options: { max_message_size: 16 * 1024 * 1024 },
        auth: { wampcra: { type: "static", users: Object.fromEntries(users) } },
      }],
    }],
  };
}
