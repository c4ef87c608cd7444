/** Finds out whether an image that is about to be pulled fits on the disk. */

import { neededBytesFor, type PullSpace, roomFor } from "./room.ts";
import type { Engine } from "../docker/engine.ts";
import type { RegistryAuth } from "../docker/registry.ts";
import type { EngineStorage } from "../docker/engine_storage.ts";
import { downloadBytes, readRemoteLayers } from "../docker/manifest.ts";
import { usualThresholds } from "./thresholds.ts";

/** What finding out takes. */
export interface PullCheckDeps {
  engine: Pick<Engine, "platform">;
  storage: Pick<EngineStorage, "listLayers">;
  /** Of the disk of the engine; undefined when it cannot be read. */
  readFreeBytes(): Promise<number | undefined>;
  /** Must be free after the pull; 1 GiB unless given: with less the device would be in an emergency. */
  reserveBytes?: number;
}

/** An image and the login for its registry. */
export interface PullCheckOptions {
  reference: string;
  auth: RegistryAuth | undefined;
  signal: AbortSignal;
}

/**
 * Compares what the pull needs, without the layers that the engine already has, with what is free. It fits when that cannot be found
 * out. Takes some 10 s with a registry that is silent. Throws `canceled`, and what the engine throws.
 */
export async function checkPullSpace(parts: PullCheckDeps, question: PullCheckOptions): Promise<PullSpace> {
  const { engine, storage, readFreeBytes, reserveBytes = usualThresholds.emergencyBytes } = parts;
  const platform = await engine.platform(question.signal);
  const judge = async (withDiffIds: boolean) => {
    const layers = await readRemoteLayers({ ...question, platform, withDiffIds });
    if (layers === undefined) return { kind: "fits" } as const;
    const images = withDiffIds ? await storage.listLayers(question.signal) : [];
    const neededBytes = neededBytesFor(downloadBytes(layers, images));
    return roomFor({ neededBytes, freeBytes: await readFreeBytes(), reserveBytes });
  };
  const room = await judge(false);
  // Only where it is tight it matters what the engine has already.
  return room.kind === "fits" ? room : await judge(true);
}
