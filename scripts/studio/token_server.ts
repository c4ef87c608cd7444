/** Issues the tokens that the registry asks for, and can imitate broken token servers. */

import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { AgentError } from "../../lib/base/errors.ts";
import { mustRun } from "../programs.ts";
import { readHeader, refuseRequest } from "./router/http_request.ts";
import { PendingSockets } from "./router/pending_sockets.ts";

/** A request for a token. `user` and `password` are empty for an anonymous request. */
export interface TokenRequest {
  user: string;
  password: string;
  /** The repository that the token is for; undefined for a plain login. */
  repository: string | undefined;
  actions: string[];
}

/** What a token request is granted: false refuses it, true grants all its actions, a list grants some of them. */
export type AllowedActions = boolean | readonly string[];

/**
 * How the server answers: normally; with 401; with tokens that expired two minutes ago; with 503; with a web page, as
 * the network of a hotel does; never; or not at all, because it does not listen.
 */
export type TokenBehaviour = "normal" | "unauthorized" | "expired" | "unavailable" | "html" | "hang" | "refuse";

/** How the token server is set up. */
export interface TokenServerOptions {
  /** 0 for any that is free. */
  port: number;
  service: string;
  issuer: string;
  /** The folder in which `key.pem` and `cert.pem` are created. */
  folder: string;
  /** Decides on a request. */
  check(login: TokenRequest): AllowedActions | Promise<AllowedActions>;
}

/** The longest form of a POST. */
const bodyLimitBytes = 16 * 1024;

/** The longest head of a request. */
const headLimitBytes = 16 * 1024;

/** How long a request may take to arrive, and how many may be on their way. */
const pendingLimits = { limit: 64, limitMs: 15_000 };

/** How long answers that are under way have when the server ends. */
const closeLimitMs = 500;

/** What is answered. */
interface Answer {
  status: number;
  type: string;
  body: string;
}

/**
 * A token server on 127.0.0.1 in this process.
 * - `requests` lists the latest thousand requests, oldest first.
 */
export class TokenServer implements AsyncDisposable {
  readonly requests: TokenRequest[] = [];
  readonly #options: TokenServerOptions;
  readonly #key: CryptoKey;
  readonly #certificate: string;
  #behaviour: TokenBehaviour = "normal";
  readonly #pending = new PendingSockets(pendingLimits);
  #port: number;
  #server: Server | undefined;
  #release = Promise.withResolvers<void>();

  private constructor(options: TokenServerOptions, key: CryptoKey, certificate: string) {
    this.#options = options;
    this.#port = options.port;
    this.#key = key;
    this.#certificate = certificate;
  }

  /** Where it listens. */
  get port(): number {
    return this.#port;
  }

  /** Creates the key and its certificate and listens. */
  static async start(options: TokenServerOptions): Promise<TokenServer> {
    const { key, certificate } = await makeIssuer(options.folder);
    const server = new TokenServer(options, key, certificate);
    await server.#listen();
    return server;
  }

  /** Changes the behaviour from the next request on; hanging requests are answered with 503. */
  async behave(behaviour: TokenBehaviour): Promise<void> {
    this.#behaviour = behaviour;
    this.#release.resolve();
    this.#release = Promise.withResolvers<void>();
    if (behaviour === "refuse") await this.#close();
    else if (this.#server === undefined) await this.#listen();
  }

  /** Stops the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.behave("refuse");
  }

  /** Issues a token without a check, for direct access to the registry. */
  async mint(user: string, access: readonly { repository: string; actions: readonly string[] }[]): Promise<string> {
    const nowSeconds = Math.floor(Date.now() / 1000) - (this.#behaviour === "expired" ? 120 + 300 : 0);
    const header = { alg: "RS256", typ: "JWT", x5c: [this.#certificate] };
    const claims = {
      iss: this.#options.issuer,
      aud: this.#options.service,
      sub: user,
      jti: crypto.randomUUID(),
      iat: nowSeconds,
      nbf: nowSeconds - 10,
      exp: nowSeconds + 300,
      access: access.map((entry) => ({ type: "repository", name: entry.repository, actions: entry.actions })),
    };
    const body = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
    const signature = await crypto.subtle.sign("RSASSA-PKCS1-v1_5", this.#key, new TextEncoder().encode(body));
    return `${body}.${base64url(new Uint8Array(signature))}`;
  }

  async #listen(): Promise<void> {
    const server = createServer({ maxHeaderSize: headLimitBytes }, (request, response) => {
      this.#serve(request, response).catch(() => request.socket.destroy());
    });
    this.#pending.watch(server);
    const port = this.#port;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) => {
        reject(new AgentError("start_failed", `Cannot listen on 127.0.0.1:${port}`, { cause }));
      });
      server.listen(port, "127.0.0.1", () => resolve());
    });
    const address = server.address();
    if (address !== null && typeof address === "object") this.#port = address.port;
    this.#server = server;
  }

  async #close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const ended = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    const timer = setTimeout(() => server.closeAllConnections(), closeLimitMs);
    await ended;
    clearTimeout(timer);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.#answer(request);
    response.on("finish", () => request.socket.destroySoon());
    const body = new TextEncoder().encode(answer.body);
    const headers = { "connection": "close", "content-type": answer.type, "content-length": body.length };
    response.writeHead(answer.status, headers).end(body);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const refusal = refuseRequest(request);
    if (refusal !== undefined) return textAnswer(403, refusal);
    if (request.method !== "GET" && request.method !== "POST") return textAnswer(405, "Only GET and POST");
    const body = await readBody(request);
    if (body === undefined) return textAnswer(413, "The form is too long");
    this.#pending.remove(request.socket);
    const login = readLogin(request, body);
    this.requests.push(login);
    if (this.requests.length > 1_000) this.requests.shift();
    switch (this.#behaviour) {
      case "normal":
      case "expired":
        return await this.#answerLogin(login);
      case "hang":
        await this.#release.promise;
        return textAnswer(503, "too late");
      case "html":
        return { status: 200, type: "text/html", body: "<html>Please sign in</html>" };
      case "unauthorized":
        return jsonAnswer(401, { details: "incorrect username or password" });
      case "unavailable":
      case "refuse":
        return textAnswer(503, "down for maintenance");
    }
  }

  async #answerLogin(login: TokenRequest): Promise<Answer> {
    const allowed = await this.#options.check(login);
    if (allowed === false) return jsonAnswer(401, { details: "incorrect username or password" });
    const { repository } = login;
    const actions = allowed === true ? login.actions : login.actions.filter((action) => allowed.includes(action));
    const token = await this.mint(login.user, repository === undefined ? [] : [{ repository, actions }]);
    const issued = { token, access_token: token, expires_in: 300, issued_at: new Date().toISOString() };
    return jsonAnswer(200, issued);
  }
}

/** The text of a body; undefined when it is too long. The rest is not read then. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  request.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= bodyLimitBytes) return void chunks.push(chunk);
    request.pause();
    resolve(undefined);
  });
  request.on("end", () => resolve(Buffer.concat(chunks).toString()));
  request.on("error", reject);
  request.on("close", () => reject(new AgentError("connect_failed", "The request ended early")));
  return await promise;
}

/** GET has the login in its Authorization header, POST (of the containerd image store) in its form. */
function readLogin(request: IncomingMessage, body: string): TokenRequest {
  const query = (request.url ?? "").split("?")[1];
  const fields = new URLSearchParams(request.method === "POST" ? body : query);
  const basic = /^Basic ([A-Za-z0-9+/=]+)$/.exec(readHeader(request, "authorization") ?? "")?.[1];
  const text = basic === undefined ? "" : Buffer.from(basic, "base64").toString("latin1");
  const colon = text.indexOf(":");
  const [, repository, actions] = /^repository:(.+):([a-z*,]*)$/.exec(fields.get("scope") ?? "") ?? [];
  return {
    user: colon < 0 ? fields.get("username") ?? "" : text.slice(0, colon),
    password: colon < 0 ? fields.get("password") ?? "" : text.slice(colon + 1),
    repository,
    actions: actions === undefined || actions === "" ? [] : actions.split(","),
  };
}

function textAnswer(status: number, body: string): Answer {
  return { status, type: "text/plain", body };
}

function jsonAnswer(status: number, body: unknown): Answer {
  return { status, type: "application/json", body: JSON.stringify(body) };
}

async function makeIssuer(folder: string): Promise<{ key: CryptoKey; certificate: string }> {
  const files = ["-keyout", `${folder}/key.pem`, "-out", `${folder}/cert.pem`];
  const kind = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=test issuer"];
  await mustRun("openssl", ["req", ...kind, ...files]);
  await Deno.chmod(`${folder}/key.pem`, 0o600);
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const bytes = Uint8Array.from(atob(pemBody(await Deno.readTextFile(`${folder}/key.pem`))), (c) => c.charCodeAt(0));
  const key = await crypto.subtle.importKey("pkcs8", bytes, algorithm, false, ["sign"]);
  return { key, certificate: pemBody(await Deno.readTextFile(`${folder}/cert.pem`)) };
}

function pemBody(pem: string): string {
  return pem.replace(/-----[^-]+-----/g, "").replace(/\s/g, "");
}

function base64url(value: string | Uint8Array): string {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
