/** One look at everything on the engine, for all apps together. */

import type { ContainerSummary, ImageSeen } from "../docker/engine.ts";
import { splitReference } from "../docker/registry.ts";
import type { Found } from "./corrections.ts";

/** The engine as a survey sees it. */
export interface SurveyEngine {
  listContainers(signal: AbortSignal): Promise<ContainerSummary[]>;
  listImages(signal: AbortSignal): Promise<ImageSeen[]>;
}

/** What the engine had at one moment. */
export class Survey {
  readonly containers: readonly ContainerSummary[];
  readonly #byName: ReadonlyMap<string, ContainerSummary>;
  readonly #repositories: ReadonlySet<string>;

  constructor(containers: readonly ContainerSummary[], images: readonly ImageSeen[]) {
    this.containers = containers;
    this.#byName = new Map(containers.flatMap((entry) => entry.names.map((name) => [name, entry] as const)));
    this.#repositories = new Set(
      images.flatMap((image) => image.repoTags).map((tag) => splitReference(tag).repository),
    );
  }

  /** Takes one. Throws `engine_unreachable`, `engine_failed`, `canceled`. */
  static async take(engine: SurveyEngine, signal: AbortSignal): Promise<Survey> {
    return new Survey(...await Promise.all([engine.listContainers(signal), engine.listImages(signal)]));
  }

  /** What there is of an app, by the exact name of its container and the repository of its images. */
  find(names: { container: string; repository: string }): Found {
    const container = this.#byName.get(names.container);
    return {
      status: container?.state,
      hasImage: this.#repositories.has(names.repository),
      run: container?.id ?? "",
      exitCode: 0,
      wasKilled: false,
    };
  }
}
