/** What the apps may need of the volumes and images on the engine's disk, so that a clean-up leaves it alone. */

import { type AppId, idText } from "../../model/app.ts";
import type { AppNames } from "../../model/app_names.ts";
import type { AppRecords } from "./app_records.ts";

/** One app, running or not. */
export interface DiskUse {
  id: AppId;
  appName: string;
  /** Of both stages, without a tag. */
  repositories: string[];
  /** Installed, newest, requested, and what an update comes from and goes to. */
  versions: string[];
  /** Its compose definitions; null where it has none. */
  definitions: (Record<string, unknown> | null)[];
}

/** All apps of the device. Throws `store_failed`. */
export function diskUses(
  records: AppRecords,
  namesOf: (app: { id: AppId; appName: string }) => AppNames,
): DiskUse[] {
  const requests = new Map(records.requests().map((request) => [idText(request), request]));
  return records.all().map(({ id, appName, version }) => {
    const request = requests.get(idText(id));
    const update = records.updates.find(id);
    const versions = [version, request?.presentVersion, request?.newestVersion, request?.version];
    return {
      id,
      appName,
      repositories: (["PROD", "DEV"] as const).map((stage) => namesOf({ id: { ...id, stage }, appName }).repository),
      versions: [...versions, update?.from.version, update?.to.version].filter((name) => name !== undefined),
      definitions: [request?.dockerCompose ?? null, request?.newDockerCompose ?? null],
    };
  });
}
