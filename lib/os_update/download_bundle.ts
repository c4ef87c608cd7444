/** Downloads the bundle of an update. Nobody vouches for its bytes here: the installer checks its signature. */

import type { Clock } from "../async/clock.ts";
import { hasCode } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { downloadFile, type DownloadProgress } from "../files/download.ts";
import { pacedProgress } from "../files/paced_progress.ts";
import { readWritableBytes } from "../host/disk_space.ts";
import type { BundleFolder } from "./bundle_folder.ts";
import type { BundleSource } from "./bundle_source.ts";

/** What a download needs. */
export interface BundleDownloadDeps {
  folder: BundleFolder;
  /** How much has to stay free on the disk of a folder. */
  reserveBytes(folder: string): Promise<number>;
  clock: Clock;
  log: Log;
}

/** How one bundle is downloaded. */
export interface BundleDownloadOptions {
  source: BundleSource;
  onProgress(progress: DownloadProgress): void;
  signal: AbortSignal;
}

/** A larger bundle is refused. */
export const bundleLimitBytes = 16 * 1024 * 1024 * 1024;

/**
 * Brings the bundle to its place. Progress is told at most five times a second, and always when it is complete. Throws
 * what `downloadFile()` throws; what has arrived is then kept for the next time.
 */
export async function downloadBundle(deps: BundleDownloadDeps, options: BundleDownloadOptions): Promise<void> {
  const { folder, log } = deps;
  const { source: { fileName } } = options;
  try {
    const sizeBytes = await fetchBundle(deps, options);
    log.info("An update of the operating system is downloaded", { path: folder.pathOf(fileName), bytes: sizeBytes });
  } catch (error) {
    // One that was whole before stays usable.
    await folder.placeIfWhole(fileName);
    throw error;
  }
}

/** What is in the way of a bundle is removed only if there is no room for both. */
async function fetchBundle(deps: BundleDownloadDeps, options: BundleDownloadOptions): Promise<number> {
  try {
    return await fetchBundleOnce(deps, options);
  } catch (error) {
    const { folder } = deps;
    if (!hasCode(error, "no_space") || !await folder.removeUnknown(options.source.fileName)) throw error;
    return await fetchBundleOnce(deps, options);
  }
}

async function fetchBundleOnce(deps: BundleDownloadDeps, options: BundleDownloadOptions): Promise<number> {
  const { folder, clock } = deps;
  const { source, onProgress, signal } = options;
  const { path, identity } = await folder.prepare(source, signal);
  let isTold = false;
  const report = pacedProgress((progress) => {
    isTold = progress.currentBytes === progress.fileSize;
    onProgress(progress);
  }, clock);
  const { sizeBytes } = await downloadFile(source.url, {
    ...{ path, limitBytes: bundleLimitBytes, readFreeBytes: readWritableBytes, onProgress: report, clock, signal },
    reserveBytes: await deps.reserveBytes(folder.path),
    identity,
    onIdentity: (seen) => folder.note(source, seen),
  });
  if (!isTold) report({ increment: 0, currentBytes: sizeBytes, fileSize: sizeBytes });
  await folder.place(source.fileName);
  return sizeBytes;
}
