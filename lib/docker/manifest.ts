/**
 * Asks a registry how much a pull will download, before the engine begins it. All of this is best effort: callers must
 * be able to go on without an answer.
 */

import { within } from "../async/deadline.ts";
import { AgentError, hasCode, textOf } from "../base/errors.ts";
import { isCount } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import { dictField, type EnginePlatform, listField, numberField, textField } from "./decode.ts";
import { isDigest, type RegistryAuth, registryHostOf, splitReference } from "./registry.ts";
import { RegistryClient } from "./registry_client.ts";

/** Which layers are asked for. */
export interface RemoteLayersOptions {
  /** With its registry's host; `docker.io` is never asked. */
  reference: string;
  auth: RegistryAuth | undefined;
  /** The platform that the image is for. */
  platform: EnginePlatform;
  signal: AbortSignal;
  /** Asks for the digests of the layers too, which takes one more request. */
  withDiffIds: boolean;
  /** For all requests together; a minute unless given. */
  limitMs?: number;
  /** Gets the reason when there is no answer. */
  log: Log;
}

/** One layer of an image in a registry. */
export interface RemoteLayer {
  /** Compressed, as it is downloaded. */
  sizeBytes: number;
  /** The digest of what it unpacks to, by which engines know it; undefined when not asked for, or not answered. */
  diffId: string | undefined;
}

/** Token servers that take ten seconds for an answer are real. */
const manifestLimitMs = 60_000;

/** Images have at most 127 layers in engines. */
const layersLimit = 1_000;

/** No registry takes a bigger layer. */
const layerLimitBytes = 2 ** 40;

/**
 * The layers of an image, first to last, as its registry describes them; undefined when it does not answer within a
 * minute, refuses, or has none for this platform. Throws `canceled`, `registry_busy` (`RegistryBusyError`) when the
 * registry does not want to be asked for a while, and `untrusted_server` when it wants the login to go to a server that
 * is not its own.
 */
export async function readRemoteLayers(options: RemoteLayersOptions): Promise<RemoteLayer[] | undefined> {
  const { reference, signal, log, limitMs = manifestLimitMs } = options;
  try {
    return await within(limitMs, (limit) => askLayers({ ...options, signal: limit }), {
      what: `Asking for the size of image "${reference}"`,
      signal,
    });
  } catch (error) {
    if (signal.aborted || hasCode(error, "registry_busy")) throw error;
    // An engine would send the login there.
    if (options.auth !== undefined && hasCode(error, "untrusted_server")) throw error;
    // The pull goes on without this check; what is wrong with the registry, the engine will report as well.
    log.info("Cannot find out how much a pull downloads", { image: reference, error: textOf(error) });
    return undefined;
  }
}

/**
 * The bytes of `layers` to download for an engine that has `images`, each given by its layers. Engines share what
 * images have in common from their first layer on. Pure.
 */
export function downloadBytes(layers: readonly RemoteLayer[], images: readonly (readonly string[])[]): number {
  const shared = images.map((image) => {
    const other = layers.findIndex(({ diffId }, index) => diffId === undefined || diffId !== image[index]);
    return other === -1 ? layers.length : other;
  });
  return layers.slice(Math.max(0, ...shared)).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

async function askLayers(options: RemoteLayersOptions): Promise<RemoteLayer[] | undefined> {
  const { reference, auth, platform, signal, withDiffIds } = options;
  const host = registryHostOf(reference);
  if (host === "docker.io") return undefined;
  // A kept connection would outlive the requests.
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const { repository, tag } = splitReference(reference);
  const path = repository.slice(host.length + 1);
  const registry = new RegistryClient({ host, path, auth, client, signal });
  let manifest = await registry.readManifest(tag);
  if (listField(manifest.manifests).length > 0) {
    const digest = chooseDigest(listField(manifest.manifests), platform);
    if (digest === undefined) return undefined;
    manifest = await registry.readManifest(digest);
  }
  const sizes = listField(manifest.layers).map((layer) => numberField(dictField(layer).size));
  if (sizes.length === 0) return undefined;
  if (sizes.length > layersLimit || !sizes.every(isLayerSize)) {
    throw new AgentError("protocol_error", `The manifest of image "${reference}" has layers that cannot be`);
  }
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

function isLayerSize(value: unknown): value is number {
  return isCount(value) && value <= layerLimitBytes;
}

/** None when the registry does not return the image's config, which some store elsewhere. */
async function readDiffIds(registry: RegistryClient, digest: string): Promise<string[]> {
  if (digest === "") return [];
  try {
    const config = await registry.readBlob(digest);
    const diffIds = listField(dictField(config.rootfs).diff_ids).map(textField);
    return diffIds.every(isDigest) ? diffIds : [];
  } catch (error) {
    if (hasCode(error, "registry_busy")) throw error;
    // Without digests every layer counts as one to download.
    return [];
  }
}
