/** Volumes and images that apps may still need, so that a clean-up of the disk leaves them alone. */

import { type AppId, idText } from "../../model/app.ts";
import type { DiskUser } from "../../disk_space/disk_space.ts";
import type { AppNames } from "../../model/app_names.ts";
import type { AppRecords } from "./app_records.ts";

/** The disk use of all apps of the device. Throws `store_failed`. */
export function diskUses(
  records: AppRecords,
  namesOf: (app: { id: AppId; appName: string }) => AppNames,
): DiskUser[] {
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
