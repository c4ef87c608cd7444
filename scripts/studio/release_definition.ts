/** Makes the definition of a release from a compose file: what it builds gets names in the Studio's registry. Pure. */

import { type Dict, isDict } from "../../lib/base/json.ts";
import { serviceEntries } from "../../lib/apps/compose/definition.ts";

/** Where the images of a release are. */
export interface ReleaseImages {
  /** `127.0.0.1:5002` */
  host: string;
  /** Of the app, below the host: `apps/prod_amd64_42_shop`. */
  repository: string;
  version: string;
}

/** A definition whose built services have names for their images, and these names. */
export interface NamedDefinition {
  definition: Dict;
  images: string[];
}

/** Names the images of the services that are built. Throws `bad_definition` for an invalid definition. */
export function nameBuiltImages(definition: Dict, images: ReleaseImages): NamedDefinition {
  const names: string[] = [];
  const named = mapServices(definition, (service, name) => {
    if (!isBuilt(service)) return service;
    const image = imageFor(name, images);
    names.push(image);
    return { ...service, image };
  });
  return { definition: named, images: names };
}

/**
 * The definition for a device that publishes it: what is built there gets a name, and all other images become copies of
 * their sources, so that the release depends on no other registry.
 */
export function publishedDefinition(definition: Dict, images: ReleaseImages): Dict {
  return mapServices(nameBuiltImages(definition, images).definition, (service, name) => {
    const { image } = service;
    if (isBuilt(service) || typeof image !== "string" || image.startsWith(`${images.host}/`)) return service;
    return { ...service, "x-source-image": image, image: imageFor(name, images) };
  });
}

/** The definition without what only those need who build it. */
export function withoutBuilds(definition: Dict): Dict {
  return mapServices(definition, ({ build: _build, "x-source-image": _source, ...rest }) => rest);
}

function mapServices(definition: Dict, change: (service: Dict, name: string) => Dict): Dict {
  const services = serviceEntries(definition).map(([name, service]): [string, Dict] => [name, change(service, name)]);
  return { ...definition, services: Object.fromEntries(services) };
}

function isBuilt({ build }: Dict): boolean {
  return typeof build === "string" || isDict(build);
}

/** The device recognises its own store by this name, and has another host for it. */
function imageFor(service: string, { host, repository, version }: ReleaseImages): string {
  return `${host}/${repository}_${service.toLowerCase()}:${version}`;
}
