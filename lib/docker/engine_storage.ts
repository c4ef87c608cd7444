/** The engine's calls about what fills its disk: volumes, images with their containers, the build cache. */

import type { Log } from "../base/log.ts";
import type { EngineEnvironment } from "./endpoint.ts";
import {
  decodeImage,
  decodeSummary,
  dictField,
  type ImageSummary,
  listField,
  numberField,
  textField,
} from "./decode.ts";
import { EngineTransport, pathPart } from "./engine_transport.ts";

/** A volume that no container references, running or not. */
export interface DanglingVolume {
  name: string;
  labels: Record<string, string>;
}

/** A container and what it keeps on the disk. */
export interface ContainerUse {
  id: string;
  /** Without the leading slash. */
  names: string[];
  /** A process of it may write; a paused or restarting container counts too. */
  isRunning: boolean;
  /** The reference it was created from. */
  image: string;
  imageId: string;
  labels: Record<string, string>;
}

/** A full disk makes engines slow, and blocks some forever. */
const storageLimits = { listMs: 120_000, removeMs: 60_000, pruneMs: 300_000 };

const aliveStates: readonly string[] = ["running", "paused", "restarting"];

/**
 * The engine's disk, with deadlines that suit a full one: 2 min for a list, 1 min for a removal, 5 min for a clean-up.
 * Every call throws `engine_unreachable`, `engine_failed`, `timeout`, `canceled`.
 */
export class EngineStorage {
  readonly #transport: EngineTransport;

  constructor({ env, log }: { env: EngineEnvironment; log: Log }) {
    this.#transport = new EngineTransport(env, log);
  }

  /** All containers. */
  async listContainers(signal: AbortSignal): Promise<ContainerUse[]> {
    const request = { method: "GET", path: "/containers/json", query: { all: "1" } } as const;
    const options = { what: "Listing containers", signal, limitMs: storageLimits.listMs };
    return listField(await this.#transport.readJson(request, options)).flatMap(decodeUse);
  }

  /** All images, without the layers in between. */
  async listImages(signal: AbortSignal): Promise<ImageSummary[]> {
    const options = { what: "Listing images", signal, limitMs: storageLimits.listMs };
    const images = listField(await this.#transport.readJson({ method: "GET", path: "/images/json" }, options));
    return images.map(decodeImage).filter((image) => image !== undefined);
  }

  /** The volumes that no container references. */
  async listDanglingVolumes(signal: AbortSignal): Promise<DanglingVolume[]> {
    const query = { filters: JSON.stringify({ dangling: ["true"] }) };
    const options = { what: "Listing volumes", signal, limitMs: storageLimits.listMs };
    const answer = dictField(await this.#transport.readJson({ method: "GET", path: "/volumes", query }, options));
    return listField(answer.Volumes).flatMap(decodeVolume);
  }

  /** Removes a volume with its data, never one that is in use. */
  async removeVolume(name: string, signal: AbortSignal): Promise<void> {
    const options = { what: `Removing volume "${name}"`, signal, limitMs: storageLimits.removeMs };
    await this.#transport.read({ method: "DELETE", path: `/volumes/${pathPart(name)}` }, options);
  }

  /**
   * Removes a name of an image; the image goes with its last name, and so do the layers that no other needs. Never
   * forced.
   */
  async removeTag(reference: string, signal: AbortSignal): Promise<void> {
    const options = { what: `Removing image "${reference}"`, signal, limitMs: storageLimits.removeMs };
    await this.#transport.read({ method: "DELETE", path: `/images/${pathPart(reference)}` }, options);
  }

  /** Removes what builds cache and no image needs; returns the bytes that the engine reports as freed. */
  async pruneBuildCache(signal: AbortSignal): Promise<number> {
    const options = { what: "Pruning the build cache", signal, limitMs: storageLimits.pruneMs };
    const answer = dictField(await this.#transport.readJson({ method: "POST", path: "/build/prune" }, options));
    return numberField(answer.SpaceReclaimed) ?? 0;
  }

  /** The layers of each image, first to last, by the digests of what they unpack to. */
  async listLayers(signal: AbortSignal): Promise<string[][]> {
    const layers: string[][] = [];
    for (const { id } of await this.listImages(signal)) {
      const request = { method: "GET", path: `/images/${pathPart(id)}/json` } as const;
      const options = { what: `Inspecting image "${id}"`, signal };
      const image = dictField(await this.#transport.readJson(request, options));
      layers.push(listField(dictField(image.RootFS).Layers).map(textField));
    }
    return layers;
  }
}

function decodeUse(value: unknown): ContainerUse[] {
  const summary = decodeSummary(value);
  if (summary === undefined) return [];
  const { id, names, image, labels } = summary;
  const imageId = textField(dictField(value).ImageID);
  return [{ id, names, image, labels, imageId, isRunning: aliveStates.includes(summary.state) }];
}

function decodeVolume(value: unknown): DanglingVolume[] {
  const wire = dictField(value);
  const name = textField(wire.Name);
  const labels = Object.fromEntries(
    Object.entries(dictField(wire.Labels)).map(([key, label]) => [key, textField(label)]),
  );
  return name === "" ? [] : [{ name, labels }];
}
