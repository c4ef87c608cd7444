/** Reads from registries over HTTP, with their logins. */

import { AgentError } from "../base/errors.ts";
import { type Dict, isDict, parseJson } from "../base/json.ts";
import { quoteText } from "../base/quote.ts";
import { type GuardedAnswer, guardedFetch, readLimitedText, shownHost } from "../http/guarded_fetch.ts";
import { hostNameOf, isThisMachine } from "../http/site.ts";
import { registryHost } from "../model/registry_host.ts";
import { readChallenge } from "./challenge.ts";
import { textField } from "./decode.ts";
import { pathPart } from "./engine_transport.ts";
import { isDigest, isTag, type RegistryAuth } from "./registry.ts";
import { busyError } from "./retry_after.ts";
import { tokenServerOf } from "./token_server.ts";

/** Bytes of a manifest or of the config of an image; real ones have a few KiB. */
export const manifestLimitBytes = 1024 * 1024;

const tokenAnswerLimitBytes = 64 * 1024;
const tokenLimitChars = 16 * 1024;
const shownChallengeChars = 60;

const manifestKinds = [
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
];
const listKinds = [
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.index.v1+json",
];
const accept = [...manifestKinds, ...listKinds, "application/json"].join(", ");

/** One repository of a registry, and how it is reached. */
export interface RegistryClientOptions {
  /** With a port, as in image references. */
  host: string;
  /** The repository without the host. */
  path: string;
  /** Used only when it is for this host. */
  auth: RegistryAuth | undefined;
  client: Deno.HttpClient;
  signal: AbortSignal;
}

/**
 * Reads from one repository of a registry. Invariants: no password or token goes over the network unencrypted, nor to a
 * host of another site; tokens are asked for this repository only.
 */
export class RegistryClient {
  readonly #options: RegistryClientOptions;
  readonly #base: URL;
  readonly #basic: string | undefined;
  #authorization: string | undefined;

  /** Throws `bad_request` for a host or path that is none. */
  constructor(options: RegistryClientOptions) {
    const { host, path, auth } = options;
    this.#options = options;
    this.#base = registryUrl(host);
    this.#basic = auth !== undefined && isFor(auth, host) ? basicOf(auth) : undefined;
    this.#base.pathname = `/v2/${pathPart(path)}/`;
  }

  /**
   * The manifest that a tag or digest names. Throws `bad_request`, `denied`, `connect_failed`, `registry_busy`,
   * `untrusted_server`, `protocol_error`.
   */
  async readManifest(tagOrDigest: string): Promise<Dict> {
    if (!isTag(tagOrDigest) && !isDigest(tagOrDigest)) throw badReference(tagOrDigest);
    return await this.#readJson(`manifests/${tagOrDigest}`);
  }

  /** The JSON object that is stored under a digest. Throws as `readManifest()`. */
  async readBlob(digest: string): Promise<Dict> {
    if (!isDigest(digest)) throw badReference(digest);
    return await this.#readJson(`blobs/${digest}`);
  }

  async #readJson(part: string): Promise<Dict> {
    const start = new URL(part, this.#base);
    let answer = await this.#fetch(start, this.#authorization);
    // Only the registry itself is asked how to log in, not the storage that it redirects to.
    const isOwnRefusal = answer.response.status === 401 && answer.url.origin === start.origin;
    if (isOwnRefusal && this.#authorization === undefined) {
      await answer.response.body?.cancel();
      this.#authorization = await this.#authorize(answer.response.headers.get("www-authenticate") ?? "");
      answer = await this.#fetch(start, this.#authorization);
    }
    return await readAnswer(answer, manifestLimitBytes);
  }

  async #authorize(header: string): Promise<string | undefined> {
    const challenge = readChallenge(header);
    if (challenge === undefined) {
      const shown = quoteText(header.slice(0, shownChallengeChars));
      throw new AgentError("protocol_error", `The registry requires an unknown kind of login: ${shown}`);
    }
    if (challenge.kind === "basic") return this.#basic;
    const url = tokenServerOf(this.#base, challenge.realm);
    if (challenge.service !== undefined) url.searchParams.set("service", challenge.service);
    url.searchParams.set("scope", `repository:${this.#options.path}:pull`);
    const answer = await readAnswer(
      await this.#fetch(url, this.#basic, { redirectLimit: 0 }),
      tokenAnswerLimitBytes,
    );
    const token = textField(answer.token) || textField(answer.access_token);
    if (!/^[\x21-\x7e]+$/.test(token) || token.length > tokenLimitChars) {
      throw new AgentError("protocol_error", `Token server ${shownHost(url)} returned no token`);
    }
    return `Bearer ${token}`;
  }

  #fetch(url: URL, authorization: string | undefined, limits: { redirectLimit?: number } = {}): Promise<GuardedAnswer> {
    const { client, signal } = this.#options;
    return guardedFetch(url, { client, signal, headers: { accept }, authorization, ...limits });
  }
}

/** Engines talk to registries on their own machine without encryption, and so does this client. */
function registryUrl(host: string): URL {
  const text = `https://${host}/`;
  const url = /^(?:[\w.-]+|\[[\da-f:]+\])(?::\d{1,5})?$/i.test(host) && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw new AgentError("bad_request", `Cannot use ${quoteText(host)} as the host of a registry`);
  return isThisMachine(hostNameOf(url)) ? new URL(`http://${host}/`) : url;
}

/** A login may be written with a path behind the host. */
function isFor(auth: RegistryAuth, host: string): boolean {
  return registryHost(auth.host) === registryHost(host);
}

function basicOf(auth: RegistryAuth): string {
  return `Basic ${new TextEncoder().encode(`${auth.user}:${auth.password}`).toBase64()}`;
}

function badReference(text: string): AgentError {
  return new AgentError("bad_request", `Cannot use ${quoteText(text.slice(0, 100))} as a tag or digest`);
}

async function readAnswer({ response, url }: GuardedAnswer, limitBytes: number): Promise<Dict> {
  if (!response.ok) {
    await response.body?.cancel();
    const busy = busyError(response, url);
    if (busy !== undefined) throw busy;
    const code = response.status === 401 || response.status === 403 ? "denied" : "connect_failed";
    throw new AgentError(code, `Cannot fetch from ${shownHost(url)}: the answer has status ${response.status}`);
  }
  const value = parseJson(await readLimitedText(response, { url, limitBytes }));
  if (!isDict(value)) {
    throw new AgentError("protocol_error", `Cannot read from ${shownHost(url)}: it must be a JSON object`);
  }
  return value;
}
