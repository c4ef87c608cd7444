/** All containers and images of the engine at one moment, to be looked up by app. */

import type { ContainerSummary, ImageSummary } from "../../docker/decode.ts";
import type { Clock } from "../../async/clock.ts";
import { splitReference } from "../../docker/registry.ts";
import { isMadeByAgent } from "../../model/labels.ts";
import type { ObservedApp, ObservedContainer } from "../state/observed_app.ts";

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
  readonly #byName: ReadonlyMap<string, ContainerSummary>;
  readonly #tags = new Map<string, string[]>();

  constructor({ takenAtMs, containers, images }: {
    takenAtMs: number;
    containers: readonly ContainerSummary[];
    images: readonly ImageSummary[];
  }) {
    this.takenAtMs = takenAtMs;
    this.containers = containers;
    this.#byName = new Map(containers.flatMap((entry) => entry.names.map((name) => [name, entry] as const)));
    for (const { repository, tag } of images.flatMap((image) => image.repoTags).map(splitReference)) {
      const tags = this.#tags.get(repository);
      if (tags === undefined) this.#tags.set(repository, [tag]);
      else tags.push(tag);
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

  /** What there is of an app, by the exact name of its container and the repository of its images. */
  find(names: { container: string; repository: string }): ObservedApp {
    const summary = this.#byName.get(names.container);
    const tags = this.#tags.get(names.repository) ?? [];
    return { containers: summary === undefined ? [] : [containerFromList(names.container, summary)], tags };
  }
}

function containerFromList(name: string, { id, state, labels, published }: ContainerSummary): ObservedContainer {
  // The list shows ports only while a container runs.
  const ports = state === "running" ? { published } : {};
  return { id, name, status: state, isMadeByAgent: isMadeByAgent(labels), ...ports };
}
