/**
 * Decides which image tags of apps are superseded and may be removed. Pure. Only images that can be pulled again count.
 */

import { isDict } from "../base/json.ts";
import { registryHost } from "../model/registry_host.ts";
import { registryHostOf, splitReference } from "../docker/registry.ts";

/** An image and its tags. */
export interface ImageTags {
  id: string;
  repoTags: readonly string[];
}

/** The image that a container needs, whether or not it is running. */
export interface ImageUser {
  imageId: string;
  /** The reference from which the container was created. */
  image: string;
}

/** The images that an app may need. */
export interface AppImages {
  /** For both stages, without a tag. */
  repositories: readonly string[];
  /** Installed, newest, requested, and those that an update could roll back to. */
  versions: readonly string[];
  /** Its compose definitions; null where there is none. */
  definitions: readonly (Readonly<Record<string, unknown>> | null)[];
}

/** The images to keep. */
export interface WantedImages {
  references: ReadonlySet<string>;
  /** Prefixes of references, from images whose name contains a variable. */
  prefixes: readonly string[];
}

/**
 * The images that these apps may need. `latest` counts for every repository: it is the tag of images built on the
 * device.
 */
export function wantedImages(apps: readonly AppImages[]): WantedImages {
  const references = new Set<string>();
  const prefixes: string[] = [];
  for (const { repositories, versions, definitions } of apps) {
    for (const repository of repositories) {
      for (const tag of [...versions, "latest"]) references.add(`${repository}:${tag}`);
    }
    for (const image of definitions.flatMap(imagesIn)) {
      const variable = image.indexOf("$");
      if (variable === -1) references.add(fullReference(image));
      else prefixes.push(image.slice(0, variable));
    }
  }
  return { references, prefixes };
}

/** The tags from the registry `host` that are not wanted and whose image no container uses. */
export function supersededTags(
  images: readonly ImageTags[],
  options: { host: string; users: readonly ImageUser[]; wanted: WantedImages },
): string[] {
  const { host, users, wanted } = options;
  const usedIds = new Set(users.map(({ imageId }) => imageId));
  const usedReferences = new Set(users.map(({ image }) => fullReference(image)));
  return images.flatMap(({ id, repoTags }) => {
    if (usedIds.has(id) || repoTags.some((tag) => usedReferences.has(tag))) return [];
    return repoTags.filter((tag) => registryHostOf(tag) === host && !isWanted(tag, wanted));
  });
}

/**
 * The registry's host and port when it is on the device or in its local network; undefined otherwise: a device that
 * cannot pull again must keep its images, and a DNS name does not reveal where the host is.
 */
export function localRegistryHost(registryUrl: string): string | undefined {
  const host = registryHost(registryUrl);
  const [, bracketed, plain] = /^(?:\[([0-9a-f:]+)\]|([^:/[\]]+))(?::\d{1,5})?$/.exec(host) ?? [];
  const isLocal = bracketed !== undefined ? isLocalIpv6(bracketed) : plain === "localhost" || isLocalIpv4(plain ?? "");
  return isLocal ? host : undefined;
}

function isWanted(tag: string, { references, prefixes }: WantedImages): boolean {
  return references.has(tag) || prefixes.some((prefix) => tag.startsWith(prefix));
}

/** The image of every service. */
function imagesIn(definition: Readonly<Record<string, unknown>> | null): string[] {
  const services = definition?.services;
  if (!isDict(services)) return [];
  return Object.values(services).flatMap((service) => {
    return isDict(service) && typeof service.image === "string" ? [service.image] : [];
  });
}

/** With a tag and without a digest, as engines list images. */
function fullReference(reference: string): string {
  const { repository, tag } = splitReference(reference.split("@", 1)[0] ?? "");
  return `${repository}:${tag}`;
}

function isLocalIpv4(text: string): boolean {
  if (!/^(?:(?:0|[1-9]\d{0,2})(?:\.|$)){4}$/.test(text) || text.endsWith(".")) return false;
  const [a = 0, b = 0, ...rest] = text.split(".").map(Number);
  if ([a, b, ...rest].some((part) => part > 255)) return false;
  if (a === 127 || a === 10 || (a === 192 && b === 168) || (a === 169 && b === 254)) return true;
  return a === 172 && b >= 16 && b <= 31;
}

/** Loopback, unique local (fc00::/7) and link-local (fe80::/10). */
function isLocalIpv6(text: string): boolean {
  if (!URL.canParse(`http://[${text}]`)) return false;
  return /^[0:]*:0*1$/.test(text) || /^f[cd][0-9a-f]{2}:/.test(text) || /^fe[89ab][0-9a-f]:/.test(text);
}
