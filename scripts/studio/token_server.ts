/** Issues the tokens that the registry asks for, and can imitate broken token servers. */

import { mustRun } from "../programs.ts";

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
  port: number;
  service: string;
  issuer: string;
  /** The folder in which `key.pem` and `cert.pem` are created. */
  folder: string;
  /** Decides on a request. */
  check(login: TokenRequest): AllowedActions | Promise<AllowedActions>;
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
  #server: Deno.HttpServer | undefined;
  #release = Promise.withResolvers<void>();

  private constructor(options: TokenServerOptions, key: CryptoKey, certificate: string) {
    this.#options = options;
    this.#key = key;
    this.#certificate = certificate;
  }

  /** Creates the key and its certificate and listens. */
  static async start(options: TokenServerOptions): Promise<TokenServer> {
    const { key, certificate } = await makeIssuer(options.folder);
    const server = new TokenServer(options, key, certificate);
    server.#listen();
    return server;
  }

  /** Changes the behaviour from the next request on; hanging requests are answered with 503. */
  async behave(behaviour: TokenBehaviour): Promise<void> {
    this.#behaviour = behaviour;
    this.#release.resolve();
    this.#release = Promise.withResolvers<void>();
    if (behaviour === "refuse") await this.#close();
    else if (this.#server === undefined) this.#listen();
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

  #listen(): void {
    const quiet = () => {};
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: this.#options.port, onListen: quiet },
      (request) => this.#answer(request),
    );
  }

  async #close(): Promise<void> {
    await this.#server?.shutdown();
    this.#server = undefined;
  }

  async #answer(request: Request): Promise<Response> {
    const login = await readLogin(request);
    this.requests.push(login);
    if (this.requests.length > 1_000) this.requests.shift();
    switch (this.#behaviour) {
      case "normal":
      case "expired":
        break;
      case "hang":
        await this.#release.promise;
        return new Response("too late", { status: 503 });
      case "html":
        return new Response("<html>Please sign in</html>", { headers: { "content-type": "text/html" } });
      case "unauthorized":
        return Response.json({ details: "incorrect username or password" }, { status: 401 });
      case "unavailable":
      case "refuse":
        return new Response("down for maintenance", { status: 503 });
    }
    const allowed = await this.#options.check(login);
    if (allowed === false) return Response.json({ details: "incorrect username or password" }, { status: 401 });
    const { repository } = login;
    const actions = allowed === true ? login.actions : login.actions.filter((action) => allowed.includes(action));
    const token = await this.mint(login.user, repository === undefined ? [] : [{ repository, actions }]);
    return Response.json({ token, access_token: token, expires_in: 300, issued_at: new Date().toISOString() });
  }
}

/** GET has the login in its Authorization header, POST (from the containerd image store) in its form. */
async function readLogin(request: Request): Promise<TokenRequest> {
  const fields = request.method === "POST"
    ? new URLSearchParams(await request.text())
    : new URL(request.url).searchParams;
  const basic = /^Basic (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
  const text = basic === undefined ? "" : atob(basic);
  const colon = text.indexOf(":");
  const [, repository, actions] = /^repository:(.+):([a-z*,]*)$/.exec(fields.get("scope") ?? "") ?? [];
  return {
    user: colon < 0 ? fields.get("username") ?? "" : text.slice(0, colon),
    password: colon < 0 ? fields.get("password") ?? "" : text.slice(colon + 1),
    repository,
    actions: actions === undefined || actions === "" ? [] : actions.split(","),
  };
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
