/** Reads and replaces the index that devices see. */

import { commentField, readUpdateSignature } from "../../lib/self_update/minisign.ts";
import { readUpdateIndex, type UpdateIndex, writeUpdateIndex } from "../../lib/self_update/update_index.ts";
import type { SigningKey } from "../signing/secret_key.ts";
import { signContent } from "../signing/sign.ts";
import { indexPath, indexSignaturePath } from "./layout.ts";
import { readSmall, type ReleaseStore } from "./release_store.ts";
import { copyCompared, transfer, type TransferOptions } from "./transfer.ts";

/** What devices see at the moment. */
export interface LiveIndex {
  /** Undefined before the first promotion. */
  index: UpdateIndex | undefined;
  isSigned: boolean;
  /** The number that the next index must exceed, if the index itself has none. */
  newestNumber: number;
}

/** Where a new index is complete before devices see it. */
const pendingPath = (path: string) => `pending/${path}`;

/** Reads the index. Throws when there is one that cannot be read. */
export async function readLiveIndex(store: ReleaseStore): Promise<LiveIndex> {
  const text = await readSmall(store, indexPath);
  const signature = await readSmall(store, indexSignaturePath);
  const index = text === undefined ? undefined : readUpdateIndex(text);
  return { index, isSigned: signature !== undefined, newestNumber: signature === undefined ? 0 : timeOf(signature) };
}

/**
 * Makes an index live. It and its signature are uploaded next to the live ones and read back, and then copied in the
 * store, the index last. Throws when a signed index would lose its signature, because agents refuse what is not signed.
 */
export async function replaceIndex(
  index: UpdateIndex,
  { signKey, now, live, ...options }: TransferOptions & { signKey?: SigningKey; now: number; live: LiveIndex },
): Promise<void> {
  const { store } = options;
  assertStaysSigned({ store, live, ...(signKey === undefined ? {} : { signKey }) });
  const bytes = new TextEncoder().encode(writeUpdateIndex(index));
  const paths = [indexPath];
  await transfer(pendingPath(indexPath), { ...options, content: { bytes } });
  if (signKey !== undefined) {
    const text = await signContent(bytes, { key: signKey, fields: { timestamp: now, file: indexPath } });
    const content = { bytes: new TextEncoder().encode(text) };
    await transfer(pendingPath(indexSignaturePath), { ...options, content });
    paths.unshift(indexSignaturePath);
  }
  await makeLive(paths, options);
  for (const path of paths) await store.remove(pendingPath(path));
}

/** Throws when a signed index would lose its signature. */
export function assertStaysSigned(
  { store, live, signKey }: { store: ReleaseStore; live: LiveIndex; signKey?: SigningKey },
): void {
  if (!live.isSigned || signKey !== undefined) return;
  throw new Error(`The index in ${store.name} is signed, and agents refuse one that is not: --sign-key is missing`);
}

/** A signature without its index would stop updates, so the one before comes back when the index cannot be copied. */
async function makeLive(paths: readonly string[], { store, progress }: TransferOptions): Promise<void> {
  const before = await readSmall(store, indexSignaturePath);
  try {
    for (const path of paths) await copyCompared(store, { from: pendingPath(path), to: path });
  } catch (error) {
    if (before !== undefined) {
      const bytes = new TextEncoder().encode(before);
      await transfer(indexSignaturePath, { store, progress, content: { bytes } }).catch(() => {
        progress.note("-      the signature before could not be restored; run this again");
      });
    }
    throw error;
  }
}

function timeOf(signature: string): number {
  const seconds = Number(commentField(readUpdateSignature(signature).trustedComment, "timestamp"));
  return Number.isSafeInteger(seconds) ? seconds : 0;
}
