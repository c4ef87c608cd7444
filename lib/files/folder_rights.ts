/**
 * Who may enter the agent's folders. Folders of containers are open to every user, because nobody knows the users of an
 * image; they lie in a closed folder, so other users of the device do not get to them.
 */

import type { HeldFolder } from "./held_folder.ts";

/** Nobody but root and the agent's user. */
export const closedMode = 0o700;

/** Every user of every container that it is mounted into. */
export const openMode = 0o777;

/** What earlier agents gave to folders that are open today. */
const earlierModes: readonly (number | undefined)[] = [0o700, 0o750, 0o755];

/**
 * Keeps all other users out of a folder of the agent's own, whoever has created it. False where that is not possible.
 */
export async function closeFolder(folder: HeldFolder): Promise<boolean> {
  const { uid, mode } = await folder.info();
  // Windows has other means, which this does not touch.
  if (mode === undefined) return true;
  if (uid !== Deno.uid()) {
    if (Deno.uid() !== 0) return false;
    await folder.setOwner({ uid: 0, gid: 0 });
  }
  await folder.setMode(mode & closedMode);
  return true;
}

/**
 * Opens a folder of containers that an earlier agent has created, unless a container has given it rights of its own.
 */
export async function openFolder(folder: HeldFolder): Promise<void> {
  const { uid, mode } = await folder.info();
  if (uid === Deno.uid() && earlierModes.includes(mode)) await folder.setMode(openMode);
}
