/** Sends the archive of a DEV app to a device, which builds the app from it. */

import { mustRun } from "../programs.ts";
import { channelOf } from "./log_events.ts";
import type { App } from "./releases.ts";

/** What is sent, and who is told how far it is. */
export interface UploadOptions {
  app: App;
  /** An archive: tar, as it is or packed with gzip. */
  path: string;
  onProgress?: (sentBytes: number, totalBytes: number) => void;
}

const chunkBytes = 256 * 1024;

/** Packs a folder as the archive `target`, without what git keeps about it. Throws when it cannot be read. */
export async function packFolder(folder: string, target: string): Promise<void> {
  await mustRun("tar", ["-C", folder, "--exclude=./.git", "--owner=0", "--group=0", "-czf", target, "."]);
}

/** Sends an archive with `write`, which calls `write_data` of the device. Throws what the device answers. */
export async function sendArchive(
  write: (args: unknown[]) => Promise<unknown>,
  { app, path, onProgress = () => {} }: UploadOptions,
): Promise<void> {
  using file = await Deno.open(path);
  const totalBytes = (await file.stat()).size;
  const container = channelOf({ ...app, appName: app.name, stage: "DEV" });
  const id = crypto.randomUUID();
  const send = (chunk: string) => write([chunk, `${app.name}.tgz`, container, totalBytes, id]);
  await send("BEGIN");
  const buffer = new Uint8Array(chunkBytes);
  let sentBytes = 0;
  for (let count = await file.read(buffer); count !== null; count = await file.read(buffer)) {
    await send(buffer.subarray(0, count).toHex());
    sentBytes += count;
    onProgress(sentBytes, totalBytes);
  }
  await send("END");
}
