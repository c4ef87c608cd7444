/** The Studio's image registry: Debian's `docker-registry` as a child process, and the token server that it asks. */

import { runProgram } from "../programs.ts";
import { ChildServer } from "./child_server.ts";
import { type AllowedActions, type TokenRequest, TokenServer } from "./token_server.ts";

/** How a registry is started. */
export interface RegistryOptions {
  port: number;
  tokenPort: number;
  /** The folder of images, keys and the registry's log. */
  folder: string;
  check(login: TokenRequest): AllowedActions;
}

/** A token server and, if `docker-registry` is installed, a registry. Both listen on 127.0.0.1. */
export class StudioRegistry implements AsyncDisposable {
  /** The host in image references: `127.0.0.1:<port>`. */
  readonly host: string;
  readonly tokens: TokenServer;
  readonly #child: ChildServer | undefined;

  private constructor(host: string, tokens: TokenServer, child: ChildServer | undefined) {
    this.host = host;
    this.tokens = tokens;
    this.#child = child;
  }

  /** Starts both. Throws `start_failed` when the registry is installed and does not start. */
  static async start(options: RegistryOptions): Promise<StudioRegistry> {
    await Deno.mkdir(options.folder, { recursive: true, mode: 0o700 });
    const { folder, tokenPort, check } = options;
    const names = { service: "studio-registry", issuer: "studio" };
    const tokens = await TokenServer.start({ port: tokenPort, folder, check, ...names });
    const host = `127.0.0.1:${options.port}`;
    try {
      const isInstalled = (await runProgram("docker-registry", ["--version"])).success;
      const child = isInstalled ? await startRegistry(options, configOf(options, { host, ...names })) : undefined;
      return new StudioRegistry(host, tokens, child);
    } catch (error) {
      await tokens[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** False when there is only a token server: nothing can be pushed. */
  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** Stops both; the images stay in the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child?.[Symbol.asyncDispose]();
    await this.tokens[Symbol.asyncDispose]();
  }
}

async function startRegistry({ folder, port }: RegistryOptions, config: unknown): Promise<ChildServer> {
  const [configFile, logFile] = [`${folder}/config.yml`, `${folder}/registry.log`];
  // JSON is YAML as well.
  await Deno.writeTextFile(configFile, JSON.stringify(config));
  return await ChildServer.start({
    command: ["docker-registry", "serve", configFile],
    name: "docker-registry",
    ...{ hostname: "127.0.0.1", port, logFile },
    answers: () => answers(port),
  });
}

async function answers(port: number): Promise<boolean> {
  try {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(new TextEncoder().encode("GET /v2/ HTTP/1.0\r\n\r\n"));
    return (await connection.read(new Uint8Array(1024)) ?? 0) > 0;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.ConnectionReset) return false;
    throw error;
  }
}

function configOf({ folder, tokenPort }: RegistryOptions, names: { host: string; service: string; issuer: string }) {
  const { host, service, issuer } = names;
  const token = { realm: `http://127.0.0.1:${tokenPort}/token`, service, issuer, rootcertbundle: `${folder}/cert.pem` };
  return {
    version: 0.1,
    log: { level: "warn", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: `${folder}/images` }, delete: { enabled: true } },
    http: { addr: host, secret: "x" },
    auth: { token },
  };
}
