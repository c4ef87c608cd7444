/** Derives from the containers of a compose project how its app is doing. Pure. */

import { isCount, isDict } from "../../base/json.ts";
import { isAlive, type ObservedService } from "../state/observed_app.ts";

/** What the definition of a compose app needs. */
export interface ProjectNeeds {
  /** How many containers each service has. */
  services: ReadonlyMap<string, number>;
  /** The images of these services, as the engine has to have them. Those with variables are not named. */
  images: readonly string[];
}

/** How a project is doing. */
export type ProjectState =
  | { kind: "none" }
  /** All services are up, or have done their work, and at least one is up. */
  | { kind: "running" }
  /** This service has ended with an error. */
  | { kind: "failed"; failed: ObservedService }
  /** Containers of these services are missing, or have never been started: what starts them was interrupted. */
  | { kind: "incomplete"; missing: readonly string[] }
  /** All services have ended without an error. */
  | { kind: "finished" };

/**
 * What a definition needs, as `up` without profiles starts it. Nothing of what cannot be read. `relocate` returns the
 * reference by which an image is pulled on this device.
 */
export function projectNeeds(
  definition: Readonly<Record<string, unknown>> | null,
  { relocate = (image) => image }: { relocate?: (image: string) => string } = {},
): ProjectNeeds {
  const services = new Map<string, number>();
  const images = new Set<string>();
  const all = definition?.services;
  for (const [name, service] of Object.entries(isDict(all) ? all : {})) {
    const count = containersOf(service);
    if (!isDict(service) || count === 0) continue;
    services.set(name, count);
    const { image } = service;
    if (typeof image === "string" && image !== "" && !image.includes("$")) images.add(relocate(image));
  }
  return { services, images: [...images] };
}

/**
 * How a project is doing. Containers of services that the definition does not have do not count. `isStrict`: one that
 * its restart policy starts again after an error has failed, as on probation.
 */
export function projectState(
  services: readonly ObservedService[],
  { needs, isStrict = false }: { needs: ProjectNeeds; isStrict?: boolean },
): ProjectState {
  if (services.length === 0) return { kind: "none" };
  const own = services.filter(({ service }) => needs.services.has(service));
  const failed = own.find((service) => endedInError(service, isStrict));
  if (failed !== undefined) return { kind: "failed", failed };
  const missing = [...needs.services].filter(([name, count]) => {
    return own.filter((one) => one.service === name && !isUnstarted(one)).length < count ||
      own.some((one) => one.service === name && one.status === "created");
  });
  if (missing.length > 0) return { kind: "incomplete", missing: missing.map(([name]) => name) };
  return { kind: own.some(({ status }) => isAlive(status)) ? "running" : "finished" };
}

/** Whether a container of a project has ended with an error. `isStrict`: see `projectState()`. */
export function endedInError({ status, exitCode = 0 }: ObservedService, isStrict: boolean): boolean {
  if (status === "dead") return true;
  return (status === "exited" || (isStrict && status === "restarting")) && exitCode !== 0;
}

function isUnstarted({ status }: ObservedService): boolean {
  return !isAlive(status) && status !== "exited";
}

/** 0 for a service that `up` does not start. */
function containersOf(service: unknown): number {
  if (!isDict(service)) return 0;
  if (Array.isArray(service.profiles) && service.profiles.length > 0) return 0;
  const deploy = isDict(service.deploy) ? service.deploy : {};
  const count = service.scale ?? deploy.replicas;
  return isCount(count) ? count : 1;
}
