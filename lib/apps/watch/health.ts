/** How an app has been doing: its failures in a row, since when it runs, and whether its release has proven itself. */

import type { AppId } from "../../model/app.ts";
import type { Clock } from "../../async/clock.ts";
import { hasCode } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { Probation } from "./probation.ts";
import type { AppRecords } from "../state/app_records.ts";
import { type PlannedRetry, Retry } from "./retry.ts";

/** What health is told with. */
export interface HealthDeps {
  records: AppRecords;
  /** Milliseconds before try number `attempt` of a failed app. */
  retryDelayMs(attempt: number): number;
  /** A failed app is to be tried again. */
  onRetry(): void;
  /** A release on probation has run for long enough, if it still runs. */
  onProven(): void;
  /** Takes over a promise that nobody waits for, and what it fails with. */
  keep(task: Promise<void>): void;
  clock: Clock;
  log: Log;
}

/** An engine whose disk was full fails in many words for so long, in milliseconds. */
const spaceDoubtMs = 60_000;

/** An app that ran for so long is healthy: its next failure is a first one. */
const healthyAfterMs = 600_000;

/** The health of one app. The count of failures survives the agent. */
export class Health {
  readonly #id: AppId;
  readonly #parts: HealthDeps;
  readonly #retry: Retry;
  readonly #probation: Probation;
  #runningSinceMs: number | undefined;
  #noSpaceAtMs = -Infinity;

  constructor(id: AppId, parts: HealthDeps) {
    this.#id = id;
    this.#parts = parts;
    const { clock, keep, retryDelayMs } = parts;
    this.#retry = new Retry({
      clock,
      delayMs: retryDelayMs,
      load: () => this.#load(),
      save: (attempts) => this.#save(attempts),
      onDue: () => parts.onRetry(),
      keep,
    });
    this.#probation = new Probation({ clock, onOver: () => parts.onProven(), keep });
  }

  /** Something has failed with this. */
  noteError(error: unknown): void {
    if (hasCode(error, "no_space")) this.#noSpaceAtMs = this.#parts.clock.now();
  }

  /** True while a disk that was full may still be the reason when something fails. */
  isShortOfSpace(): boolean {
    return this.#parts.clock.now() - this.#noSpaceAtMs < spaceDoubtMs;
  }

  /** True once the release on probation has run for long enough, until `endProbation()`. */
  get isProbationOver(): boolean {
    return this.#probation.isOver;
  }

  /** The release is not on probation any more. */
  endProbation(): void {
    this.#probation.stop();
  }

  /** The app runs, or it does not. */
  note(state: { isRunning: boolean; isOnProbation: boolean }): void {
    if (state.isRunning && state.isOnProbation) this.#probation.begin();
    else this.#probation.stop();
    if (state.isRunning) this.#runningSinceMs ??= this.#parts.clock.now();
    else this.#runningSinceMs = undefined;
  }

  /** One more failure; begins the wait for the next try. */
  planRetry(): PlannedRetry {
    const sinceMs = this.#runningSinceMs;
    if (sinceMs !== undefined && this.#parts.clock.now() - sinceMs >= healthyAfterMs) this.#retry.clear();
    this.#runningSinceMs = undefined;
    return this.#retry.plan();
  }

  /** Failures before do not count, and no retry is due. */
  forgetFailures(): void {
    this.#retry.clear();
  }

  /** Ends all waits; the failures still count. */
  stop(): void {
    this.#retry.stop();
    this.#probation.stop();
  }

  #load(): number {
    try {
      return this.#parts.records.failures(this.#id);
    } catch (error) {
      this.#parts.log.warn("Cannot read how often an app has failed", { ...this.#id, error });
      return 0;
    }
  }

  #save(attempts: number): void {
    try {
      this.#parts.records.setFailures(this.#id, attempts);
    } catch (error) {
      this.#parts.log.warn("Cannot store how often an app has failed", { ...this.#id, error });
    }
  }
}
