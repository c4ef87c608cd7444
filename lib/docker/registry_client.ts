/** Reads from registries over HTTP, with their logins. */

import { AgentError } from "../base/errors.ts";
import { isDict, parseJson } from "../base/json.ts";
import { dictField, textField } from "./decode.ts";
import type { RegistryAuth } from "./registry.ts";

const registryAnswerLimitBytes = 4 * 1024 * 1024;

const manifestKinds = [
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
];
const listKinds = [
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.index.v1+json",
];

/** One repository of a registry, and how it is reached. */
export interface RegistryClientOptions {
  /** With a port, as in image references. */
  host: string;
  /** The repository without the host. */
  path: string;
  auth: RegistryAuth | undefined;
  client: Deno.HttpClient;
  signal: AbortSignal;
}

/** Reads from one repository of a registry. Invariant: no password goes over the network unencrypted. */
export class RegistryClient {
  readonly #options: RegistryClientOptions;
  #authorization: string | undefined;

  constructor(options: RegistryClientOptions) {
    this.#options = options;
  }

  /** The JSON object at `part`, a path below the repository. Throws `denied`, `connect_failed`, `protocol_error`. */
  async readJson(part: string): Promise<unknown> {
    const { host, path } = this.#options;
    const url = `${isLocalRegistry(host) ? "http" : "https"}://${host}/v2/${path}/${part}`;
    let response = await this.#fetch(url, this.#authorization);
    if (response.status === 401 && this.#authorization === undefined) {
      await response.body?.cancel();
      this.#authorization = await this.#authorize(response.headers.get("www-authenticate") ?? "");
      response = await this.#fetch(url, this.#authorization);
    }
    return await readAnswer(response, url);
  }

  async #authorize(challenge: string): Promise<string | undefined> {
    const basic = basicOf(this.#options.auth);
    if (/^basic\b/i.test(challenge)) return basic;
    const realm = challengePart(challenge, "realm");
    if (!/^bearer\b/i.test(challenge) || realm === undefined || !URL.canParse(realm)) {
      throw new AgentError(
        "protocol_error",
        `The registry requires an unknown kind of login: ${challenge.slice(0, 60)}`,
      );
    }
    const url = new URL(realm);
    if (url.protocol !== "https:" && !(url.protocol === "http:" && isLocalRegistry(url.host))) {
      throw new AgentError(
        "denied",
        `Not asking token server "${url.host}" for a token, because it does not use encryption`,
      );
    }
    const service = challengePart(challenge, "service");
    if (service !== undefined) url.searchParams.set("service", service);
    url.searchParams.set("scope", challengePart(challenge, "scope") ?? `repository:${this.#options.path}:pull`);
    const answer = dictField(await readAnswer(await this.#fetch(url.href, basic), url.host));
    const token = textField(answer.token) || textField(answer.access_token);
    if (token === "") throw new AgentError("protocol_error", `Token server "${url.host}" returned no token`);
    return `Bearer ${token}`;
  }

  async #fetch(url: string, authorization: string | undefined): Promise<Response> {
    const { client, signal } = this.#options;
    const accept = [...manifestKinds, ...listKinds, "application/json"].join(", ");
    const headers = { accept, ...(authorization === undefined ? {} : { authorization }) };
    try {
      return await fetch(url, { client, signal, headers });
    } catch (error) {
      throw new AgentError("connect_failed", `Cannot fetch ${new URL(url).host}`, { cause: error });
    }
  }
}

function basicOf(auth: RegistryAuth | undefined): string | undefined {
  if (auth === undefined) return undefined;
  return `Basic ${new TextEncoder().encode(`${auth.user}:${auth.password}`).toBase64()}`;
}

/** One parameter of `Bearer realm="…",service="…"`. */
function challengePart(challenge: string, name: string): string | undefined {
  return new RegExp(`[ ,]${name}="([^"]*)"`, "i").exec(challenge)?.[1];
}

/** Engines talk to registries on their own machine without encryption, and so does this client. */
function isLocalRegistry(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/.test(host);
}

async function readAnswer(response: Response, url: string): Promise<unknown> {
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    const code = response.status === 401 || response.status === 403 ? "denied" : "connect_failed";
    throw new AgentError(code, `Cannot fetch ${url}: the answer has status ${response.status}`);
  }
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  // Leaving the loop early cancels the rest of the body.
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > registryAnswerLimitBytes) throw new AgentError("protocol_error", `Cannot read ${url}: it is too long`);
    text += decoder.decode(chunk, { stream: true });
  }
  const value = parseJson(text);
  if (!isDict(value)) throw new AgentError("protocol_error", `Cannot read ${url}: it must be a JSON object`);
  return value;
}
