/** The real agent as a process, from source, with all its files in the demo's folder. */

import type { Dict } from "../../lib/base/json.ts";
import { withInstalledPackages } from "../packages.ts";
import { projectRoot } from "../paths.ts";

const graceMs = 5_000;

/** A running agent. Disposing shuts it down, or kills it when that takes too long. */
export class DemoAgent implements AsyncDisposable {
  /** Resolves with its exit code and error output. */
  readonly ended: Promise<{ code: number; errors: string }>;
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, onLine: (line: string) => void) {
    this.#child = child;
    this.ended = this.#follow(onLine);
  }

  /** Starts the agent. `onLine` is called with each line of its output. */
  static async start(
    flock: Dict,
    options: { folder: string; dockerHost: string; onLine: (line: string) => void },
  ): Promise<DemoAgent> {
    const { folder, dockerHost, onLine } = options;
    await Deno.mkdir(folder, { recursive: true });
    const config = `${folder}/device.flock`;
    await Deno.writeTextFile(config, JSON.stringify(flock, null, 2), { mode: 0o600 });
    const settings = ["--no-prompt", "-P=agent", "--quiet", "--no-check", withInstalledPackages];
    const deno = [Deno.execPath(), "run", ...settings, `${projectRoot}main.ts`];
    const flags = [
      ...["-config", config, "-agentDir", folder, "-appsDir", `${folder}/apps`],
      ...["-dbFileName", `${folder}/reagent.db`, "-logFile", `${folder}/reagent.log`, "-nmw=false", "-update=false"],
    ];
    const child = new Deno.Command("setpriv", {
      // A killed demo must not leave an agent behind.
      args: ["--pdeathsig", "TERM", ...deno, ...flags],
      cwd: folder,
      env: { NO_COLOR: "1", DOCKER_HOST: dockerHost, DOCKER_TLS_VERIFY: "", DOCKER_CERT_PATH: "" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      // Ctrl-C goes to the demo only, which shuts the agent down in its turn.
      detached: true,
    }).spawn();
    return new DemoAgent(child, onLine);
  }

  /** Shuts the agent down and waits until it has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal("SIGTERM");
    const timer = setTimeout(() => this.#signal("SIGKILL"), graceMs);
    await this.ended;
    clearTimeout(timer);
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async #follow(onLine: (line: string) => void): Promise<{ code: number; errors: string }> {
    const [status, errors] = await Promise.all([
      this.#child.status,
      new Response(this.#child.stderr).text(),
      readLines(this.#child.stdout, onLine),
    ]);
    return { code: status.code, errors: errors.trim() };
  }
}

async function readLines(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
  }
}
