/** What counts for a compose app besides what the engine has of it: its definition and its folder. */

import type { NamedApp } from "../../model/app_names.ts";
import type { ProjectFolders } from "../../model/owner.ts";
import type { ComposeFacts } from "./observed_state.ts";
import { projectNeeds } from "./project_state.ts";

/** The folder with the compose file of an app. */
export function projectFolderOf({ buildDir, composeDir }: ProjectFolders, { id, appName }: NamedApp): string {
  return `${id.stage === "PROD" ? composeDir : buildDir}/${appName}`;
}

/** The facts about an app with this definition. Never throws. */
export function composeFacts(
  folders: ProjectFolders,
  { app, definition }: { app: NamedApp; definition: Readonly<Record<string, unknown>> },
): ComposeFacts {
  return { needs: projectNeeds(definition), hasFolder: isFolderThere(projectFolderOf(folders, app)) };
}

function isFolderThere(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    // It is missing or cannot be entered: nothing can be started from it.
    return false;
  }
}
