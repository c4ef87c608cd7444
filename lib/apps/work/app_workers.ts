/** The workers of all apps. */

import { type AppId, type AppIdText, idText } from "../../model/app.ts";
import { crashLoopDelayMs } from "../watch/crash_loop.ts";
import { AppWorker, type AppWorkerDeps } from "./app_worker.ts";

/** What every worker works with. */
export interface AppWorkersDeps extends Omit<AppWorkerDeps, "retryDelayMs"> {
  /** A number from 0 to 1. */
  random(): number;
}

/** Each app has one worker for as long as the agent runs, so that its jobs never overlap. */
export class AppWorkers {
  readonly #deps: AppWorkerDeps;
  readonly #workers = new Map<AppIdText, AppWorker>();

  constructor(deps: AppWorkersDeps) {
    this.#deps = { ...deps, retryDelayMs: (attempt) => crashLoopDelayMs(attempt, deps.random()) };
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
}
