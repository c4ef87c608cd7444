/** Finds images by their references, which engines and people spell in different ways. Pure. */

import type { ImageSummary } from "./decode.ts";

/** Those of `references` that are among the images of the engine: the id by reference, as it was given. */
export function imagesHere(
  references: readonly string[],
  images: readonly Pick<ImageSummary, "id" | "repoTags" | "repoDigests">[],
): Record<string, string> {
  if (references.length === 0) return {};
  const ids = new Map<string, string>();
  for (const { id, repoTags, repoDigests = [] } of images) {
    for (const name of [...repoTags, ...repoDigests]) ids.set(plainReference(name), id);
  }
  const found = references.flatMap((reference) => {
    const id = ids.get(plainReference(reference));
    return id === undefined ? [] : [[reference, id] as const];
  });
  return Object.fromEntries(found);
}

/**
 * One spelling for all that mean the same image: `docker.io/library/redis` and `redis` are `redis:latest`. With a
 * digest the tag does not count.
 */
export function plainReference(reference: string): string {
  const short = reference.replace(/^(?:index\.)?docker\.io\//, "").replace(/^library\//, "");
  const at = short.indexOf("@");
  if (at !== -1) return `${short.slice(0, at).replace(/:[^/:]*$/, "")}${short.slice(at)}`;
  return /:[^/]*$/.test(short) ? short : `${short}:latest`;
}
