/**
 * What has to be known of compose apps before the first step for one is done: what they need, and which images they
 * name. Everything else is loaded with that step.
 */

import { type Dict, isDict } from "../../base/json.ts";
import { type AppRequest, idText } from "../../model/app.ts";
import { projectLabelOf } from "../../model/app_names.ts";
import type { StoredUpdate } from "../../store/update_rows.ts";
import { type ComposeService, imageOfService, type ImageOptions, servicesOf } from "../compose/definition.ts";
import { valueText } from "../container/variable.ts";
import { hasFailed } from "../plan/rollback.ts";
import type { Goal } from "../plan/steps.ts";
import type { AppRecords } from "../state/app_records.ts";
import { isGone, type LiveApp } from "../state/live_app.ts";
import type { ProjectFolders } from "../../model/owner.ts";
import { hasProjectFolder, projectNeedsOf } from "../watch/compose_facts.ts";
import type { ComposeFacts } from "../watch/observed_state.ts";

/** What compose apps are known by. */
export interface ProjectsDeps extends ProjectFolders {
  records: Pick<AppRecords, "find" | "request" | "requests" | "updates">;
  /** Where the images of the store are, for this device. */
  registry(): { registryUrl: string; mainRepository: string };
}

/** The compose files that count for a transition. */
export interface Definitions {
  /** Of what runs next; null when that is an app of one container. */
  definition: Dict | null;
  /** Of a release that goes, or has gone. */
  stale: Dict | null;
}

/** The compose apps of the device. Methods throw `store_failed`. */
export class Projects {
  readonly #deps: ProjectsDeps;

  constructor(deps: ProjectsDeps) {
    this.#deps = deps;
  }

  /** What counts for the state of an app; undefined for an app of one container. */
  factsOf(app: LiveApp, request = this.#deps.records.request(app.id)): ComposeFacts | undefined {
    const definition = request?.dockerCompose ?? null;
    if (definition === null) return undefined;
    const needs = projectNeedsOf(this.#deps.registry(), { app, definition });
    // What has not been built yet is missing as much as what has not been pulled.
    const images = this.imagesIn(app, definition, { isNeeded: true });
    return { needs: { ...needs, images }, hasFolder: hasProjectFolder(this.#deps, app) };
  }

  /**
   * The images of all definitions of an app, old and new; undefined for an app that has never been a compose app, as
   * far as is stored, and has no folder of a project.
   */
  imagesOf(app: LiveApp, request = this.#deps.records.request(app.id)): string[] | undefined {
    const update = this.#deps.records.updates.find(app.id);
    const all = [request?.dockerCompose, request?.newDockerCompose, update?.dockerCompose];
    const known = all.filter((definition) => definition !== null && definition !== undefined);
    if (known.length === 0) return hasProjectFolder(this.#deps, app) ? [] : undefined;
    return [...new Set(known.flatMap((definition) => this.imagesIn(app, definition)))];
  }

  /**
   * The images that a definition names, as this device calls them; none of what cannot be read. `isNeeded`: only those
   * that the app needs to start; `isPulled`: of these, those that are not built here.
   */
  imagesIn(app: LiveApp, definition: Dict | null, { isPulled = false, isNeeded = false } = {}): string[] {
    if (definition === null) return [];
    const options = this.imageOptionsOf(app);
    const isBuiltHere = ({ isBuilt }: ComposeService) => isBuilt && app.id.stage === "DEV";
    const images = servicesIn(definition).flatMap((service) => {
      if ((isNeeded || isPulled) && service.isOptional) return [];
      if (isPulled && isBuiltHere(service)) return [];
      const image = imageOfService(service, options);
      // Compose names what is built without a name itself.
      return image ?? (isBuiltHere(service) ? `${projectLabelOf(app)}-${service.name}` : []);
    });
    return [...new Set(images)];
  }

  /** What the names of images in the definitions of an app depend on. */
  imageOptionsOf(app: LiveApp): ImageOptions {
    const { registryUrl, mainRepository } = this.#deps.registry();
    const store = { registryUrl, mainRepository, appKey: app.id.appKey, appName: app.appName };
    return { store, variables: this.#variablesOf(app) };
  }

  /** The images that the definitions of other apps name, also those that one may go back to. */
  imagesOfOthers(app: LiveApp): ReadonlySet<string> {
    const { records } = this.#deps;
    const images = records.requests().flatMap((request) => {
      const other = records.find(request);
      const isOther = other !== undefined && idText(other.id) !== idText(app.id) && !isGone(other.state);
      return isOther ? this.imagesOf(other, request) ?? [] : [];
    });
    return new Set(images);
  }

  /** The variables of an app that its compose file can refer to in the names of images. */
  #variablesOf(app: LiveApp): ReadonlyMap<string, string> {
    const { environment = {}, environmentTemplate = {}, stage } = this.#deps.records.request(app.id) ?? {};
    return new Map([
      ...valuesIn(environmentTemplate, "defaultValue"),
      ...(stage === "DEV" ? [] : valuesIn(environment, "value")),
    ]);
  }
}

/** What cannot be read is reported by the step that checks it. */
function servicesIn(definition: Dict): ComposeService[] {
  try {
    return servicesOf(definition);
  } catch {
    return [];
  }
}

function valuesIn(entries: Dict, member: "value" | "defaultValue"): [name: string, value: string][] {
  return Object.entries(entries).flatMap(([name, entry]) => {
    const value = isDict(entry) ? entry[member] ?? null : null;
    const text = value === null ? undefined : valueText(value);
    return text === undefined ? [] : [[name, text]];
  });
}

/** Which definitions count for a transition. Pure. */
export function definitionsFor(
  goal: Goal,
  { request, stored = request, update }: {
    request: AppRequest;
    /** What is stored of the app; during a transition its release may have become another one. */
    stored?: AppRequest | undefined;
    update: StoredUpdate | undefined;
  },
): Definitions {
  const before = update?.dockerCompose ?? null;
  switch (goal) {
    case "update":
      return { definition: request.newDockerCompose, stale: request.dockerCompose };
    case "rollBack":
      return { definition: before, stale: stored.dockerCompose };
    case "closeUpdate":
      return { definition: stored.dockerCompose, stale: before };
    default:
      // A return that was interrupted may have left something of the release that has failed.
      return {
        definition: request.dockerCompose,
        stale: hasFailed(request.newestVersion, update) ? request.newDockerCompose : null,
      };
  }
}

/**
 * The tag under which the image that `version` of the app has by this reference is kept there. Of another version it
 * has another tag, so what an update has left that was interrupted is never taken for the image of the next one.
 */
export async function keptTag(reference: string, version: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${version} ${reference}`));
  return new Uint8Array(digest).slice(0, 16).toHex();
}
