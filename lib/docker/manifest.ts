/**
 * Asks a registry how much a pull will download, before the engine begins it. Everything here is a courtesy: whoever
 * asks must be able to go on without an answer.
 */

import { within } from "../async/deadline.ts";
import { AgentError } from "../base/errors.ts";
import { isCount, isDict, parseJson } from "../base/json.ts";
import { type RegistryAuth, registryHostOf, splitReference } from "./registry.ts";
import { dictField, type EnginePlatform, listField, numberField, textField } from "./decode.ts";

/** What the size of a pull depends on. */
export interface PullQuestion {
  /** With its registry's host; images of `docker.io` are not asked for. */
  reference: string;
  auth: RegistryAuth | undefined;
  /** The machine that the image is for. */
  platform: EnginePlatform;
  signal: AbortSignal;
  /** Asks for the digests of the layers too, which takes one question more. */
  withDiffIds: boolean;
  /** For all requests together; 10 s unless given. */
  limitMs?: number;
}

/** One layer of an image in a registry. */
export interface RemoteLayer {
  /** Compressed, as it is downloaded. */
  sizeBytes: number;
  /**
   * The digest of what it unpacks to, by which engines know it; undefined when nobody asked, or the registry did not
   * tell.
   */
  diffId: string | undefined;
}

const usualLimitMs = 10_000;

const answerLimitBytes = 4 * 1024 * 1024;

const manifestKinds = [
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
];
const listKinds = [
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.index.v1+json",
];

/**
 * The layers of an image, first to last, as its registry describes them; undefined when it does not answer within 10 s,
 * refuses, or has none for this platform. Throws `canceled`.
 */
export async function readRemoteLayers(question: PullQuestion): Promise<RemoteLayer[] | undefined> {
  const { reference, signal, limitMs = usualLimitMs } = question;
  try {
    return await within(limitMs, (limit) => askLayers({ ...question, signal: limit }), {
      what: `Asking for the size of image "${reference}"`,
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw error;
    // Whatever is wrong, the engine's own pull meets it again and says so.
    return undefined;
  }
}

/**
 * The bytes to download of `layers` for an engine that has images of these layers. Engines share what images have in
 * common from their first layer on. Pure.
 */
export function downloadBytes(layers: readonly RemoteLayer[], images: readonly (readonly string[])[]): number {
  const shared = images.map((image) => {
    const other = layers.findIndex(({ diffId }, index) => diffId === undefined || diffId !== image[index]);
    return other === -1 ? layers.length : other;
  });
  return layers.slice(Math.max(0, ...shared)).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

async function askLayers(question: PullQuestion): Promise<RemoteLayer[] | undefined> {
  const { reference, auth, platform, signal, withDiffIds } = question;
  const host = registryHostOf(reference);
  if (host === "docker.io") return undefined;
  // A kept connection would outlive the question.
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const { repository, tag } = splitReference(reference);
  const path = repository.slice(host.length + 1);
  const registry = new RegistryClient({ host, path, auth, client, signal });
  let manifest = dictField(await registry.readJson(`manifests/${tag}`));
  if (listField(manifest.manifests).length > 0) {
    const digest = chooseDigest(listField(manifest.manifests), platform);
    if (digest === undefined) return undefined;
    manifest = dictField(await registry.readJson(`manifests/${digest}`));
  }
  const sizes = listField(manifest.layers).map((layer) => numberField(dictField(layer).size));
  if (sizes.length === 0 || !sizes.every(isCount)) return undefined;
  const diffIds = withDiffIds ? await readDiffIds(registry, textField(dictField(manifest.config).digest)) : [];
  const isWhole = diffIds.length === sizes.length;
  return sizes.map((sizeBytes, index) => ({ sizeBytes, diffId: isWhole ? diffIds[index] : undefined }));
}

/** The entry for exactly this platform. Of several variants the first counts; they hardly differ in size. */
function chooseDigest(entries: readonly unknown[], platform: EnginePlatform): string | undefined {
  const fits = entries.map(dictField).find((entry) => {
    const { os, architecture } = dictField(entry.platform);
    return os === platform.os && architecture === platform.architecture;
  });
  return textField(fits?.digest) || undefined;
}

/** None when the registry does not give the image's config, which some keep elsewhere. */
async function readDiffIds(registry: RegistryClient, digest: string): Promise<string[]> {
  if (digest === "") return [];
  try {
    const config = dictField(await registry.readJson(`blobs/${digest}`));
    return listField(dictField(config.rootfs).diff_ids).map(textField);
  } catch {
    // Then every layer counts as one to download.
    return [];
  }
}

interface ClientParts {
  host: string;
  /** The repository without the host. */
  path: string;
  auth: RegistryAuth | undefined;
  client: Deno.HttpClient;
  signal: AbortSignal;
}

/** Reads from one repository of a registry. Invariant: no password goes over the network in the clear. */
class RegistryClient {
  readonly #parts: ClientParts;
  #authorization: string | undefined;

  constructor(parts: ClientParts) {
    this.#parts = parts;
  }

  /** Throws `denied`, `connect_failed`, `protocol_error`. */
  async readJson(part: string): Promise<unknown> {
    const { host, path } = this.#parts;
    const url = `${isThisMachine(host) ? "http" : "https"}://${host}/v2/${path}/${part}`;
    let response = await this.#fetch(url, this.#authorization);
    if (response.status === 401 && this.#authorization === undefined) {
      await response.body?.cancel();
      this.#authorization = await this.#authorize(response.headers.get("www-authenticate") ?? "");
      response = await this.#fetch(url, this.#authorization);
    }
    return await readAnswer(response, url);
  }

  async #authorize(challenge: string): Promise<string | undefined> {
    const basic = basicOf(this.#parts.auth);
    if (/^basic\b/i.test(challenge)) return basic;
    const realm = challengePart(challenge, "realm");
    if (!/^bearer\b/i.test(challenge) || realm === undefined || !URL.canParse(realm)) {
      throw new AgentError(
        "protocol_error",
        `The registry asks for an unknown kind of login: ${challenge.slice(0, 60)}`,
      );
    }
    const url = new URL(realm);
    if (url.protocol !== "https:" && !(url.protocol === "http:" && isThisMachine(url.host))) {
      throw new AgentError("denied", `The token server "${url.host}" is not asked without encryption`);
    }
    const service = challengePart(challenge, "service");
    if (service !== undefined) url.searchParams.set("service", service);
    url.searchParams.set("scope", challengePart(challenge, "scope") ?? `repository:${this.#parts.path}:pull`);
    const answer = dictField(await readAnswer(await this.#fetch(url.href, basic), url.host));
    const token = textField(answer.token) || textField(answer.access_token);
    if (token === "") throw new AgentError("protocol_error", `The token server "${url.host}" gave no token`);
    return `Bearer ${token}`;
  }

  async #fetch(url: string, authorization: string | undefined): Promise<Response> {
    const { client, signal } = this.#parts;
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

/** Engines speak to registries on their own machine without encryption, and so does this. */
function isThisMachine(host: string): boolean {
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
    if (size > answerLimitBytes) throw new AgentError("protocol_error", `Cannot read ${url}: it is too long`);
    text += decoder.decode(chunk, { stream: true });
  }
  const value = parseJson(text);
  if (!isDict(value)) throw new AgentError("protocol_error", `Cannot read ${url}: it must be a JSON object`);
  return value;
}
