/** The workers of all apps. */

import { type AppId, type AppIdText, idText } from "../../model/app.ts";
import type { AppRecords } from "../state/app_records.ts";
import { crashLoopDelayMs, downloadDelayMs } from "../watch/crash_loop.ts";
import { AppWorker, type AppWorkerDeps } from "./app_worker.ts";

/** What every worker works with. */
export interface AppWorkersDeps extends Omit<AppWorkerDeps, "retryDelayMs" | "downloadDelayMs" | "onIdle"> {
  /** True while the link to Studio is up. */
  isConnected(): boolean;
  /** A number from 0 to 1. */
  random(): number;
  /** Called when an app is gone and nothing is being done for it: nothing in memory may be left of it. */
  onGone(id: AppId): void;
}

/**
 * Each app has one worker for as long as there is anything to do for it, so that its jobs never overlap. The worker of
 * an app that is gone goes too: anybody may ask for apps that never were.
 */
export class AppWorkers {
  readonly #deps: AppWorkerDeps;
  readonly #workers = new Map<AppIdText, AppWorker>();

  constructor(deps: AppWorkersDeps) {
    this.#deps = {
      ...deps,
      retryDelayMs: (attempt) => crashLoopDelayMs(attempt, deps.random()),
      downloadDelayMs: (attempt, pauseMs) =>
        downloadDelayMs(attempt, { isLinkUp: deps.isConnected(), pauseMs, random: deps.random() }),
      onIdle: (worker) => this.#dropIfGone(worker, deps),
    };
  }

  /** How many apps have a worker. */
  get size(): number {
    return this.#workers.size;
  }

  /** The worker of an app, known or not. */
  of(id: AppId): AppWorker {
    const known = this.#workers.get(idText(id));
    if (known !== undefined) return known;
    const worker = new AppWorker({ appKey: id.appKey, stage: id.stage }, this.#deps);
    this.#workers.set(idText(id), worker);
    return worker;
  }

  /** Ends all waits for a retry. */
  stop(): void {
    for (const worker of this.#workers.values()) worker.stop();
  }

  #dropIfGone(worker: AppWorker, { records, onGone }: Pick<AppWorkersDeps, "records" | "onGone">): void {
    const name = idText(worker.id);
    if (this.#workers.get(name) !== worker || !isGoneFrom(records, worker.id)) return;
    worker.stop();
    this.#workers.delete(name);
    onGone(worker.id);
  }
}

/** False while that cannot be found out: then the worker stays for the next time. */
function isGoneFrom(records: Pick<AppRecords, "find">, id: AppId): boolean {
  try {
    return records.find(id) === undefined;
  } catch {
    return false;
  }
}
