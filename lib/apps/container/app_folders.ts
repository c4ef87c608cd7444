/**
 * The folders of apps on disk: `<appsDir>/<stage>/<app>`. Root and the agent alone can enter `<stage>`, so nobody else
 * can change the names above an app's folder; everything below belongs to the app.
 */

import { fileError } from "../../files/os_error.ts";
import { closedMode, closeFolder, openFolder, openMode } from "../../files/folder_rights.ts";
import { HeldFolder } from "../../files/held_folder.ts";
import { makeFolderSync } from "../../files/make_folder.ts";
import { removeTree } from "../../host/remove_tree.ts";

/** What is being deleted, out of reach of the apps. */
const removedName = ".removed";

/** A tree that takes longer is deleted further by the next try. */
export const removalLimitMs = 600_000;

/** Where the folder of an app is. */
export interface AppFolderPlace {
  appsDir: string;
  /** In lower case, as all names here. */
  stage: string;
  name: string;
}

/** The folder of an app, held open; it and those above are created. Throws `io_failed`, `no_space`. */
export async function ensureAppFolder({ appsDir, stage, name }: AppFolderPlace): Promise<HeldFolder> {
  const path = `${appsDir}/${stage}/${name}`;
  try {
    makeFolderSync(appsDir, { mode: closedMode });
    await using apps = await holdApps(appsDir);
    await using above = await apps.ensureFolder(stage, { mode: closedMode });
    await closeFolder(above);
    const folder = await above.ensureFolder(name, { mode: openMode });
    await openFolder(folder);
    return folder;
  } catch (error) {
    throw fileError(`Cannot create the folder "${path}"`, causeOf(error));
  }
}

/** The folder of an app, held open; undefined when there is none. Throws `io_failed`. */
export async function openAppFolder({ appsDir, stage, name }: AppFolderPlace): Promise<HeldFolder | undefined> {
  try {
    await using apps = await HeldFolder.open(appsDir);
    await using above = await apps?.openFolder(stage);
    return await above?.openFolder(name);
  } catch (error) {
    throw fileError(`Cannot open the folder "${appsDir}/${stage}/${name}"`, error);
  }
}

/**
 * Deletes the folder of an app, or only `inner` in it. A missing one is fine. It is first moved to where no app can
 * reach it, so that what is still writing to it does no harm. Throws `io_failed`, `no_space`, `timeout`, `canceled`.
 */
export async function deleteAppFolder(
  place: AppFolderPlace & { inner?: string },
  signal: AbortSignal,
): Promise<void> {
  const { appsDir, stage, name, inner } = place;
  const shownPath = [appsDir, stage, name, ...(inner === undefined ? [] : [inner])].join("/");
  const options = { signal, timeoutMs: removalLimitMs, shownPath };
  try {
    await using apps = await HeldFolder.open(appsDir);
    if (apps === undefined) return;
    const aside = [stage, name, ...(inner === undefined ? [] : [inner])].join(" ");
    await removeAside(apps, aside, options);
    await using above = await apps.openFolder(stage);
    await using folder = inner === undefined ? undefined : await above?.openFolder(name);
    const parent = inner === undefined ? above : folder;
    const last = inner ?? name;
    if (parent === undefined || await parent.look(last) === undefined) return;
    if (await moveAside(apps, aside, { folder: parent, name: last })) await removeAside(apps, aside, options);
    else await removeTree(parent.pathForChild(last), options);
  } catch (error) {
    throw fileError(`Cannot delete the folder "${shownPath}"`, error);
  }
}

/** Deletes what interrupted deletions have left in `appsDir`. Throws what `deleteAppFolder()` throws. */
export async function deleteRemoved(appsDir: string, signal: AbortSignal): Promise<void> {
  await using apps = await HeldFolder.open(appsDir);
  await using removed = await apps?.openFolder(removedName);
  if (apps === undefined || removed === undefined) return;
  for (const name of await removed.list() ?? []) {
    await removeAside(apps, name, { signal, timeoutMs: removalLimitMs, shownPath: removed.pathOf(name) });
  }
}

async function holdApps(appsDir: string): Promise<HeldFolder> {
  const apps = await HeldFolder.open(appsDir);
  if (apps === undefined) throw new Error("it is not a folder");
  return apps;
}

/** False on a full disk, and for what is mounted: it has to be deleted where it is. */
async function moveAside(
  apps: HeldFolder,
  aside: string,
  from: { folder: HeldFolder; name: string },
): Promise<boolean> {
  try {
    await using removed = await apps.ensureFolder(removedName, { mode: closedMode, isReplacing: true });
    await from.folder.move(from.name, { folder: removed, name: aside });
    return true;
  } catch {
    return false;
  }
}

async function removeAside(
  apps: HeldFolder,
  name: string,
  options: { signal: AbortSignal; timeoutMs: number; shownPath: string },
): Promise<void> {
  await using removed = await apps.openFolder(removedName);
  if (removed === undefined) return;
  await removeTree(removed.pathForChild(name), options);
  try {
    await apps.remove(removedName);
  } catch {
    // Something else is being deleted.
  }
}

/** The error of a held folder has the path in its text already. */
function causeOf(error: unknown): unknown {
  return error instanceof Error && error.name === "AgentError" ? new Error(error.message) : error;
}
