/** Volumes and images that apps may still need, so that a clean-up of the disk leaves them alone. */

import { isDict } from "../../base/json.ts";
import { idText } from "../../model/app.ts";
import type { DiskUser } from "../../disk_space/disk_space.ts";
import type { AppNames, NamedApp } from "../../model/app_names.ts";
import type { AppRecords } from "./app_records.ts";

/** How images are named on this device. */
export interface ImageNaming {
  namesOf(app: NamedApp): AppNames;
  /** The reference by which an image of a compose app is pulled. */
  relocate(app: NamedApp, image: string): string;
}

/** The disk use of all apps of the device. Throws `store_failed`. */
export function diskUses(records: AppRecords, { namesOf, relocate }: ImageNaming): DiskUser[] {
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
      definitions: [request?.dockerCompose, request?.newDockerCompose, update?.dockerCompose].flatMap((one) => {
        const definition = one ?? null;
        // The engine has the images by the names of this device.
        return [definition, withImages(definition, (image) => relocate({ id, appName }, image))];
      }),
    };
  });
}

/** A definition of nothing but images. */
function withImages(
  definition: Readonly<Record<string, unknown>> | null,
  rename: (image: string) => string,
): Readonly<Record<string, unknown>> | null {
  if (!isDict(definition?.services)) return null;
  const services = Object.entries(definition.services).flatMap(([name, service]) => {
    if (!isDict(service) || typeof service.image !== "string") return [];
    return [[name, { image: rename(service.image) }] as const];
  });
  return { services: Object.fromEntries(services) };
}
