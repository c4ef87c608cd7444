/** The Studio's image registry: Debian's `docker-registry` as a child process, and the token server that it asks. */

import { AgentError } from "../../lib/base/errors.ts";
import { runProgram } from "../programs.ts";
import { type AllowedActions, type TokenRequest, TokenServer } from "./token_server.ts";

/** How a registry is started. */
export interface RegistryOptions {
  port: number;
  tokenPort: number;
  /** The folder of images, keys and the registry's log. */
  folder: string;
  check(login: TokenRequest): AllowedActions;
}

const startLimitMs = 15_000;

// The registry must not outlive the Studio, however that ends: its input ends together with the Studio.
const script = 'exec 3<&0; docker-registry serve "$0" >>"$1" 2>&1 3<&- & pid=$!; ' +
  "(cat <&3 >/dev/null; kill -KILL $pid 2>/dev/null) & wait $pid";

/** A token server and, if `docker-registry` is installed, a registry. Both listen on 127.0.0.1. */
export class StudioRegistry implements AsyncDisposable {
  /** The host in image references: `127.0.0.1:<port>`. */
  readonly host: string;
  readonly tokens: TokenServer;
  readonly #child: Deno.ChildProcess | undefined;

  private constructor(host: string, tokens: TokenServer, child: Deno.ChildProcess | undefined) {
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
    await endChild(this.#child);
    await this.tokens[Symbol.asyncDispose]();
  }
}

async function startRegistry({ folder, port }: RegistryOptions, config: unknown): Promise<Deno.ChildProcess> {
  const [configFile, logFile] = [`${folder}/config.yml`, `${folder}/registry.log`];
  requireFree(port);
  // JSON is YAML as well.
  await Deno.writeTextFile(configFile, JSON.stringify(config));
  const args = ["-c", script, configFile, logFile];
  const child = new Deno.Command("sh", { args, stdin: "piped", stdout: "null", stderr: "null" }).spawn();
  let hasEnded = false;
  child.status.then(() => hasEnded = true);
  const startedMs = performance.now();
  while (!hasEnded && performance.now() - startedMs < startLimitMs) {
    if (await answers(port)) return child;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await endChild(child);
  const log = (await Deno.readTextFile(logFile)).trim().split("\n").slice(-5).join("\n");
  throw new AgentError("start_failed", `Cannot start docker-registry on port ${port}:\n${log}`);
}

/** Another program on the port would answer instead of the registry, before that fails. */
function requireFree(port: number): void {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
  } catch (cause) {
    throw new AgentError("start_failed", `Cannot start docker-registry: port ${port} is in use`, { cause });
  }
}

async function endChild(child: Deno.ChildProcess | undefined): Promise<void> {
  if (child === undefined) return;
  await child.stdin.close();
  await child.status;
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
