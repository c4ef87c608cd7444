/** A door in front of a real registry and its token server, which can be slow, or closed for a while. */

/** One question that came to the door. */
export interface DoorQuestion {
  path: string;
  /** On the clock of `performance.now()`. */
  atMs: number;
}

/** The addresses of the real parts, and the door's own. */
export interface RegistryDoorOptions {
  port: number;
  /** `127.0.0.1:5002`. */
  registry: string;
  /** `127.0.0.1:5003`. */
  tokens: string;
}

/** One open door. */
export class RegistryDoor implements AsyncDisposable {
  readonly questions: DoorQuestion[] = [];
  /** Where the registry sends logins; undefined for its own token server. */
  realm: string | undefined;
  /** How long the token server takes for an answer. */
  tokenDelayMs = 0;
  /** The answer to every question; undefined lets them pass. */
  refusal: (() => Response) | undefined;
  readonly #options: RegistryDoorOptions;
  readonly #server: Deno.HttpServer;
  readonly #client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });

  constructor(options: RegistryDoorOptions) {
    this.#options = options;
    const address = { hostname: "127.0.0.1", port: options.port, onListen() {} };
    this.#server = Deno.serve(address, (request) => this.#answer(request));
  }

  /** With a port, as in image references. */
  get host(): string {
    return `127.0.0.1:${this.#options.port}`;
  }

  /** Ends the door; the parts behind it stay. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    this.#client.close();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    this.questions.push({ path: pathname, atMs: performance.now() });
    if (this.refusal !== undefined) return this.refusal();
    const isToken = pathname === "/token";
    if (isToken) await new Promise((resolve) => setTimeout(resolve, this.tokenDelayMs));
    const { registry, tokens } = this.#options;
    const headers = new Headers(request.headers);
    headers.delete("host");
    const answer = await fetch(`http://${isToken ? tokens : registry}${pathname}${search}`, {
      method: request.method,
      headers,
      client: this.#client,
      redirect: "manual",
    });
    const changed = new Headers(answer.headers);
    const challenge = changed.get("www-authenticate");
    const realm = this.realm ?? `http://${this.host}/token`;
    if (challenge !== null) {
      changed.set("www-authenticate", challenge.replace(/realm="[^"]*"/, () => `realm="${realm}"`));
    }
    return new Response(await answer.arrayBuffer(), { status: answer.status, headers: changed });
  }
}
