/** Watches one app: how its container is found, how it has been doing, and what a failure calls for. */

import type { AppId, AppRequest } from "../../model/app.ts";
import type { Clock } from "../../async/clock.ts";
import type { Log } from "../../base/log.ts";
import type { StateReporter } from "../report/state_reporter.ts";
import type { StepFactory } from "./step_factory.ts";
import { decide } from "../plan/decide.ts";
import { correctedState, observedState } from "../watch/observed_state.ts";
import { crashLoopText } from "../watch/crash_loop.ts";
import { Health } from "../watch/health.ts";
import { isGone, type LiveApp } from "../state/live_app.ts";
import { type ObservedApp, type ObservedContainer, soleContainer } from "../state/observed_app.ts";
import type { AppRecords } from "../state/app_records.ts";
import type { PlannedRetry } from "../watch/retry.ts";
import type { Attempt } from "./attempt.ts";
import {
  blamesRelease,
  hasPassedProbation,
  isOnProbation,
  mayUpdateTo,
  type ReleaseFailure,
  rollBackAfter,
} from "../plan/rollback.ts";
import { rollBackText } from "../plan/texts.ts";
import type { Job } from "./job.ts";

/** What an app is watched with. */
export interface AppWatchDeps {
  records: AppRecords;
  reporter: StateReporter;
  bench: StepFactory;
  /** Milliseconds before try number `attempt` of a failed app. */
  retryDelayMs(attempt: number): number;
  /** A failed app is to be tried again, with what Studio wants of it. */
  onRetry(request: AppRequest): void;
  /** A release on probation has run for long enough, if it still runs. */
  onProven(): void;
  /** True while an app that has ended may have been ended by a full disk, or by an engine that was away. */
  isDeviceUnstable(): boolean;
  /** Takes over a promise that nobody waits for, and what it fails with. */
  keep(task: Promise<void>): void;
  clock: Clock;
  log: Log;
}

/** Between the end of a release on probation and the verdict on it. */
const engineDoubtMs = 1_000;

/** The watch over one app. The caller sees to it that nothing else is done with the app meanwhile. */
export class AppWatch {
  readonly #id: AppId;
  readonly #parts: AppWatchDeps;
  readonly #health: Health;
  /** By name, the containers whose logs are followed. */
  readonly #followed = new Map<string, Pick<ObservedContainer, "id" | "startedAt">>();

  constructor(id: AppId, parts: AppWatchDeps) {
    this.#id = id;
    this.#parts = parts;
    this.#health = new Health(id, { ...parts, onRetry: () => this.#tryAgain() });
  }

  /** Looks at the app's container and tells what has changed. Gives what is to be done about it. */
  async observe(turn: Job, { isReturn }: { isReturn: boolean }): Promise<Attempt | undefined> {
    const { records, reporter, bench } = this.#parts;
    const app = records.find(this.#id);
    const observed = app && await this.#tryObserve(app, turn.signal);
    if (app === undefined || observed === undefined) return undefined;
    const state = observedState(app.state, observed);
    const { exitCode = 0, wasKilled = false } = soleContainer(observed) ?? {};
    const request = records.request(this.#id);
    const failure: ReleaseFailure = { kind: "exit", exitCode, wasKilled };
    const isOwnFault = state === "FAILED" && !isReturn && this.blamesRelease(failure);
    if (isOwnFault && request !== undefined && isOnProbation(records.updates.find(app.id))) {
      // An engine that stops takes its containers down first; then it is the engine that has to come back.
      await this.#parts.clock.sleep(engineDoubtMs, turn.signal);
      if (this.#isDeviceUnstable() || await this.#tryObserve(app, turn.signal) === undefined) return undefined;
      await bench.showExit(app, exitCode, turn.signal);
      return this.rollBack(app, request, failure);
    }
    if (state !== undefined) await reporter.announce(app, state, turn.signal);
    const { isProbationOver } = this.#health;
    if (
      request !== undefined &&
      hasPassedProbation({ state: app.state, hasChanged: state !== undefined, isProbationOver })
    ) {
      this.#health.endProbation();
      return { request, why: "later", mayUpdate: false, forced: { goal: "closeUpdate" } };
    }
    const again: Attempt | undefined = request && { request, why: "later", mayUpdate: true };
    if (app.state === "FAILED" && (state !== undefined || isReturn)) {
      if (state !== undefined) await bench.showExit(app, exitCode, turn.signal);
      if (app.id.stage === "DEV") return undefined;
      if (isReturn) return again;
      this.sayRetry(app);
      return undefined;
    }
    this.noteState(app, observed);
    return state !== undefined && app.id.stage === "PROD" ? again : undefined;
  }

  /** Sets the state of an unwatched app to what was found of it; with `isReported` Studio is told in any case. */
  async correct(turn: Job, observed: ObservedApp | undefined, options: { isReported: boolean }): Promise<void> {
    const { records, reporter } = this.#parts;
    const app = records.find(this.#id);
    if (app === undefined) return;
    if (observed !== undefined) {
      const state = correctedState(app.state, observed);
      // A removal that was cut has more to take away than the engine shows.
      const isCut = app.state === "DELETING" && isGone(app.target) && isGone(state);
      reporter.setState(app, isCut ? app.state : state);
      this.noteState(app, observed);
    }
    if (options.isReported) await reporter.report(app, turn.signal);
  }

  /** Tells Studio the app's state as it is. */
  async report(signal: AbortSignal): Promise<void> {
    const app = this.#parts.records.find(this.#id);
    if (app !== undefined) await this.#parts.reporter.report(app, signal);
  }

  /** True when a failure is the fault of the app's release, as far as the device is fine at this moment. */
  blamesRelease(failure: ReleaseFailure): boolean {
    return blamesRelease(failure, { isDeviceUnstable: this.#isDeviceUnstable() });
  }

  /** Goes back from a release on probation that was found to be at fault; undefined when there is none. */
  rollBack(app: LiveApp, request: AppRequest, failure: ReleaseFailure): Attempt | undefined {
    const back = rollBackAfter(failure, this.#parts.records.updates.find(app.id));
    if (back === undefined) return undefined;
    this.#parts.bench.say(app, rollBackText(back));
    return { request, why: "later", mayUpdate: false, forced: { goal: "rollBack", reason: back.reason } };
  }

  /** Remembers how the app does, and follows the log of a run that nobody has followed yet. */
  noteState(app: LiveApp, observed?: ObservedApp): void {
    const isRunning = app.state === "RUNNING";
    this.#health.note({
      isRunning,
      isOnProbation: isRunning && isOnProbation(this.#parts.records.updates.find(app.id)),
    });
    if (!isRunning || observed === undefined) return;
    for (const container of observed.containers) {
      if (this.#isFollowed(container)) continue;
      this.#followed.set(container.name, container);
      this.#parts.bench.follow(container);
    }
  }

  /** A list of all containers does not tell when one was started; the follower of its log notices a new start. */
  #isFollowed({ name, id, startedAt }: ObservedContainer): boolean {
    const followed = this.#followed.get(name);
    return followed?.id === id && (startedAt === undefined || followed.startedAt === startedAt);
  }

  /** Something of the app has failed with this. */
  noteError(error: unknown): void {
    this.#health.noteError(error);
  }

  /** Begins the wait for the next try, and says so. */
  sayRetry(app: LiveApp): void {
    const { attempt, delayMs } = this.planRetry();
    this.#parts.bench.say(app, crashLoopText(attempt, delayMs));
  }

  /** Begins the wait for the next try. */
  planRetry(): PlannedRetry {
    return this.#health.planRetry();
  }

  /** Failures before do not count, and no retry is due. */
  forgetFailures(): void {
    this.#health.forgetFailures();
  }

  /** Ends the waits for a retry and for the end of a probation. */
  stop(): void {
    this.#health.stop();
  }

  /** Undefined when the engine does not answer; who watches it looks again when it does. */
  async #tryObserve(app: LiveApp, signal: AbortSignal): Promise<ObservedApp | undefined> {
    try {
      return await this.#parts.bench.observe(app, signal);
    } catch (error) {
      this.#parts.log.debug("Cannot look at an app", { app: app.appName, error });
      return undefined;
    }
  }

  #isDeviceUnstable(): boolean {
    return this.#parts.isDeviceUnstable() || this.#health.isShortOfSpace();
  }

  #tryAgain(): void {
    const app = this.#parts.records.find(this.#id);
    const request = this.#parts.records.request(this.#id);
    const update = this.#parts.records.updates.find(this.#id);
    const mayUpdate = request !== undefined && mayUpdateTo(request.newestVersion, { update });
    const circumstances = { mayUpdate, isEmergency: false };
    if (app === undefined || request === undefined || decide(app, request, circumstances).kind !== "go") {
      this.#health.forgetFailures();
    } else this.#parts.onRetry(request);
  }
}
