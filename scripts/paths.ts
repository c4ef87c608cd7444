/** Paths of the project on this machine, whose folder names may have spaces and letters beyond ASCII. */

import { fileURLToPath, pathToFileURL } from "node:url";

/** Resolves a path relative to a module, given the module's `import.meta.url`. */
export function pathOf(relative: string, moduleUrl: string): string {
  return fileURLToPath(new URL(relative, moduleUrl));
}

/** The project's folder, with a slash at its end. */
export const projectRoot: string = pathOf("..", import.meta.url);

/** The file URL of a path relative to the project's folder. */
export function urlOf(relative: string): string {
  return pathToFileURL(`${projectRoot}${relative}`).href;
}
