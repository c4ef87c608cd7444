/** Notices what happens to containers, and has the workers look at their apps. */

import type { Clock } from "../../async/clock.ts";
import type { Log } from "../../base/log.ts";
import type { EngineEvent } from "../../docker/events.ts";
import type { AppNames, NamedApp } from "../../model/app_names.ts";
import { ownerOf } from "../../model/owner.ts";
import type { AppRecords } from "../state/app_records.ts";
import { formerPartsOf } from "../state/observed_app.ts";
import { EngineSnapshot, type SnapshotEngine } from "../watch/engine_snapshot.ts";
import { type EngineWatchDeps, unstableMs, watchEngine } from "../watch/engine_watch.ts";
import { observedState } from "../watch/observed_state.ts";
import type { AppWorkers } from "./app_workers.ts";

/** What an observer works with. */
export interface ContainerObserverDeps {
  engine: EngineWatchDeps["engine"] & Pick<SnapshotEngine, "listContainers">;
  records: AppRecords;
  workers: AppWorkers;
  namesOf(app: NamedApp): AppNames;
  /** Takes over a promise that nobody waits for, and whatever it rejects with. */
  keep(task: Promise<void>): void;
  /** Called when the engine goes away, and when it is back. */
  onEngineChange(): void;
  clock: Clock;
  /** A number from 0 to 1. */
  random(): number;
  log: Log;
}

const relevantActions = ["start", "die", "destroy", "pause", "unpause"];

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
    const { records, namesOf, workers, keep } = this.#deps;
    const id = ownerOf({ names: [event.name], labels: event.labels });
    const app = id && records.find(id);
    if (app === undefined || (app.former === undefined && namesOf(app).container !== event.name)) return;
    keep(workers.of(app.id).look({ isReturn: false }));
  }

  /** Looks closely only at apps that have changed. */
  async #scan({ isReturn, signal }: { isReturn: boolean; signal: AbortSignal }): Promise<void> {
    const { engine, records, namesOf, workers, keep, clock } = this.#deps;
    const takenAtMs = clock.now();
    const snapshot = new EngineSnapshot({ takenAtMs, containers: await engine.listContainers(signal), images: [] });
    for (const app of records.all()) {
      const observed = snapshot.find(app.id, namesOf(app));
      const isMoved = app.former === undefined && formerPartsOf(observed) !== undefined;
      // A closer look shows what it is.
      if (isMoved) app.former = "leftover";
      const hasChanged = isMoved || observedState(app.state, observed) !== undefined;
      if (hasChanged || (isReturn && app.state === "FAILED")) keep(workers.of(app.id).look({ isReturn }));
    }
  }
}
