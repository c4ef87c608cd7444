/**
 * A proxy in front of the storage service that fails as networks and services do. It knows how much of an upload has
 * arrived, which the emulator cannot say.
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/** What goes wrong with a request; undefined for nothing. Called for each request, in their order. */
export type Fault = (request: { method: string; path: string; isPiece: boolean }) => FaultKind | undefined;

/**
 * An error of the service; a connection that ends; a piece that arrives although its answer does not; other content.
 */
export type FaultKind = "unavailable" | "denied" | "reset" | "lost answer" | "other content";

/** A running proxy. */
export interface FaultyService extends AsyncDisposable {
  url: string;
  /** Each request as `METHOD path`, with its fault. */
  requests: string[];
  fault: Fault;
}

/** Starts a proxy in front of the service at `target`. */
export async function startFaultyService(target: string): Promise<FaultyService> {
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const passing = { target, client, arrived: new Map<string, number>() };
  const server = createServer((request, response) => void handle(request, response, { service, ...passing }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const service: FaultyService = {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    requests: [],
    fault: () => undefined,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      client.close();
    },
  };
  return service;
}

interface Passing {
  service: FaultyService;
  target: string;
  client: Deno.HttpClient;
  /** How many bytes of each upload have arrived. */
  arrived: Map<string, number>;
}

async function handle(request: IncomingMessage, response: ServerResponse, passing: Passing): Promise<void> {
  const { service, target, arrived } = passing;
  const { pathname, searchParams } = new URL(request.url ?? "/", target);
  const { method = "GET" } = request;
  const range = request.headers["content-range"] ?? "";
  const path = decodeURIComponent(pathname.replace(/^.*\/o\/?/, "")) || (searchParams.get("name") ?? "");
  const chunks: Uint8Array[] = await Array.fromAsync(request);
  const kind = service.fault({ method, path, isPiece: /^bytes \d/.test(range) });
  service.requests.push(`${method} ${path} ${kind ?? ""}`);
  if (/^bytes \*\/[1-9]/.test(range)) {
    return answerOffset(response, arrived.get(searchParams.get("upload_id") ?? "") ?? 0);
  }
  if (kind === "unavailable") return void response.writeHead(503).end("try again");
  if (kind === "denied") return void response.writeHead(403).end("no");
  if (kind === "reset") return void request.socket.destroy();
  const body = await new Blob(chunks.map((chunk) => Uint8Array.from(chunk))).arrayBuffer();
  await pass(request, response, { ...passing, kind, body });
}

async function pass(
  request: IncomingMessage,
  response: ServerResponse,
  { service, target, client, arrived, kind, body }: Passing & { kind: FaultKind | undefined; body: ArrayBuffer },
): Promise<void> {
  const { method = "GET", headers, url = "" } = request;
  const answer = await forward(`${target}${url}`, { method, headers, body, client });
  const [, last] = /^bytes \d+-(\d+)\//.exec(headers["content-range"] ?? "") ?? [];
  const session = new URL(url, target).searchParams.get("upload_id") ?? "";
  if (last !== undefined) arrived.set(session, answer.status === 308 ? Number(last) + 1 : complete);
  const content = new Uint8Array(await answer.arrayBuffer());
  if (kind === "lost answer") return void request.socket.destroy();
  const location = answer.headers.get("location")?.replace(/^https?:\/\/[^/]+/, service.url);
  const range = answer.headers.get("range");
  response.writeHead(answer.status, {
    ...(location === undefined ? {} : { location }),
    ...(range === null ? {} : { range }),
    connection: "close",
  });
  response.end(kind === "other content" ? "other" : content);
}

const complete = Number.POSITIVE_INFINITY;

function answerOffset(response: ServerResponse, count: number): void {
  if (count === complete) return void response.writeHead(200).end("{}");
  response.writeHead(308, count === 0 ? {} : { range: `bytes=0-${count - 1}` }).end();
}

async function forward(
  url: string,
  { method, headers, body, client }: {
    method: string;
    headers: IncomingMessage["headers"];
    body: ArrayBuffer;
    client: Deno.HttpClient;
  },
): Promise<Response> {
  const passed = new Headers();
  for (const name of ["content-type", "content-range", "x-upload-content-type", "x-upload-content-length"]) {
    const value = headers[name];
    if (typeof value === "string") passed.set(name, value);
  }
  const hasBody = !["GET", "DELETE"].includes(method);
  return await fetch(url, { method, headers: passed, client, ...(hasBody ? { body } : {}) });
}
