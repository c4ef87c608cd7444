/** Checks that files import only from their own layer and from earlier ones. The list is in this file. Pure. */

import { importsOf, resolvePath, type SourceFile } from "./imports.ts";

/** The layers in their order. A file and the folder of the same name are one layer. */
export const layers: readonly (readonly string[])[] = [
  ["deno.json"],
  ["lib/base/"],
  ["lib/async/"],
  ["lib/http/"],
  ["lib/model/"],
  ["lib/files/"],
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
  ["lib/app_logs/"],
  ["lib/disk_space/"],
  ["lib/status/"],
  ["lib/profiling.ts"],
  ["lib/telemetry/"],
  ["lib/self_update/"],
  ["lib/tunnels/"],
  ["lib/apps/"],
  ["lib/network/"],
  ["lib/terminals/"],
  ["lib/os_update/"],
  ["lib/install/"],
  ["lib/local/"],
  ["lib/handlers/"],
  ["lib/agent.ts", "lib/agent/"],
  ["main.ts"],
];

/** The folder that alone may import a package, so that the package can be replaced there. */
export const packageOwners: Readonly<Record<string, readonly string[]>> = {
  "autobahn": ["lib/wamp/"],
  "ws": ["lib/wamp/"],
  "dockerode": ["lib/docker/"],
  "dbus-native": ["lib/dbus/"],
  "node:sqlite": ["lib/store/"],
  "@logtape/logtape": ["lib/log/"],
  "tar-stream": ["lib/apps/build/"],
  "@lydell/node-pty-linux-arm64": ["lib/host/"],
  "@lydell/node-pty-linux-x64": ["lib/host/"],
};

/** The violations in the files of the program (`main.ts` and `lib/`), one sentence each. */
export function findLayerViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => importsOf(file.text).flatMap((target) => violationOf(file.path, target)));
}

function violationOf(path: string, target: string): string[] {
  if (!target.startsWith(".")) return packageViolation(path, target);
  const resolved = resolvePath(path, target);
  const from = layerOf(path);
  const to = layerOf(resolved);
  if (from === undefined) return [`${path} is in no layer`];
  if (to === undefined) return [`${path} imports ${resolved}, which is in no layer`];
  if (to > from) return [`${path} imports ${resolved}, which is in a later layer`];
  return [];
}

function packageViolation(path: string, target: string): string[] {
  const owners = packageOwners[target.replace(/^npm:/, "").replace(/(?<=.)@\d.*$/, "")];
  if (owners === undefined || owners.some((owner) => path.startsWith(owner))) return [];
  return [`${path} imports ${target}, which only ${owners.join(", ")} may`];
}

function layerOf(path: string): number | undefined {
  const index = layers.findIndex((names) =>
    names.some((name) => name.endsWith("/") ? path.startsWith(name) : path === name)
  );
  return index < 0 ? undefined : index;
}
