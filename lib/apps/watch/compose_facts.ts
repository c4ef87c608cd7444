/** What counts for a compose app besides what the engine has of it: its definition and its folder. */

import type { NamedApp, NamingFacts } from "../../model/app_names.ts";
import type { ProjectFolders } from "../../model/owner.ts";
import { relocateImage } from "../compose/store_images.ts";
import { type ProjectNeeds, projectNeeds } from "./project_state.ts";

/** The folder with the compose file of an app. */
export function projectFolderOf({ buildDir, composeDir }: ProjectFolders, { id, appName }: NamedApp): string {
  return `${id.stage === "PROD" ? composeDir : buildDir}/${appName}`;
}

/** What an app with this definition needs on this device. */
export function projectNeedsOf(
  facts: Pick<NamingFacts, "registryUrl" | "mainRepository">,
  { app, definition }: { app: NamedApp; definition: Readonly<Record<string, unknown>> },
): ProjectNeeds {
  return projectNeeds(definition, { relocate: (image) => localImage(facts, { app, image }) });
}

/** The reference by which this device pulls an image of a compose app. */
export function localImage(
  { registryUrl, mainRepository }: Pick<NamingFacts, "registryUrl" | "mainRepository">,
  { app: { id: { appKey }, appName }, image }: { app: NamedApp; image: string },
): string {
  return relocateImage(image, { registryUrl, mainRepository, appKey, appName });
}

/** True when the folder with the compose file of an app is there. */
export function hasProjectFolder(folders: ProjectFolders, app: NamedApp): boolean {
  return isFolderThere(projectFolderOf(folders, app));
}

function isFolderThere(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    // It is missing or cannot be entered: nothing can be started from it.
    return false;
  }
}
