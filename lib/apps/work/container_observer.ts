/** Notices what happens to containers, and has the workers look at their apps. */

import type { Clock } from "../../async/clock.ts";
import type { Log } from "../../base/log.ts";
import type { EngineEvent } from "../../docker/events.ts";
import { type AppNames, type NamedApp, parseComposeProjectName } from "../../model/app_names.ts";
import { composeProjectLabel } from "../../model/labels.ts";
import { ownerOf, type ProjectFolders } from "../../model/owner.ts";
import type { AppRecords } from "../state/app_records.ts";
import type { LiveApp } from "../state/live_app.ts";
import { formerPartsOf } from "../state/observed_app.ts";
import { checkedContainers } from "../watch/app_health.ts";
import { EngineSnapshot, type SnapshotEngine } from "../watch/engine_snapshot.ts";
import { type EngineWatchDeps, unstableMs, watchEngine } from "../watch/engine_watch.ts";
import { type ComposeFacts, observedState } from "../watch/observed_state.ts";
import type { AppChannels } from "./app_channels.ts";
import type { AppWorkers } from "./app_workers.ts";

/** What an observer works with. */
export interface ContainerObserverDeps extends ProjectFolders {
  engine: EngineWatchDeps["engine"] & Pick<SnapshotEngine, "listContainers">;
  records: AppRecords;
  workers: AppWorkers;
  namesOf(app: NamedApp): AppNames;
  channels: Pick<AppChannels, "noteServiceExit">;
  composeOf(app: LiveApp): ComposeFacts | undefined;
  /** Takes over a promise that nobody waits for, and whatever it rejects with. */
  keep(task: Promise<void>): void;
  /** Called when the engine goes away, and when it is back. */
  onEngineChange(): void;
  clock: Clock;
  /** A number from 0 to 1. */
  random(): number;
  log: Log;
}

const relevantActions = [
  ...["start", "die", "destroy", "pause", "unpause"],
  ...["health_status: healthy", "health_status: unhealthy"],
];

/** One observer for all apps. */
export class ContainerObserver {
  readonly #deps: ContainerObserverDeps;
  /** When, on the clock, an engine that was away stops being a reason for containers to end. */
  #stableAtMs = -Infinity;

  constructor(deps: ContainerObserverDeps) {
    this.#deps = deps;
  }

  /** True while the engine is away, and right after its return. */
  isEngineUnstable(): boolean {
    return this.#deps.clock.now() < this.#stableAtMs;
  }

  /** Observes until `signal` is aborted. Never throws. */
  async observe(signal: AbortSignal): Promise<void> {
    const { clock, onEngineChange } = this.#deps;
    const setStableAt = (atMs: number) => {
      this.#stableAtMs = atMs;
      onEngineChange();
    };
    await watchEngine({
      ...this.#deps,
      onEvent: (event) => this.#takeEvent(event),
      onAway: () => setStableAt(Infinity),
      onBack: () => setStableAt(clock.now() + unstableMs),
      scan: (options) => this.#scan(options),
    }, signal);
  }

  #takeEvent(event: EngineEvent): void {
    if (!relevantActions.includes(event.action)) return;
    const { workers, keep } = this.#deps;
    const app = this.#composeAppOf(event) ?? this.#appOf(event);
    if (app !== undefined) keep(workers.of(app.id).look({ isReturn: false }));
  }

  #appOf({ name, labels }: EngineEvent): LiveApp | undefined {
    const { records, namesOf } = this.#deps;
    const id = ownerOf({ names: [name], labels });
    const app = id && records.find(id);
    return app === undefined || (app.former === undefined && namesOf(app).container !== name) ? undefined : app;
  }

  /** The app whose project has exactly the label of the container. */
  #composeAppOf({ id, action, labels, exitCode }: EngineEvent): LiveApp | undefined {
    const { records, namesOf, channels } = this.#deps;
    const project = labels[composeProjectLabel];
    const named = project === undefined ? undefined : parseComposeProjectName(project);
    const app = named && records.find(named.id);
    if (app === undefined || namesOf(app).project !== project) return undefined;
    if (action === "die" && exitCode !== undefined) channels.noteServiceExit(app, { id, exitCode });
    return app;
  }

  /** Looks closely only at apps that have changed. */
  async #scan({ isReturn, signal }: { isReturn: boolean; signal: AbortSignal }): Promise<void> {
    const { engine, records, namesOf, composeOf, workers, keep, clock } = this.#deps;
    const takenAtMs = clock.now();
    const snapshot = new EngineSnapshot({ takenAtMs, containers: await engine.listContainers(signal), images: [] });
    for (const app of records.all()) {
      const compose = composeOf(app);
      const observed = snapshot.find(app.id, namesOf(app), { folders: this.#deps });
      const isMoved = app.former === undefined && formerPartsOf(observed) !== undefined;
      // A closer look shows what it is.
      if (isMoved) app.former = "leftover";
      const hasChanged = isMoved || observedState(app.state, observed, { compose }) !== undefined;
      const isSick = checkedContainers(observed, { compose, project: "" }).some(({ isUnhealthy }) => isUnhealthy);
      if (hasChanged || isSick || (isReturn && app.state === "FAILED")) keep(workers.of(app.id).look({ isReturn }));
    }
  }
}
