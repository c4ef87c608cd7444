/**
 * How an app is doing: its failures in a row, how long it has been running, and whether its release has proven itself.
 */

import type { AppId } from "../../model/app.ts";
import type { Clock } from "../../async/clock.ts";
import { hasCode } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { Probation } from "./probation.ts";
import type { AppRecords } from "../state/app_records.ts";
import { Retry, type ScheduledRetry } from "./retry.ts";

/** What the health of an app is kept with. */
export interface HealthDeps {
  records: AppRecords;
  /** Milliseconds before try number `attempt` of a failed app. */
  retryDelayMs(attempt: number): number;
  /** Milliseconds before download number `attempt`, from a registry that asks for a pause. */
  downloadDelayMs(attempt: number, pauseMs: number): number;
  /** Called when a failed app is to be tried again. */
  onRetry(): void;
  /** Called when a release on probation has run for long enough, if it still runs. */
  onProbationOver(): void;
  /** Takes over a promise that nobody waits for, and whatever it rejects with. */
  keep(task: Promise<void>): void;
  clock: Clock;
  log: Log;
}

/** For this long after a full disk the engine fails with all kinds of errors. */
const afterFullDiskMs = 60_000;

/** After running for this long an app is healthy: its next failure counts as the first. */
const healthyAfterMs = 600_000;

/** How long a try that is due waits for other work on the app, before it is due again. */
const postponedMs = 1_000;

/** The health of one app. The count of failures survives the agent. */
export class Health {
  readonly #id: AppId;
  readonly #deps: HealthDeps;
  readonly #retry: Retry;
  readonly #probation: Probation;
  #runningSinceMs: number | undefined;
  /** Failed downloads in a row. */
  #downloads = 0;
  #diskFullAtMs = -Infinity;

  constructor(id: AppId, deps: HealthDeps) {
    this.#id = id;
    this.#deps = deps;
    const { clock, keep, retryDelayMs } = deps;
    this.#retry = new Retry({
      clock,
      delayMs: retryDelayMs,
      load: () => this.#load(),
      save: (attempts) => this.#save(attempts),
      onDue: () => deps.onRetry(),
      keep,
    });
    this.#probation = new Probation({ clock, onOver: () => deps.onProbationOver(), keep });
  }

  /** Records an error of the app. */
  recordError(error: unknown): void {
    if (hasCode(error, "no_space")) this.#diskFullAtMs = this.#deps.clock.now();
  }

  /** True while a failure may still be due to a disk that was full. */
  wasDiskFull(): boolean {
    return this.#deps.clock.now() - this.#diskFullAtMs < afterFullDiskMs;
  }

  /** True once the release on probation has run for long enough, until `endProbation()`. */
  get isProbationOver(): boolean {
    return this.#probation.isOver;
  }

  /** The release is no longer on probation. */
  endProbation(): void {
    this.#probation.stop();
  }

  /** Records whether the app runs. */
  recordState(state: { isRunning: boolean; isOnProbation: boolean }): void {
    if (state.isRunning && state.isOnProbation) this.#probation.begin();
    else this.#probation.stop();
    if (state.isRunning) this.#runningSinceMs ??= this.#deps.clock.now();
    else this.#runningSinceMs = undefined;
  }

  /** Counts a failure and begins the wait for the next try. */
  scheduleRetry(): ScheduledRetry {
    const sinceMs = this.#runningSinceMs;
    if (sinceMs !== undefined && this.#deps.clock.now() - sinceMs >= healthyAfterMs) this.#retry.reset();
    this.#runningSinceMs = undefined;
    this.#downloads = 0;
    return this.#retry.schedule();
  }

  /**
   * Begins the wait for the next try after a download has failed, which does not count against the app. `pauseMs`: for
   * how long the registry does not want to be asked.
   */
  scheduleDownload(pauseMs: number): ScheduledRetry {
    const attempt = this.#downloads += 1;
    const delayMs = this.#deps.downloadDelayMs(attempt, pauseMs);
    this.#retry.scheduleIn(delayMs);
    return { attempt, delayMs };
  }

  /** Begins a wait of `delayMs` for the next try, however often the app has failed. */
  scheduleRetryIn(delayMs: number): void {
    this.#runningSinceMs = undefined;
    this.#retry.scheduleIn(delayMs);
  }

  /** Begins a short wait, because a try that is due has to wait for other work on the app. */
  postponeRetry(): void {
    this.#retry.scheduleIn(postponedMs);
  }

  /** True while a failed app waits for its next try. */
  get isRetryDue(): boolean {
    return this.#retry.isWaiting;
  }

  /** Earlier failures do not count, and no retry is due. */
  forgetFailures(): void {
    this.#downloads = 0;
    this.#retry.reset();
  }

  /** Ends all waits; the failures still count. */
  stop(): void {
    this.#retry.stop();
    this.#probation.stop();
  }

  #load(): number {
    try {
      return this.#deps.records.failures(this.#id);
    } catch (error) {
      this.#deps.log.warn("Cannot read how often an app has failed", { ...this.#id, error });
      return 0;
    }
  }

  #save(attempts: number): void {
    try {
      this.#deps.records.setFailures(this.#id, attempts);
    } catch (error) {
      this.#deps.log.warn("Cannot store how often an app has failed", { ...this.#id, error });
    }
  }
}
