/** Checks that other folders import an area only through its entry files. Pure. */

import { importedFiles, type SourceFile } from "./imports.ts";

/** The areas for which this is checked, and their entry files. */
export const areaEntries: Readonly<Record<string, readonly string[]>> = {
  "lib/backend/": ["backend.ts", "requests.ts", "connect_step.ts", "uris.ts", "answer_size.ts"],
  "lib/log/": ["log.ts", "own_log_query.ts", "own_log_queries.ts", "show_own_log.ts"],
  "lib/app_logs/": ["app_logs.ts", "log_query.ts"],
  "lib/disk_space/": ["disk_space.ts", "pull_space.ts"],
  "lib/status/": ["status.ts"],
  "lib/self_update/": ["self_update.ts", "start_guard.ts", "update_record.ts"],
  "lib/apps/": ["apps.ts"],
  "lib/install/": ["install.ts", "find_unit.ts", "unit_file.ts", "environment_file.ts"],
  "lib/network/": ["network.ts", "network_shapes.ts"],
  "lib/terminals/": ["terminals.ts"],
  "lib/tunnels/": [
    "tunnels.ts",
    "proxy_change.ts",
    "app_tunnels.ts",
    "synced_ports.ts",
    "tunnel_status.ts",
    "tunnel_proxy.ts",
  ],
  "lib/telemetry/": ["telemetry.ts", "agent_readings.ts", "is_exported.ts"],
  "lib/local/": ["local.ts", "agent_facts.ts", "dependencies.ts", "command.ts"],
};

/** The violations in the files of the program (`main.ts` and `lib/`), one sentence each. */
export function findEntryViolations(
  files: readonly SourceFile[],
  entries: Readonly<Record<string, readonly string[]>> = areaEntries,
): string[] {
  return files.flatMap((file) =>
    importedFiles(file).flatMap((target) => entryViolation(file.path, { target, entries }))
  );
}

function entryViolation(
  path: string,
  { target, entries }: { target: string; entries: Readonly<Record<string, readonly string[]>> },
): string[] {
  const area = Object.keys(entries).find((folder) => target.startsWith(folder));
  if (area === undefined || path.startsWith(area)) return [];
  const open = (entries[area] ?? []).map((name) => `${area}${name}`);
  return open.includes(target) ? [] : [`${path} imports ${target}; import ${open.join(" or ")} instead`];
}
