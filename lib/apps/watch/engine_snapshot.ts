/** One look at everything on the engine, for all apps together. */

import type { ContainerSummary, ImageSummary, PortBinding } from "../../docker/decode.ts";
import type { Clock } from "../../async/clock.ts";
import { splitReference } from "../../docker/registry.ts";
import { isMadeByAgent } from "../../model/labels.ts";
import type { Found } from "./observed_state.ts";

/** The engine as a survey sees it. */
export interface SnapshotEngine {
  listContainers(signal: AbortSignal): Promise<ContainerSummary[]>;
  listImages(signal: AbortSignal): Promise<ImageSummary[]>;
}

/** What a survey has of one app. */
export interface Surveyed extends Found {
  /** Tags of the app's own repository. */
  tags: readonly string[];
  /** Where its ports are published, by `<port>/<protocol>`; undefined when only a closer look would tell. */
  published: Readonly<Record<string, PortBinding[]>> | undefined;
}

/** What the engine had at one moment. */
export class EngineSnapshot {
  /** When it was begun, on the clock of the caller. */
  readonly takenAtMs: number;
  readonly containers: readonly ContainerSummary[];
  readonly #byName: ReadonlyMap<string, ContainerSummary>;
  readonly #tags = new Map<string, string[]>();

  constructor(seen: {
    takenAtMs: number;
    containers: readonly ContainerSummary[];
    images: readonly ImageSummary[];
  }) {
    this.takenAtMs = seen.takenAtMs;
    this.containers = seen.containers;
    this.#byName = new Map(seen.containers.flatMap((entry) => entry.names.map((name) => [name, entry] as const)));
    for (const { repository, tag } of seen.images.flatMap((image) => image.repoTags).map(splitReference)) {
      const tags = this.#tags.get(repository);
      if (tags === undefined) this.#tags.set(repository, [tag]);
      else tags.push(tag);
    }
  }

  /** Takes one. Throws `engine_unreachable`, `engine_failed`, `canceled`. */
  static async take(
    engine: SnapshotEngine,
    { clock, signal }: { clock: Pick<Clock, "now">; signal: AbortSignal },
  ): Promise<EngineSnapshot> {
    const takenAtMs = clock.now();
    const [containers, images] = await Promise.all([engine.listContainers(signal), engine.listImages(signal)]);
    return new EngineSnapshot({ takenAtMs, containers, images });
  }

  /** What there is of an app, by the exact name of its container and the repository of its images. */
  find(names: { container: string; repository: string }): Surveyed {
    const container = this.#byName.get(names.container);
    const tags = this.#tags.get(names.repository) ?? [];
    return {
      status: container?.state,
      hasImage: tags.length > 0,
      tags,
      published: container?.state === "running" ? container.published : undefined,
      run: container?.id ?? "",
      ownId: container !== undefined && isMadeByAgent(container.labels) ? container.id : undefined,
      exitCode: 0,
      wasKilled: false,
    };
  }
}
