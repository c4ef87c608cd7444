/** Checks that imports point to the left only: the order of the layers is the list in this file. Pure. */

import { importsOf, resolvePath, type SourceFile } from "./imports.ts";

/**
 * The layers from left to right. A layer imports from those before it, never from those after it. A file and the folder
 * of the same name are one layer.
 */
export const layers: readonly (readonly string[])[] = [
  ["lib/base/"],
  ["lib/async/"],
  ["lib/model/"],
  ["lib/disk/", "lib/files/"],
  ["lib/flags.ts", "lib/flags/"],
  ["lib/version.ts"],
  ["lib/paths.ts"],
  ["lib/config.ts", "lib/config/"],
  ["lib/store/"],
  ["lib/host/"],
  ["lib/docker/"],
  ["lib/wamp/"],
  ["lib/dbus/"],
  ["lib/backend/"],
  ["lib/log/"],
  ["lib/logs/", "lib/app_logs/"],
  ["lib/disk_space/"],
  ["lib/system/", "lib/status/"],
  ["lib/profiling.ts"],
  ["lib/self_update/"],
  ["lib/apps/"],
  ["lib/network/"],
  ["lib/terminals/"],
  ["lib/tunnels/"],
  ["lib/os_update/"],
  ["lib/install/"],
  ["lib/local/"],
  ["lib/handlers/"],
  ["lib/boot/", "lib/agent.ts", "lib/agent/"],
  ["main.ts"],
];

/** Packages that only one folder may import, so that each can be replaced in one place. */
export const packageOwners: Readonly<Record<string, readonly string[]>> = {
  "autobahn": ["lib/wamp/"],
  "ws": ["lib/wamp/"],
  "dockerode": ["lib/docker/"],
  "node:sqlite": ["lib/store/"],
  "@logtape/logtape": ["lib/log/", "lib/logs/"],
};

/** The faults of the program's own files (`main.ts` and `lib/`), one sentence each; empty when all is well. */
export function findLayerFaults(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => importsOf(file.text).flatMap((target) => faultOf(file.path, target)));
}

function faultOf(path: string, target: string): string[] {
  if (!target.startsWith(".")) return packageFault(path, target);
  const resolved = resolvePath(path, target);
  const from = layerOf(path);
  const to = layerOf(resolved);
  if (from === undefined) return [`${path} belongs to no layer`];
  if (to === undefined) return [`${path} imports ${resolved}, which belongs to no layer`];
  if (to > from) return [`${path} imports ${resolved}: imports point to the left only`];
  return [];
}

function packageFault(path: string, target: string): string[] {
  const owners = packageOwners[target.replace(/^npm:/, "").replace(/(?<=.)@\d.*$/, "")];
  if (owners === undefined || owners.some((owner) => path.startsWith(owner))) return [];
  return [`${path} imports ${target}: only ${owners.join(", ")} may`];
}

function layerOf(path: string): number | undefined {
  const index = layers.findIndex((rooms) =>
    rooms.some((name) => name.endsWith("/") ? path.startsWith(name) : path === name)
  );
  return index < 0 ? undefined : index;
}
