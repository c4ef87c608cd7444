/** Opens the place that `--to` names. */

import { BucketStore } from "./bucket_store.ts";
import { FolderStore } from "./folder_store.ts";
import type { ReleaseStore } from "./release_store.ts";

/** What `--to` takes. */
export const storeForms = "gs://BUCKET or folder:/PATH";

/**
 * Opens it; a bucket is not asked before the first file. The token for a bucket is in `GOOGLE_OAUTH_ACCESS_TOKEN` or
 * `CLOUDSDK_AUTH_ACCESS_TOKEN`; `STORAGE_EMULATOR_HOST` names another service. Throws when the text has neither form,
 * and when there is no token.
 */
export function openStore(
  text: string,
  { environment }: { environment: Readonly<Record<string, string>> },
): ReleaseStore {
  const [, folder] = /^folder:(.+)$/.exec(text) ?? [];
  if (folder !== undefined) return new FolderStore(folder);
  const [, bucket] = /^gs:\/\/([a-z0-9][-_.a-z0-9]*)\/?$/.exec(text) ?? [];
  if (bucket === undefined) throw new Error(`Cannot publish to "${text}": it must be ${storeForms}`);
  const emulator = environment.STORAGE_EMULATOR_HOST;
  const token = environment.GOOGLE_OAUTH_ACCESS_TOKEN || environment.CLOUDSDK_AUTH_ACCESS_TOKEN || undefined;
  if (!emulator && token === undefined) {
    throw new Error(`Cannot publish to "${text}": there is no token in GOOGLE_OAUTH_ACCESS_TOKEN, which this gives:
    export GOOGLE_OAUTH_ACCESS_TOKEN="$(gcloud auth print-access-token)"`);
  }
  const endpoint = emulator ? withScheme(emulator).replace(/\/+$/, "") : "https://storage.googleapis.com";
  const wait = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
  return new BucketStore(bucket, { endpoint, token, wait });
}

function withScheme(host: string): string {
  return /^https?:\/\//.test(host) ? host : `http://${host}`;
}
