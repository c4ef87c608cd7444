/** A real image registry with token authentication in a box. */

import { requireBox } from "./box.ts";
import { type Background, endProcess, freezeProcess, isRunning, sendSignal, startInBackground } from "./background.ts";
import { pollUntil } from "./wait.ts";
import { readTextIfThere } from "../files.ts";
import { type TokenBehaviour, type TokenRequest, TokenServer } from "../studio/token_server.ts";

/** Options of a registry. */
export interface RegistryOptions {
  /** The port of the registry; 5002 unless given. */
  port?: number;
  /** The port of the token server; 5003 unless given. */
  tokenPort?: number;
  /**
   * Decides whether a login is valid; unless given, those in `accounts` are. That of `pusher` always is. A device logs
   * in with a registry token as the user and its own secret as the password.
   */
  check?: (login: TokenRequest) => boolean | Promise<boolean>;
  /** User → password. */
  accounts?: Readonly<Record<string, string>>;
  /** Another token server to use (its realm URL and the certificate of its issuer); none is started then. */
  foreign?: { realm: string; service: string; issuer: string; certificateFile: string };
}

/** The login with which tests push; always valid. */
export const pusher = { user: "pusher", password: "let-me-push" };

/**
 * A running registry (`docker-registry`) and its token server.
 * - Its images survive stop and start.
 * - Disposing ends both and removes its folder.
 */
export class Registry implements AsyncDisposable {
  /** `127.0.0.1:<port>`, as in image references. */
  readonly host: string;
  /** Valid logins besides that of `pusher`, user → password; may be changed at any time. */
  readonly accounts: Map<string, string>;
  readonly #folder: string;
  readonly #options: RegistryOptions;
  #tokens: TokenServer | undefined;
  #process: Background | undefined;

  private constructor(folder: string, options: RegistryOptions) {
    this.#folder = folder;
    this.#options = options;
    this.host = `127.0.0.1:${options.port ?? 5002}`;
    this.accounts = new Map(Object.entries(options.accounts ?? {}));
  }

  /** Starts a registry and waits until it responds. */
  static async start(options: RegistryOptions = {}): Promise<Registry> {
    requireBox();
    const registry = new Registry(await Deno.makeTempDir({ prefix: "r-" }), options);
    try {
      if (options.foreign === undefined) await registry.#startTokenServer();
      await Deno.writeTextFile(`${registry.#folder}/config.yml`, registry.#config());
      await registry.start();
    } catch (error) {
      await registry[Symbol.asyncDispose]();
      throw error;
    }
    return registry;
  }

  /** All logins at the token server, oldest first. */
  get logins(): readonly TokenRequest[] {
    return this.#tokens?.requests ?? [];
  }

  /** Changes the behaviour of the token server. */
  async behave(behaviour: TokenBehaviour): Promise<void> {
    await this.#tokens?.behave(behaviour);
  }

  /** Starts the registry again after `stop()`; the token server has kept running. */
  async start(): Promise<void> {
    const logFile = `${this.#folder}/registry.log`;
    const process = await startInBackground("docker-registry", ["serve", `${this.#folder}/config.yml`], { logFile });
    this.#process = process;
    await pollUntil("the registry answers", async () => {
      if (await this.#answers()) return true;
      if (!await isRunning(process.pid)) throw new Error(`docker-registry ended:\n${await this.readLog()}`);
      return undefined;
    });
  }

  /** Stops the registry: connections are refused. */
  async stop(): Promise<void> {
    if (this.#process !== undefined) await endProcess(this.#process.pid, 100);
    this.#process = undefined;
  }

  /** Freezes the registry: it accepts connections and never answers, until `thaw()`. */
  async freeze(): Promise<void> {
    if (this.#process !== undefined) await freezeProcess(this.#process.pid);
  }

  /** Ends a `freeze()`. */
  thaw(): void {
    if (this.#process !== undefined) sendSignal(this.#process.pid, "SIGCONT");
  }

  /** The tags of a repository, sorted; none for an unknown one. */
  async tags(repository: string): Promise<string[]> {
    const response = await this.request(repository, "tags/list");
    const body: unknown = await response.json();
    const tags = typeof body === "object" && body !== null && "tags" in body ? body.tags : undefined;
    return Array.isArray(tags) ? tags.map(String).sort() : [];
  }

  /** Sends a request below `/v2/<repository>/` with all permissions. */
  async request(repository: string, path: string, init: RequestInit = {}): Promise<Response> {
    if (this.#tokens === undefined) throw new Error("This registry uses another token server");
    const token = await this.#tokens.mint(pusher.user, [{ repository, actions: ["pull", "push", "delete"] }]);
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${token}`);
    // A client that keeps its connection open would look like a leak in the test.
    using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    const response = await fetch(`http://${this.host}/v2/${repository}/${path}`, { ...init, headers, client });
    return new Response(await response.arrayBuffer(), response);
  }

  /** The end of the registry's log, for the message of a failed test. */
  async readLog(): Promise<string> {
    return (await readTextIfThere(`${this.#folder}/registry.log`) ?? "").split("\n").slice(-30).join("\n");
  }

  /** Stops the registry and its token server and removes all images. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw();
    await this.stop();
    await this.#tokens?.[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #startTokenServer(): Promise<void> {
    const check = this.#options.check ?? ((login) => this.accounts.get(login.user) === login.password);
    this.#tokens = await TokenServer.start({
      port: this.#options.tokenPort ?? 5003,
      service: "test-registry",
      issuer: "test-issuer",
      folder: this.#folder,
      check: (login) => (login.user === pusher.user && login.password === pusher.password) || check(login),
    });
  }

  #config(): string {
    const token = this.#options.foreign ?? {
      realm: `http://127.0.0.1:${this.#options.tokenPort ?? 5003}/token`,
      service: "test-registry",
      issuer: "test-issuer",
      certificateFile: `${this.#folder}/cert.pem`,
    };
    // JSON is valid YAML.
    return JSON.stringify({
      version: 0.1,
      log: { level: "warn", accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: `${this.#folder}/images` }, delete: { enabled: true } },
      http: { addr: this.host, secret: "x" },
      auth: {
        token: {
          realm: token.realm,
          service: token.service,
          issuer: token.issuer,
          rootcertbundle: token.certificateFile,
        },
      },
    });
  }

  async #answers(): Promise<boolean> {
    try {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(this.host.split(":")[1]) });
      await connection.write(new TextEncoder().encode("GET /v2/ HTTP/1.0\r\n\r\n"));
      return (await connection.read(new Uint8Array(1024)) ?? 0) > 0;
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return false;
      throw error;
    }
  }
}
