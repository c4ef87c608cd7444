/** All containers and images of the engine at one moment, to be looked up by app. */

import type { ContainerSummary, ImageSummary } from "../../docker/decode.ts";
import type { Clock } from "../../async/clock.ts";
import { imagesHere } from "../../docker/image_ids.ts";
import { splitReference } from "../../docker/registry.ts";
import { type AppId, type AppIdText, idText } from "../../model/app.ts";
import { type AppNames, keptRepository, parseContainerName } from "../../model/app_names.ts";
import { appLabels, composeProjectLabel, isMadeByAgent } from "../../model/labels.ts";
import { ownerOf, type ProjectFolders, projectOwnerOf } from "../../model/owner.ts";
import { abandonedImages, servicesAmong } from "./observe_project.ts";
import type {
  FormerImage,
  FormerProject,
  ObservedApp,
  ObservedContainer,
  ObservedProject,
} from "../state/observed_app.ts";

/** The engine as a snapshot needs it. */
export interface SnapshotEngine {
  listContainers(signal: AbortSignal): Promise<ContainerSummary[]>;
  listImages(signal: AbortSignal): Promise<ImageSummary[]>;
}

/** What the engine has at one moment. */
export class EngineSnapshot {
  /** When reading it began, on the caller's clock. */
  readonly takenAtMs: number;
  readonly containers: readonly ContainerSummary[];
  readonly #byOwner = new Map<AppIdText, ContainerSummary[]>();
  readonly #byProject = new Map<string, ContainerSummary[]>();
  readonly #tags = new Map<string, string[]>();
  readonly #images: readonly ImageSummary[];

  constructor({ takenAtMs, containers, images }: {
    takenAtMs: number;
    containers: readonly ContainerSummary[];
    images: readonly ImageSummary[];
  }) {
    this.takenAtMs = takenAtMs;
    this.containers = containers;
    this.#images = images;
    for (const container of containers) {
      const owner = ownerOf(container);
      if (owner !== undefined) addTo(this.#byOwner, idText(owner), container);
      const project = container.labels[composeProjectLabel];
      if (project !== undefined) addTo(this.#byProject, project, container);
    }
    for (const { repository, tag } of images.flatMap((image) => image.repoTags).map(splitReference)) {
      addTo(this.#tags, repository, tag);
    }
  }

  /** Reads it. Throws `engine_unreachable`, `engine_failed`, `canceled`. */
  static async take(
    engine: SnapshotEngine,
    { clock, signal }: { clock: Pick<Clock, "now">; signal: AbortSignal },
  ): Promise<EngineSnapshot> {
    const takenAtMs = clock.now();
    const [containers, images] = await Promise.all([engine.listContainers(signal), engine.listImages(signal)]);
    return new EngineSnapshot({ takenAtMs, containers, images });
  }

  /**
   * What there is of an app: the containers that were made for it, under whatever name, and the images in the
   * repository of its name of today and in those of names that it had before. `images`: those of a compose app; without
   * them its project is looked up only to see whether there is one. `folders`: those of compose files, by which
   * projects of names that it had before are known; without them none is.
   */
  find(
    id: AppId,
    names: AppNames,
    { images, folders }: { images?: readonly string[] | undefined; folders?: ProjectFolders } = {},
  ): ObservedApp {
    const own = this.#byOwner.get(idText(id)) ?? [];
    const isOfToday = ({ names: given }: ContainerSummary) => given.includes(names.container);
    const formerImages = this.#formerImages(names, images ?? []);
    const formerProjects = folders === undefined ? [] : this.#formerProjects(id, names, folders);
    const services = servicesAmong(this.#byProject.get(names.project) ?? []);
    const isProject = images !== undefined || services.length > 0;
    return {
      containers: [
        ...own.filter(isOfToday).map((summary) => containerFromList(names.container, summary)),
        ...own.filter((summary) => !isOfToday(summary)).map(formerContainer),
      ],
      tags: this.#tags.get(names.repository) ?? [],
      ...(formerImages.length === 0 ? {} : { formerImages }),
      ...(formerProjects.length === 0 ? {} : { formerProjects }),
      ...(isProject
        ? { project: { services, ...this.#projectImages(id, { ...names, images: images ?? [], services }) } }
        : {}),
    };
  }

  #projectImages(
    id: AppId,
    sought: { repository: string; images: readonly string[]; services: ObservedProject["services"] },
  ): Omit<ObservedProject, "services"> {
    const abandoned = abandonedImages(this.#images, sought);
    return {
      images: imagesHere(sought.images, this.#images),
      hasKeptImages: this.#tags.has(keptRepository(id)),
      ...(abandoned.length === 0 ? {} : { abandoned }),
    };
  }

  #formerProjects(id: AppId, { project: ofToday }: AppNames, folders: ProjectFolders): FormerProject[] {
    return [...this.#byProject].flatMap(([project, containers]) => {
      if (project === ofToday) return [];
      const own = containers.filter((container) => {
        const owner = projectOwnerOf(container, folders);
        return owner !== undefined && idText(owner.id) === idText(id);
      });
      const [first] = own;
      const owner = first && projectOwnerOf(first, folders);
      return owner === undefined ? [] : [{ project, appName: owner.appName, services: servicesAmong(own) }];
    });
  }

  /** The images of services keep the name that the app had when its release was made. */
  #formerImages(
    { repository: ofToday, repositoryPrefix }: AppNames,
    ofServices: readonly string[],
  ): FormerImage[] {
    const used = new Set(ofServices.map((image) => splitReference(image).repository));
    const former = [...this.#tags].filter(([name]) => {
      // Those of services of the app begin with its own.
      return name.startsWith(repositoryPrefix) && name !== ofToday && !name.startsWith(`${ofToday}_`) &&
        !used.has(name);
    });
    return former.flatMap(([repository, tags]) => {
      const appName = repository.slice(repositoryPrefix.length);
      return tags.map((tag) => ({ reference: `${repository}:${tag}`, tag, appName }));
    });
  }
}

function formerContainer(summary: ContainerSummary): ObservedContainer {
  const [name = summary.id] = summary.names;
  const formerName = summary.labels[appLabels.appName] ?? parseContainerName(name)?.appName ?? name;
  return { ...containerFromList(name, summary), formerName };
}

function addTo<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function containerFromList(name: string, summary: ContainerSummary): ObservedContainer {
  const { id, state, labels, published, health } = summary;
  // The list shows ports only while a container runs.
  const ports = state === "running" ? { published } : {};
  return {
    id,
    name,
    status: state,
    isMadeByAgent: isMadeByAgent(labels),
    ...ports,
    ...(health === undefined ? {} : { health }),
  };
}
