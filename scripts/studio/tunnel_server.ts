/** The Studio's tunnel server: frp's `frps` as a child process, which asks this process who may open what. */

import { isDict, parseJson } from "../../lib/base/json.ts";
import { refusePage } from "../../lib/http/web_request.ts";
import { runProgram } from "../programs.ts";
import { partsFolder } from "../testbed/setup/folder.ts";
import { ChildServer, takesConnections } from "./child_server.ts";

/** How a tunnel server is started. */
export interface TunnelServerOptions {
  /** The address where clients and people come. */
  hostname: string;
  port: number;
  /** Where people reach `http` and `https` tunnels. */
  httpPort: number;
  httpsPort: number;
  /** Below which `http` and `https` tunnels have their names. */
  domain: string;
  /** The folder of its settings and its log. */
  folder: string;
  /** Why a login or a tunnel is refused; undefined when it is not. */
  refuse(request: { op: unknown; content: unknown }): string | undefined;
}

/** More than any question of the server. */
const questionLimitBytes = 64 * 1024;

/** A running tunnel server. Disposing ends it. */
export class TunnelServer implements AsyncDisposable {
  readonly options: Readonly<Pick<TunnelServerOptions, "port" | "httpPort" | "httpsPort" | "domain">>;
  readonly #server: ChildServer;
  readonly #questions: Deno.HttpServer<Deno.NetAddr>;

  private constructor(options: TunnelServerOptions, server: ChildServer, questions: Deno.HttpServer<Deno.NetAddr>) {
    this.options = options;
    this.#server = server;
    this.#questions = questions;
  }

  /** Starts one, or returns undefined when `frps` is not installed. Throws `start_failed`. */
  static async start(options: TunnelServerOptions): Promise<TunnelServer | undefined> {
    const program = await findProgram();
    if (program === undefined) return undefined;
    const { hostname, port, folder } = options;
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    const serveOptions = { hostname: "127.0.0.1", port: 0, onListen() {} };
    const questions = Deno.serve(serveOptions, (request) => answer(request, options));
    try {
      const configFile = `${folder}/frps.json`;
      await Deno.writeTextFile(configFile, JSON.stringify(configOf(options, questions.addr.port)));
      const server = await ChildServer.start({
        command: [program, "-c", configFile],
        name: "the tunnel server",
        ...{ hostname, port, logFile: `${folder}/frps.log` },
        answers: () => takesConnections({ hostname, port }),
      });
      return new TunnelServer(options, server, questions);
    } catch (error) {
      await questions.shutdown();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    await this.#questions.shutdown();
  }
}

/** Where clients look for the server of a Studio with this address: nobody tells them. */
export function tunnelPort(hostname: string): number {
  return hostname === "localhost" || hostname === "127.0.0.1" ? 7_400 : 7_000;
}

/** In the folder of installed parts, or where programs are. */
async function findProgram(): Promise<string | undefined> {
  for (const program of [partsFolder().frps, "frps"]) {
    if ((await runProgram(program, ["--version"])).success) return program;
  }
  return undefined;
}

async function answer(request: Request, { refuse }: TunnelServerOptions): Promise<Response> {
  const problem = refusePage((name) => request.headers.get(name));
  if (problem !== undefined) return new Response(problem, { status: 403 });
  if (Number(request.headers.get("content-length") ?? Infinity) > questionLimitBytes) {
    return new Response("The question is too long", { status: 413 });
  }
  const question = parseJson(await request.text());
  const reason = isDict(question) ? refuse({ op: question.op, content: question.content }) : "this is no question";
  return Response.json(reason === undefined ? { unchange: true } : { reject: true, reject_reason: reason });
}

function configOf({ hostname, port, httpPort, httpsPort, domain }: TunnelServerOptions, questionPort: number): unknown {
  return {
    bindAddr: hostname,
    bindPort: port,
    proxyBindAddr: hostname,
    vhostHTTPPort: httpPort,
    vhostHTTPSPort: httpsPort,
    subDomainHost: domain,
    allowPorts: [{ start: 31_000, end: 31_999 }],
    log: { to: "console", level: "warn", disablePrintColor: true },
    httpPlugins: [{
      name: "studio",
      addr: `127.0.0.1:${questionPort}`,
      path: "/",
      ops: ["Login", "NewProxy"],
    }],
  };
}
