/** Reads the definition of a compose app, as Studio sends it: a compose file as JSON. Pure; no input is changed. */

import { AgentError } from "../../base/errors.ts";
import { type Dict, isDict, readNumber, show } from "../../base/json.ts";
import { quoteText } from "../../base/quote.ts";
import { interpolate } from "./interpolate.ts";
import { relocateImage, type StoreImages } from "./store_images.ts";

/** One service of a definition. */
export interface ComposeService {
  name: string;
  /** As it is written; undefined for one that is built without a name for its image. */
  image: string | undefined;
  /** The public image that `image` is a copy of, made when the release was published. */
  sourceImage: string | undefined;
  /** It has a build section; devices have what it was built from in the stage `DEV` only. */
  isBuilt: boolean;
  /** It may be missing from a project that is up: it belongs to a profile, or has no containers. */
  isOptional: boolean;
  /** The names of the services that start before it. */
  dependsOn: string[];
}

/** What images depend on besides the definition. */
export interface ImageOptions {
  store: StoreImages;
  /** What `${NAME}` in a reference stands for; none when absent. */
  variables?: ReadonlyMap<string, string>;
}

/**
 * The services of a definition as they are written, by name. Throws `bad_definition` when `services` is not an object
 * of objects.
 */
export function serviceEntries(definition: Dict): [name: string, service: Dict][] {
  const { services } = definition;
  if (!isDict(services)) throw unreadable("services", services);
  return Object.entries(services).map(([name, service]) => {
    if (!isDict(service)) throw unreadable(`the service ${quoteText(name.slice(0, 60))}`, service);
    return [name, service];
  });
}

/** The services of a definition, in its order. Throws what `serviceEntries()` throws. */
export function servicesOf(definition: Dict): ComposeService[] {
  const entries = serviceEntries(definition);
  const byName = new Map(entries);
  return entries.map(([name, service]) => ({
    name,
    image: filledText(inherited(service, { member: "image", byName })),
    sourceImage: filledText(service["x-source-image"]),
    isBuilt: isPresent(inherited(service, { member: "build", byName })),
    isOptional: isOptional(service),
    dependsOn: namesIn(service["depends_on"]),
  }));
}

/**
 * The images that the containers of a definition are made from, each once, in the order of its services and as they are
 * after `rewriteDefinition()`. Services without one are skipped; those of profiles are not. Throws what
 * `serviceEntries()` throws.
 */
export function imagesOf(definition: Dict, options: ImageOptions): string[] {
  return [...new Set(servicesOf(definition).flatMap((service) => imageOfService(service, options) ?? []))];
}

/** The image of one service, as `imagesOf()` has it. */
export function imageOfService({ image }: ComposeService, { store, variables }: ImageOptions): string | undefined {
  if (image === undefined) return undefined;
  const text = interpolate(relocateImage(image, store), variables ?? new Map()).trim();
  return text === "" ? undefined : text;
}

/**
 * A sentence on the first volume that has a path of a Windows machine as its source; undefined when there is none.
 * Throws what `serviceEntries()` throws.
 */
export function windowsPathProblem(definition: Dict): string | undefined {
  for (const [name, { volumes }] of serviceEntries(definition)) {
    for (const volume of Array.isArray(volumes) ? volumes : []) {
      const path = windowsPathIn(volume);
      if (path === undefined) continue;
      return `The service ${quoteText(name)} mounts the Windows path ${quoteText(path)}, which this device cannot have`;
    }
  }
  return undefined;
}

function unreadable(what: string, got: unknown): AgentError {
  const seen = got === undefined ? "nothing" : show(got);
  return new AgentError("bad_definition", `Cannot read the compose file: ${what} must be a mapping, got ${seen}`);
}

/** A service may take what it lacks from another one of the same file. */
function inherited(
  service: Dict,
  { member, byName }: { member: string; byName: ReadonlyMap<string, Dict> },
): unknown {
  const seen = new Set<Dict>();
  for (let current: Dict | undefined = service; current !== undefined && !seen.has(current);) {
    if (isPresent(current[member])) return current[member];
    seen.add(current);
    const base: unknown = current["extends"];
    const name: unknown = isDict(base) && base["file"] === undefined ? base["service"] : base;
    current = typeof name === "string" ? byName.get(name) : undefined;
  }
  return undefined;
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function filledText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function isOptional(service: Dict): boolean {
  const { profiles, scale, deploy } = service;
  const replicas = isDict(deploy) ? deploy["replicas"] : undefined;
  return Array.isArray(profiles) && profiles.length > 0 || readNumber(scale) === 0 || readNumber(replicas) === 0;
}

/** `[a, b]` or `{a: {condition: …}}`. */
function namesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.filter((name) => typeof name === "string");
  return isDict(value) ? Object.keys(value) : [];
}

/** In the short form `C:/a` alone would be a volume with the name `C`. */
function windowsPathIn(volume: unknown): string | undefined {
  if (typeof volume === "string") {
    return /^[A-Za-z]:\\[^:]*/.exec(volume)?.[0] ?? /^([A-Za-z]:\/[^:]*):(?:\/|[A-Za-z]:[\\/])/.exec(volume)?.[1];
  }
  if (!isDict(volume) || volume["type"] !== "bind") return undefined;
  const { source } = volume;
  return typeof source === "string" && /^[A-Za-z]:[\\/]/.test(source) ? source : undefined;
}
