/** Brings files to a store and looks whether they have arrived. */

import { sha256Of, sha256OfFile } from "../sha256.ts";
import type { Progress } from "./progress.ts";
import { type Content, type ReleaseStore, sizeOf } from "./release_store.ts";

const tries = 3;

/** Where files go, and who learns about it. */
export interface TransferOptions {
  store: ReleaseStore;
  progress: Progress;
}

/**
 * Brings a file to a path and reads it back. A file that is there already with this content is left alone, so a run can
 * be repeated. Content that differs after an upload is uploaded again, twice. Throws when it still differs.
 */
export async function transfer(path: string, options: TransferOptions & { content: Content }): Promise<void> {
  const { store, progress, content } = options;
  const sha256 = "file" in content
    ? await sha256OfFile(content.file)
    : await sha256Of(new Blob([content.bytes]).stream());
  if (await hasContent(store, { path, sha256 })) {
    progress.note(`=      ${path}: it is there already`);
    return;
  }
  for (let attempt = 1; attempt <= tries; attempt += 1) {
    const line = progress.start(path, await sizeOf(content));
    try {
      await store.write(path, { content, onBytes: (count) => line.add(count) });
    } finally {
      line.end();
    }
    if (await hasContent(store, { path, sha256 })) {
      progress.note(`ok     ${path}: ${await sizeOf(content)} bytes, read back`);
      return;
    }
    progress.note(`-      ${path}: what was read back is not what was sent (try ${attempt} of ${tries})`);
  }
  throw new Error(`${store.name} does not keep ${path} as it is sent; nothing was made live`);
}

/** Copies a file inside the store and compares the copy. Throws when it differs. */
export async function copyCompared(store: ReleaseStore, { from, to }: { from: string; to: string }): Promise<void> {
  const source = await store.read(from);
  if (source === undefined) throw new Error(`${store.name} has no ${from}`);
  const sha256 = await sha256Of(source);
  if (await hasContent(store, { path: to, sha256 })) return;
  await store.copy(from, to);
  if (!await hasContent(store, { path: to, sha256 })) {
    throw new Error(`${store.name}: ${to} is not the same as ${from}`);
  }
}

/** Whether a file has this content. */
export async function hasContent(
  store: ReleaseStore,
  { path, sha256 }: { path: string; sha256: string },
): Promise<boolean> {
  const stream = await store.read(path);
  return stream !== undefined && await sha256Of(stream) === sha256;
}
