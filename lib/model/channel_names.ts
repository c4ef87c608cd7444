/** Names of log channels: `<prod|dev|pub>_<app key>_<app name>`, the last part of a log topic and the name of the container. Pure. */

import type { AppId } from "./app.ts";

/** The app behind a channel. `appName` is in lower case, as in the channel. */
export interface ChannelApp {
  id: AppId;
  appName: string;
}

// The engine's own rule for the names of containers; nothing else may reach a path of its interface.
const containerName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** Channel names are in lower case and carry no slash; the engine shows one before the names of containers. */
export function normalizeChannel(text: string): string {
  return text.replace(/^\//, "").toLowerCase();
}

/**
 * Reads a channel name; `pub` stands for the build of a release and belongs to the `DEV` app. Undefined when it has fewer than
 * three parts, another first part, a key that is no number, or characters that no container may have.
 */
export function parseChannel(text: string): ChannelApp | undefined {
  const name = normalizeChannel(text);
  if (name.length > 255 || !containerName.test(name)) return undefined;
  const match = /^(dev|prod|pub)_([0-9]{1,15})_(.+)$/.exec(name);
  if (match === null) return undefined;
  const [, prefix, key = "", appName = ""] = match;
  return { id: { appKey: Number(key), stage: prefix === "prod" ? "PROD" : "DEV" }, appName };
}
