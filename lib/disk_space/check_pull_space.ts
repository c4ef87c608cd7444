/** Finds out from the registry and the engine whether an image fits on the disk. */

import type { Log } from "../base/log.ts";
import type { Engine } from "../docker/engine.ts";
import type { RegistryAuth } from "../docker/registry.ts";
import type { EngineStorage } from "../docker/engine_storage.ts";
import { downloadBytes, readRemoteLayers } from "../docker/manifest.ts";
import { judgePullSpace, neededBytesFor, type PullSpace } from "./pull_space.ts";
import { defaultThresholds } from "./thresholds.ts";

/** What `checkPullSpace()` asks. */
export interface PullCheckDeps {
  engine: Pick<Engine, "platform">;
  storage: Pick<EngineStorage, "listLayers">;
  /** Free bytes on the engine's disk; undefined when they cannot be read. */
  readFreeBytes(): Promise<number | undefined>;
  /** Must be free after the pull; by default 1 GiB, below which the device would be in an emergency. */
  reserveBytes?: number;
  log: Log;
}

/** The image and the login for its registry. */
export interface PullOptions {
  reference: string;
  auth: RegistryAuth | undefined;
  signal: AbortSignal;
}

/**
 * Compares the space that the pull needs, without layers that the engine already has, with the free space. An image
 * whose size cannot be found out fits. Takes about 10 s with a silent registry. Throws `canceled`, and what the engine
 * throws.
 */
export async function checkPullSpace(deps: PullCheckDeps, options: PullOptions): Promise<PullSpace> {
  const { engine, storage, readFreeBytes, reserveBytes = defaultThresholds.emergencyBytes, log } = deps;
  const platform = await engine.platform(options.signal);
  const judge = async (withDiffIds: boolean): Promise<PullSpace> => {
    const layers = await readRemoteLayers({ ...options, platform, withDiffIds, log });
    if (layers === undefined) return { kind: "fits" };
    const images = withDiffIds ? await storage.listLayers(options.signal) : [];
    const neededBytes = neededBytesFor(downloadBytes(layers, images));
    return judgePullSpace({ neededBytes, freeBytes: await readFreeBytes(), reserveBytes });
  };
  const wholeImage = await judge(false);
  // Layers that are there already matter only when space is tight.
  return wholeImage.kind === "fits" ? wholeImage : await judge(true);
}
