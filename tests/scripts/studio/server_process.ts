/**
 * A router and a token server in a process of their own, so that their memory can be measured without that of the test.
 * The file is both: the program, and what starts it.
 */

import { withInstalledPackages } from "../../../scripts/packages.ts";
import { Router } from "../../../scripts/studio/router/router.ts";
import { TokenServer } from "../../../scripts/studio/token_server.ts";
import { projectRoot } from "../../../scripts/paths.ts";

const pumpLogin = { authid: "12-345", secret: "s" };

interface Parts {
  child: Deno.ChildProcess;
  answers: ReadableStreamDefaultReader<string>;
  questions: WritableStreamDefaultWriter<Uint8Array>;
}

/** A running process. Disposing ends it. */
export class ServerProcess implements AsyncDisposable {
  /** Who may join the router. */
  readonly login = pumpLogin;
  readonly routerUrl: string;
  readonly tokenUrl: string;
  readonly #parts: Parts;

  private constructor(parts: Parts, [routerUrl = "", tokenUrl = ""]: string[]) {
    this.#parts = parts;
    this.routerUrl = routerUrl;
    this.tokenUrl = tokenUrl;
  }

  /** Starts both. */
  static async start(): Promise<ServerProcess> {
    const config = ["--config", `${projectRoot}deno.json`, withInstalledPackages];
    const program = ["run", "--no-prompt", "-P=tools", "--quiet", "--no-check", ...config];
    const args = [...program, import.meta.filename ?? ""];
    const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped", stderr: "inherit" })
      .spawn();
    const answers = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const urls = (await answers.read()).value ?? "";
    return new ServerProcess({ child, answers, questions: child.stdin.getWriter() }, urls.trim().split(" "));
  }

  /** The most memory that the process has used meanwhile, in MiB above what it used before. */
  async growthOf(work: () => Promise<void>): Promise<number> {
    await this.#ask();
    await work();
    return Number(await this.#ask());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.questions.close();
    await this.#parts.answers.cancel();
    await this.#parts.child.status;
  }

  /** The growth since the last question. */
  async #ask(): Promise<string> {
    await this.#parts.questions.write(new TextEncoder().encode("?"));
    return (await this.#parts.answers.read()).value ?? "";
  }
}

async function serve(): Promise<void> {
  const { authid, secret } = pumpLogin;
  const users = { [authid]: { secret } };
  await using router = await Router.listen({ hostname: "127.0.0.1", port: 0, realm: "realm1", users });
  const folder = await Deno.makeTempDir({ prefix: "t-" });
  const options = { port: 0, folder, check: () => false, service: "images", issuer: "me" };
  await using tokens = await TokenServer.start(options);
  print(`${router.url} http://127.0.0.1:${tokens.port}/token\n`);
  let [before, most] = [0, 0];
  const timer = setInterval(() => most = Math.max(most, Deno.memoryUsage().rss), 5);
  for await (const _ of Deno.stdin.readable) {
    print(`${Math.round((most - before) / 1024 / 1024)}\n`);
    before = most = Deno.memoryUsage().rss;
  }
  clearInterval(timer);
  await Deno.remove(folder, { recursive: true });
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

if (import.meta.main) await serve();
