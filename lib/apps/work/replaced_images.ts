/** Removes images that lose their last name to new ones: otherwise each build would leave one. */

import type { Log } from "../../base/log.ts";
import type { Engine } from "../../docker/engine.ts";
import { imagesHere } from "../../docker/image_ids.ts";

/** What images are removed with. */
export interface ReplacedImagesDeps {
  engine: Pick<Engine, "listImages" | "untag">;
  log: Log;
}

/** Whoever cancels a build waits no longer for the removal. */
const canceledLimitMs = 500;

/**
 * Does work that makes new images of these names, and removes those that had them before and have no other name, also
 * when the work fails half-way. Images that are in use stay. Throws what `work` throws, and what the engine throws
 * before it.
 */
export async function dropReplaced(
  deps: ReplacedImagesDeps,
  { references, work }: { references: readonly string[]; work: () => Promise<void> },
  signal: AbortSignal,
): Promise<void> {
  const before = new Set(Object.values(imagesHere(references, await deps.engine.listImages(signal))));
  try {
    await work();
  } finally {
    const limited = signal.aborted ? AbortSignal.timeout(canceledLimitMs) : signal;
    if (before.size > 0) await dropNameless(deps, before, limited);
  }
}

async function dropNameless(
  { engine, log }: ReplacedImagesDeps,
  ids: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<void> {
  try {
    const images = await engine.listImages(signal);
    const nameless = images.filter(({ id, repoTags }) => ids.has(id) && repoTags.length === 0);
    for (const { id } of nameless) await engine.untag(id, signal);
  } catch (error) {
    // What has become of the work counts.
    log.info("Images that a build has replaced stay", { error });
  }
}
