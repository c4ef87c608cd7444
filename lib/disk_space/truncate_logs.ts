/** Empties the logs of containers that have grown too large. */

import { throwIfAborted } from "../async/deadline.ts";
import { HeldFolder } from "../files/held_folder.ts";

/** A container's log above this is emptied. */
export const logLimitBytes = 50 * 1024 * 1024;

/**
 * Where log drivers of the engine write, in the folder of a container. Other folders in it belong to the container,
 * such as its shared memory: nothing there is a log of the engine's, whatever its name.
 */
const innerFolders = ["local-logs"];

/**
 * Empties large logs of the containers that have a folder in `folder`, and returns how many bytes they had. They are
 * not removed, because the engine holds them open and the space would not be freed. Throws `canceled`, and what the
 * file system throws.
 */
export async function truncateLogs(folder: string, signal: AbortSignal): Promise<number> {
  let emptiedBytes = 0;
  await using containers = await HeldFolder.open(folder);
  for (const name of await containers?.list() ?? []) {
    throwIfAborted(signal, "Emptying logs");
    await using container = await containers?.openFolder(name);
    if (container === undefined) continue;
    emptiedBytes += await truncateIn(container);
    for (const innerName of innerFolders) {
      await using inner = await container.openFolder(innerName);
      if (inner !== undefined) emptiedBytes += await truncateIn(inner);
    }
  }
  return emptiedBytes;
}

async function truncateIn(folder: HeldFolder): Promise<number> {
  let emptiedBytes = 0;
  for (const name of await folder.list() ?? []) {
    if (!name.endsWith(".log")) continue;
    await using file = await folder.openFile(name, { isWritable: true });
    const { size = 0 } = await file?.stat() ?? {};
    if (size <= logLimitBytes) continue;
    await file?.truncate(0);
    emptiedBytes += size;
  }
  return emptiedBytes;
}
