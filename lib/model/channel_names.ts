/**
 * Names of log channels: `<prod|dev|pub>_<app key>_<app name>`, the last part of a log topic and the name of the
 * container. Pure.
 */

import { type NamedApp, parseAppName } from "./app_names.ts";

// The engine's own rule for the names of containers; nothing else may reach a path of its API.
const containerName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** Lower-cases a channel name and removes the slash that the engine puts before the names of containers. */
export function normalizeChannel(text: string): string {
  return text.replace(/^\//, "").toLowerCase();
}

/**
 * The app behind a channel; `pub` stands for the build of a release and belongs to the `DEV` app. Undefined when the
 * name has fewer than three parts, another first part, a key that is no number, or characters that no container may
 * have.
 */
export function parseChannel(text: string): NamedApp | undefined {
  const name = normalizeChannel(text);
  if (name.length > 255 || !containerName.test(name)) return undefined;
  return parseAppName(name)?.app;
}
