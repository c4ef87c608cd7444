/** Restarts the device or the agent a moment after the request: acting at once would lose the reply. */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { isCanceled } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { PowerAction } from "./power.ts";

/** What runs the actions. */
export interface PowerSchedulerDeps {
  /** Runs the command of an action. */
  run(action: PowerAction, signal: AbortSignal): Promise<void>;
  clock: Clock;
  log: Log;
}

/** The time between request and action. */
const delayMs = 2_000;

/** How long the end of the agent waits for a running command. */
const disposeLimitMs = 2_000;

/** The scheduled and running actions. Invariant: each kind at most once. */
export class PowerScheduler implements AsyncDisposable {
  readonly #deps: PowerSchedulerDeps;
  readonly #running = new Map<PowerAction, Promise<void>>();
  readonly #stopped = new AbortController();
  readonly #killed = new AbortController();

  constructor(deps: PowerSchedulerDeps) {
    this.#deps = deps;
  }

  /** Runs the action two seconds from now, unless it is scheduled or running already. A failure is only logged. */
  schedule(action: PowerAction): void {
    if (this.#running.has(action) || this.#stopped.signal.aborted) return;
    this.#running.set(action, this.#runLater(action).finally(() => this.#running.delete(action)));
  }

  /** Cancels what is scheduled; a running command gets two more seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    const running = Promise.all(this.#running.values());
    try {
      await within(disposeLimitMs, () => running, { what: "Waiting for system commands" });
    } catch {
      this.#killed.abort();
      await running;
    }
  }

  async #runLater(action: PowerAction): Promise<void> {
    const { clock, log, run } = this.#deps;
    try {
      await clock.sleep(delayMs, this.#stopped.signal);
      log.info("Running a requested system command", { action });
      await run(action, this.#killed.signal);
    } catch (error) {
      if (!isCanceled(error)) log.error("Cannot run a system command", { action, error });
    }
  }
}
