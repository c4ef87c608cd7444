/** Observes the compose project of an app: the containers of its services, and its images. */

import type { ContainerSummary, ImageSummary } from "../../docker/decode.ts";
import type { Engine } from "../../docker/engine.ts";
import { imagesHere, plainReference } from "../../docker/image_ids.ts";
import { composeLabels } from "../../model/labels.ts";
import { isAlive, type ObservedProject, type ObservedService } from "../state/observed_app.ts";
import { killCodes, wasKilledOutside } from "./observed_state.ts";

/** The engine as an observation of a project needs it. */
export type ProjectEngine = Pick<Engine, "inspect" | "listImages" | "listProject">;

/**
 * Observes a project by its exact label, and looks for `images`. Two lists, and a closer look only at containers that
 * were killed. `repository`: of the app itself. Throws `engine_unreachable`, `engine_failed`, `canceled`.
 */
export async function observeProject(
  engine: ProjectEngine,
  { project, repository, images }: { project: string; repository: string; images: readonly string[] },
  signal: AbortSignal,
): Promise<ObservedProject> {
  const [containers, listed] = await Promise.all([
    engine.listProject(project, signal),
    images.length === 0 ? Promise.resolve<ImageSummary[]>([]) : engine.listImages(signal),
  ]);
  const services = servicesAmong(containers).map(async (service) => {
    if (isAlive(service.status) || !killCodes.includes(service.exitCode ?? 0)) return service;
    // The list does not tell whether the engine has killed it because it had used too much memory.
    const details = await engine.inspect(service.id, signal);
    return details === undefined ? service : { ...service, wasKilled: wasKilledOutside(details) };
  });
  const looked = await Promise.all(services);
  const abandoned = abandonedImages(listed, { repository, images, services: looked });
  return { services: looked, images: imagesHere(images, listed), ...(abandoned.length === 0 ? {} : { abandoned }) };
}

/**
 * The images of releases that were given up before they were installed, by their names: those of services of an app
 * begin with its own. What `images`, all definitions of the app, name or a service was made from is not among them;
 * pure.
 */
export function abandonedImages(
  listed: readonly Pick<ImageSummary, "id" | "repoTags">[],
  { repository, images, services }: {
    repository: string;
    images: readonly string[];
    services: readonly Pick<ObservedService, "imageId">[];
  },
): string[] {
  // Without a definition that can be read, nobody knows what is needed.
  if (images.length === 0) return [];
  const named = new Set(images.map(plainReference));
  const used = new Set(services.map(({ imageId }) => imageId));
  return listed.filter(({ id }) => !used.has(id)).flatMap(({ repoTags }) => {
    return repoTags.filter((tag) => tag.startsWith(`${repository}_`) && !named.has(plainReference(tag)));
  });
}

/** The services that these containers of one project belong to; pure. Containers of `compose run` are left out. */
export function servicesAmong(containers: readonly ContainerSummary[]): ObservedService[] {
  const services = containers.flatMap((container): ObservedService[] => {
    const { id, labels, state, names, published, exitCode, health, imageId } = container;
    const service = labels[composeLabels.service];
    if (service === undefined || labels[composeLabels.oneOff] === "True") return [];
    const number = Number(labels[composeLabels.number]);
    return [{
      id,
      name: names[0] ?? id,
      service,
      number: Number.isSafeInteger(number) ? number : 1,
      status: state,
      ...(state === "running" ? { published } : {}),
      ...(exitCode === undefined ? {} : { exitCode, wasKilled: killCodes.includes(exitCode) }),
      ...(health === undefined ? {} : { health }),
      ...(imageId === undefined ? {} : { imageId }),
    }];
  });
  return services.sort((a, b) => compareText(a.service, b.service) || a.number - b.number);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
