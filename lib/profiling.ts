/**
 * The server behind `-profiling`: metrics, a CPU profile and a heap snapshot of the running agent, over HTTP on
 * loopback only, for who can read its token file. A page in a browser of this machine is refused even if it knew the
 * token. Modules of the runtime are imported by the first request that needs them.
 */

import { type Clock, systemClock } from "./async/clock.ts";
import { messageOf, textOf } from "./base/errors.ts";
import type { Log } from "./base/log.ts";
import { createTokenFile, isToken } from "./files/token_file.ts";

/** What to serve, and where. */
export interface ProfilingOptions {
  /** Port on 127.0.0.1; 0 takes a free one. */
  port: number;
  /** Where the token goes that requests must present; in a folder of the agent's own user. */
  tokenFile: string;
  log: Log;
  /** What is measured, as Prometheus reads it; read again for every request. */
  metrics(): Promise<string>;
  clock?: Clock;
}

/** The running server. Disposing ends a running profile and all connections. */
export interface Profiling extends AsyncDisposable {
  readonly port: number;
}

const hostname = "127.0.0.1";
const highestPort = 65_535;
const standardSeconds = 30;
const longestSeconds = 120;

/** The text format of Prometheus. */
const metricsType = "text/plain; version=0.0.4; charset=utf-8";

const contents = `Reagent: metrics and profiles of the running agent
Requests need the header "Authorization: Bearer TOKEN", with the token of the file profiling.token in -agentDir

/metrics                           measurements for Prometheus: calls, transitions, apps, connection, disks, process
/debug/process                     memory, processor time and open resources, as JSON
/debug/pprof/profile?seconds=${standardSeconds}    CPU profile of 1 to ${longestSeconds} seconds, as .cpuprofile
/debug/pprof/heap                  heap snapshot, as .heapsnapshot; stops the agent meanwhile and needs more than ten
                                   times the memory of the heap. It holds every secret that the agent knows

The developer tools of Chromium open both kinds of files.
`;

/**
 * Starts the server. Returns undefined, and logs an error, when the port is in use, not allowed or not a port: the
 * agent must run without profiles, too.
 */
export async function startProfiling(options: ProfilingOptions): Promise<Profiling | undefined> {
  const { port, tokenFile, log } = options;
  try {
    return listen(options, await createTokenFile(tokenFile));
  } catch (error) {
    log.error("Cannot start the profiling server", { hostname, port, error: textOf(error) });
    return undefined;
  }
}

function listen(options: ProfilingOptions, token: string): Profiling {
  const stop = new AbortController();
  const handler = new ProfilingHandler(options, token);
  if (!Number.isInteger(options.port) || options.port < 0 || options.port > highestPort) {
    throw new RangeError(`a port is a number from 0 to ${highestPort}`);
  }
  const server = Deno.serve({
    hostname,
    port: options.port,
    signal: stop.signal,
    onListen: ({ port }) => options.log.info("Profiling server listens", { hostname, port }),
    onError: (error) => handler.fail(error),
  }, (request, info) => handler.answer(request, info.completed));
  return {
    port: server.addr.port,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}

/** Answers requests. Invariant: at most one CPU profile or heap snapshot is being made or sent. */
class ProfilingHandler {
  readonly #options: ProfilingOptions;
  readonly #token: string;
  #isBusy = false;

  constructor(options: ProfilingOptions, token: string) {
    this.#options = options;
    this.#token = token;
  }

  /** `completed` settles when the answer has been sent or its reader is gone. */
  async answer(request: Request, completed: Promise<void>): Promise<Response> {
    const url = new URL(request.url);
    if (!namesLoopback(request.headers.get("host"))) return textResponse(403, "Use a loopback address");
    if (isFromPage(request.headers)) return textResponse(403, "Requests of web pages are refused");
    if (!this.#isAuthorized(request.headers)) {
      return textResponse(401, "The token of profiling.token is needed", { "www-authenticate": "Bearer" });
    }
    if (request.method !== "GET") return textResponse(405, "Only GET is supported", { allow: "GET" });
    switch (url.pathname) {
      case "/":
        return textResponse(200, contents);
      case "/metrics":
        return new Response(await this.#options.metrics(), { headers: { "content-type": metricsType } });
      case "/debug/process":
        return Response.json(await describeProcess());
      case "/debug/pprof/profile":
        return await this.#exclusively(completed, () => this.#profile(url));
      case "/debug/pprof/heap":
        return await this.#exclusively(completed, takeHeapSnapshot);
      default:
        return textResponse(404, "Not found; see / for what there is");
    }
  }

  fail(error: unknown): Response {
    this.#options.log.error("Cannot answer a profiling request", { error: textOf(error) });
    return textResponse(500, messageOf(error));
  }

  #isAuthorized(headers: Headers): boolean {
    const [, given = ""] = /^Bearer +(\S+) *$/i.exec(headers.get("authorization") ?? "") ?? [];
    return isToken(given, this.#token);
  }

  async #exclusively(completed: Promise<void>, work: () => Promise<Response>): Promise<Response> {
    if (this.#isBusy) return textResponse(409, "Another profile is being made");
    this.#isBusy = true;
    const release = () => void (this.#isBusy = false);
    // Whether the answer was sent or its reader left: the next profile may begin.
    completed.then(release, release);
    return await work();
  }

  async #profile(url: URL): Promise<Response> {
    const seconds = readSeconds(url.searchParams.get("seconds"));
    if (seconds === undefined) return textResponse(400, `seconds must be a number from 1 to ${longestSeconds}`);
    const clock = this.#options.clock ?? systemClock;
    return await recordCpuProfile((gone) => clock.sleep(seconds * 1000, gone));
  }
}

/** A web page can let its own name resolve to this address, and its requests carry that name. */
function namesLoopback(host: string | null): boolean {
  return host !== null && /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(host);
}

/** A browser marks what a page asks for; a person's tool sends neither header. */
function isFromPage(headers: Headers): boolean {
  const site = headers.get("sec-fetch-site");
  return headers.has("origin") || (site !== null && site !== "none");
}

function readSeconds(given: string | null): number | undefined {
  const seconds = given === null ? standardSeconds : /^\d+(\.\d+)?$/.test(given) ? Number(given) : NaN;
  return seconds >= 1 && seconds <= longestSeconds ? seconds : undefined;
}

/**
 * The answer begins with the recording and its body comes at the end, because only a body notices that its reader is
 * gone.
 */
async function recordCpuProfile(wait: (gone: AbortSignal) => Promise<void>): Promise<Response> {
  const { Session } = await import("node:inspector/promises");
  const session = new Session();
  try {
    session.connect();
    await session.post("Profiler.enable");
    await session.post("Profiler.start");
  } catch (error) {
    session.disconnect();
    return textResponse(501, `The inspector of this runtime records no CPU profile: ${messageOf(error)}`);
  }
  const gone = new AbortController();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        await wait(gone.signal);
        const { profile } = await session.post("Profiler.stop");
        controller.enqueue(new TextEncoder().encode(JSON.stringify(profile)));
        controller.close();
      } finally {
        session.disconnect();
      }
    },
    cancel: () => gone.abort(),
  });
  return fileResponse("reagent.cpuprofile", body);
}

/**
 * Made in memory: a file would need the same memory, as much disk, and would leave secrets on it after a power loss.
 */
async function takeHeapSnapshot(): Promise<Response> {
  const { getHeapSnapshot } = await import("node:v8");
  const chunks: AsyncIterable<Uint8Array> = getHeapSnapshot();
  return fileResponse("reagent.heapsnapshot", ReadableStream.from(chunks));
}

async function describeProcess(): Promise<Record<string, unknown>> {
  const { cpuUsage, pid } = await import("node:process");
  const memory = Deno.memoryUsage();
  const processor = cpuUsage();
  return {
    pid,
    uptimeSeconds: performance.now() / 1000,
    memory: {
      rssBytes: memory.rss,
      heapTotalBytes: memory.heapTotal,
      heapUsedBytes: memory.heapUsed,
      externalBytes: memory.external,
    },
    processor: { userSeconds: processor.user / 1e6, systemSeconds: processor.system / 1e6 },
    resources: await countResources(),
  };
}

/** What the process holds open, by kind; empty on systems that do not show it. */
async function countResources(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const add = (kind: string) => counts[kind] = (counts[kind] ?? 0) + 1;
  try {
    for await (const _ of Deno.readDir("/proc/self/task")) add("threads");
    for await (const { name } of Deno.readDir("/proc/self/fd")) {
      // It may have been closed since, like the folder itself.
      const target = await Deno.readLink(`/proc/self/fd/${name}`).catch(() => undefined);
      if (target !== undefined) add(kindOf(target));
    }
  } catch {
    // Other systems have no such folders; the other metrics are useful without.
  }
  return counts;
}

function kindOf(target: string): string {
  if (target.startsWith("socket:")) return "sockets";
  if (target.startsWith("pipe:")) return "pipes";
  return target.startsWith("/") ? "files" : "kernelObjects";
}

function textResponse(status: number, body: string, headers: Record<string, string> = {}): Response {
  return new Response(body.endsWith("\n") ? body : `${body}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...headers },
  });
}

function fileResponse(name: string, body: ReadableStream<Uint8Array>): Response {
  return new Response(body, {
    headers: { "content-type": "application/json", "content-disposition": `attachment; filename="${name}"` },
  });
}
