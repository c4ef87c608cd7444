/** Restarts the device or the agent a moment after it was asked for: acting at once would lose the reply. */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { isCanceled } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { PowerAction } from "./power.ts";

/** What the actions are built from. */
export interface PowerSchedulerDeps {
  /** Runs the command of an action. */
  run(action: PowerAction, signal: AbortSignal): Promise<void>;
  clock: Clock;
  log: Log;
}

/** The time between the reply and the action. */
const delayMs = 2_000;

/** How long the end of the agent waits for a command that runs. */
const disposeLimitMs = 2_000;

/** The actions that wait or run. Invariant: each kind at most once. */
export class PowerScheduler implements AsyncDisposable {
  readonly #parts: PowerSchedulerDeps;
  readonly #running = new Map<PowerAction, Promise<void>>();
  readonly #stopped = new AbortController();
  readonly #killed = new AbortController();

  constructor(parts: PowerSchedulerDeps) {
    this.#parts = parts;
  }

  /** Does it two seconds from now; its failure is only logged. Asked again while it waits or runs, it is done once. */
  schedule(action: PowerAction): void {
    if (this.#running.has(action) || this.#stopped.signal.aborted) return;
    this.#running.set(action, this.#runLater(action).finally(() => this.#running.delete(action)));
  }

  /** Gives up what still waits; a command that runs gets two more seconds. */
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
    const { clock, log, run } = this.#parts;
    try {
      await clock.sleep(delayMs, this.#stopped.signal);
      log.info("Running a system command that was asked for", { action });
      await run(action, this.#killed.signal);
    } catch (error) {
      if (!isCanceled(error)) log.error("Cannot run a system command", { action, error });
    }
  }
}
