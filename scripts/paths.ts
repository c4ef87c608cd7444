/** Where the project is on this machine. Works in folders whose names have spaces or letters beyond ASCII. */

import { fileURLToPath, pathToFileURL } from "node:url";

/** The path of a file that is named relative to a module; `moduleUrl` is the `import.meta.url` of that module. */
export function pathOf(relative: string, moduleUrl: string): string {
  return fileURLToPath(new URL(relative, moduleUrl));
}

/** The folder of the project, with a slash at its end. */
export const projectRoot: string = pathOf("..", import.meta.url);

/** The URL of a file that is named relative to the project's folder. */
export function urlOf(relative: string): string {
  return pathToFileURL(`${projectRoot}${relative}`).href;
}
