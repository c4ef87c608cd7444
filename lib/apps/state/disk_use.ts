/** Volumes and images that apps may still need, so that a clean-up of the disk leaves them alone. */

import { type AppId, idText } from "../../model/app.ts";
import type { AppNames } from "../../model/app_names.ts";
import type { AppRecords } from "./app_records.ts";

/** What one app, running or not, may need. */
export interface DiskUse {
  id: AppId;
  appName: string;
  /** Image repositories of both stages, without a tag. */
  repositories: string[];
  /** The versions installed, newest and requested, and those that an update replaces and brings. */
  versions: string[];
  /** Its installed and its newest compose definition; null where there is none. */
  definitions: (Record<string, unknown> | null)[];
}

/** The disk use of all apps of the device. Throws `store_failed`. */
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
