/** Servers of others that the Studio runs as its children, and that never outlive it. */

import { AgentError } from "../../lib/base/errors.ts";

/** A server to start. */
export interface ChildServerOptions {
  /** The program and its arguments. */
  command: readonly string[];
  /** Its name for people. */
  name: string;
  hostname: string;
  port: number;
  logFile: string;
  /** Whether it answers. */
  answers(): Promise<boolean>;
}

/** A running server. Disposing ends it. */
export class ChildServer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
  }

  /** Starts a server and waits until it answers. Throws `start_failed` with the end of its log. */
  static async start(options: ChildServerOptions): Promise<ChildServer> {
    const { command, name, port, logFile, answers } = options;
    requireFree(options);
    const args = ["-c", script, logFile, ...command];
    const child = new Deno.Command("sh", { args, stdin: "piped", stdout: "null", stderr: "null" }).spawn();
    const server = new ChildServer(child);
    let hasEnded = false;
    child.status.then(() => hasEnded = true);
    const startedMs = performance.now();
    while (!hasEnded && performance.now() - startedMs < startLimitMs) {
      if (await answers()) return server;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await server[Symbol.asyncDispose]();
    const log = (await Deno.readTextFile(logFile)).trim().split("\n").slice(-5).join("\n");
    throw new AgentError("start_failed", `Cannot start ${name} on port ${port}:\n${log}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.close();
    await this.#child.status;
  }
}

/** True when something takes connections there. */
export async function takesConnections({ hostname, port }: { hostname: string; port: number }): Promise<boolean> {
  try {
    using _connection = await Deno.connect({ hostname, port });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.ConnectionReset) return false;
    throw error;
  }
}

const startLimitMs = 15_000;

// The server must not outlive the Studio, however that ends: its input ends together with the Studio.
const script = 'exec 3<&0; log=$0; "$@" >>"$log" 2>&1 3<&- & pid=$!; ' +
  "(cat <&3 >/dev/null; kill -KILL $pid 2>/dev/null) & wait $pid";

/** Another program on the port would answer instead of the server, before that fails. */
function requireFree({ name, hostname, port }: ChildServerOptions): void {
  try {
    Deno.listen({ hostname, port }).close();
  } catch (cause) {
    throw new AgentError("start_failed", `Cannot start ${name}: port ${port} is in use`, { cause });
  }
}
