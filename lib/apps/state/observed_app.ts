/** What the engine has of an app: containers and images. Pure. */

import type { HealthStatus, PortBinding } from "../../docker/decode.ts";

/** A container of an app. The optional fields are absent where the observation does not tell. */
export interface ObservedContainer {
  id: string;
  /** Also the name of its log channel. */
  name: string;
  /** As the engine spells it: `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`. */
  status: string;
  /** When it was last started, as the engine spells it. Together with `id` it names one run. */
  startedAt?: string;
  /** 0 while it runs. */
  exitCode?: number;
  /** It was ended from outside: by the engine as it stopped, or by a person. */
  wasKilled?: boolean;
  /** It bears the label of agents, who all give it a terminal. */
  isMadeByAgent?: boolean;
  /** The verdict of its health check; absent when it has none. */
  health?: HealthStatus;
  /** The app's name when it was made; absent when it has the name that the app has today. */
  formerName?: string;
  /** Where its ports are published, by `<port>/<protocol>`. */
  published?: Readonly<Record<string, readonly PortBinding[]>>;
}

/** An image of an app from a time when it had another name. */
export interface FormerImage {
  /** With its tag. */
  reference: string;
  tag: string;
  appName: string;
}

/** A container of an app's compose project. The optional fields are absent where the observation does not tell. */
export interface ObservedService {
  id: string;
  /** The name of the container. */
  name: string;
  /** The service of the definition, and the number of this container of it: 1, 2, … */
  service: string;
  number: number;
  /** As of a container. */
  status: string;
  startedAt?: string;
  exitCode?: number;
  wasKilled?: boolean;
  /** The verdict of its health check; absent when it has none. */
  health?: HealthStatus;
  /** The id of the image that it was made from. */
  imageId?: string;
  published?: Readonly<Record<string, readonly PortBinding[]>>;
}

/** What the engine has of the compose project of an app. */
export interface ObservedProject {
  /** The containers of all services, also those that have ended. */
  services: readonly ObservedService[];
  /** Those images of the app's definitions that are here: the id by reference. */
  images: Readonly<Record<string, string>>;
  /** Images with the names of the app's services that none of its definitions names, and no service uses. */
  abandoned?: readonly string[];
  /** Whether there are images that an update has kept; absent when that is not known. */
  hasKeptImages?: boolean;
}

/** A compose project of an app from a time when it had another name. */
export interface FormerProject {
  /** Its label. */
  project: string;
  appName: string;
  services: readonly ObservedService[];
}

/** What the engine has of an app at one moment. */
export interface ObservedApp {
  /** First the one with the app's name of today, if there is one. */
  containers: readonly ObservedContainer[];
  /** Tags of the app's own image repository. */
  tags: readonly string[];
  /** Absent when there are none. */
  formerImages?: readonly FormerImage[];
  /** Absent for an app that has never been a compose app, as far as is known. */
  project?: ObservedProject;
  /** Absent when there are none. */
  formerProjects?: readonly FormerProject[];
}

/** True for a status in which a container has a process, or will have one again. */
export function isAlive(status: string): boolean {
  return ["running", "paused", "restarting"].includes(status);
}

/**
 * What the engine has of an app under names of earlier days: `inUse` when that is what counts, because there is nothing
 * under its name of today yet; `leftover` otherwise; undefined when there is nothing.
 */
export type FormerParts = "inUse" | "leftover" | undefined;

/** See `FormerParts`. */
export function formerPartsOf(observed: ObservedApp): FormerParts {
  const { containers, tags, formerImages = [], formerProjects = [], project } = observed;
  const hasFormer = formerProjects.length > 0 || containers.some(({ formerName }) => formerName !== undefined);
  if (!hasFormer && formerImages.length === 0) return undefined;
  if (containers[0]?.formerName === undefined && containers.length > 0) return "leftover";
  if ((project?.services ?? []).length > 0) return "leftover";
  if (hasFormer) return "inUse";
  return tags.length > 0 || Object.keys(project?.images ?? {}).length > 0 ? "leftover" : "inUse";
}

/** The services that count: those under the app's name of today, or without any, those under an earlier one. */
export function servicesInUse({ project, formerProjects = [] }: ObservedApp): readonly ObservedService[] {
  const ofToday = project?.services ?? [];
  return ofToday.length > 0 ? ofToday : formerProjects.flatMap(({ services }) => services);
}

/** True when the engine has an image of the app, under whatever name. */
export function hasImage({ tags, formerImages = [] }: ObservedApp): boolean {
  return tags.length > 0 || formerImages.length > 0;
}

/** The container that counts, of an app that should have one at most; undefined when there is none. */
export function soleContainer({ containers }: ObservedApp): ObservedContainer | undefined {
  return containers[0];
}
