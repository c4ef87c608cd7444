/** Watches one app: what has become of its containers, and what a failure of its release calls for. */

import type { AppId, AppRequest } from "../../model/app.ts";
import type { Clock } from "../../async/clock.ts";
import type { Log } from "../../base/log.ts";
import {
  blamesRelease,
  hasPassedProbation,
  isOnProbation,
  type ReleaseFailure,
  rollBackAfter,
} from "../plan/rollback.ts";
import { healthyText, rollBackText, unhealthyText } from "../plan/texts.ts";
import { configurationRetryMs, configurationText } from "../plan/configuration_error.ts";
import type { StateReporter } from "../report/state_reporter.ts";
import type { AppRecords } from "../state/app_records.ts";
import { isGone, type LiveApp } from "../state/live_app.ts";
import type { ObservedApp } from "../state/observed_app.ts";
import {
  type CheckedContainer,
  checkedContainers,
  exitOf,
  failedServiceOf,
  type HealthContext,
  isFinished,
} from "../watch/app_health.ts";
import { crashLoopText } from "../watch/crash_loop.ts";
import type { Health } from "../watch/health.ts";
import { correctedState, observedState } from "../watch/observed_state.ts";
import type { AppTools } from "./app_tools.ts";
import type { Attempt } from "./attempt.ts";
import type { Job } from "./job.ts";

/** What an app is watched with. */
export interface AppWatchDeps
  extends Pick<AppTools, "channels" | "composeOf" | "namesOf" | "observeApp" | "pauseOf" | "readHealth"> {
  records: AppRecords;
  reporter: StateReporter;
  health: Health;
  /** True while an app may have ended because the disk is full, or because the engine was away. */
  isDeviceUnstable(): boolean;
  clock: Clock;
  log: Log;
}

/** How a release that was started has failed. */
type RunFailure = ReleaseFailure & { kind: "exit" | "unhealthy" };

/** Between the end of a release on probation and the verdict on it. */
const verdictDelayMs = 1_000;

/** The watch over one app. Callers ensure that nothing else is done with the app at the same time. */
export class AppWatch {
  readonly #id: AppId;
  readonly #deps: AppWatchDeps;
  /** What is unhealthy, as its app's log says, by container. */
  #sick: ReadonlyMap<string, string> = new Map();

  constructor(id: AppId, deps: AppWatchDeps) {
    this.#id = id;
    this.#deps = deps;
  }

  /** Observes the app and reports what has changed. Returns what is to be done about it. */
  async observe(job: Job, { isReturn }: { isReturn: boolean }): Promise<Attempt | undefined> {
    const { records, reporter, health } = this.#deps;
    const app = records.find(this.#id);
    const observed = app && await this.#tryObserve(app, job.signal);
    if (app === undefined || observed === undefined) return undefined;
    const context = this.#contextOf(app);
    const state = observedState(app.state, observed, context);
    const hasChanged = state !== undefined;
    const request = records.request(this.#id);
    const failure = exitOf(observed, context);
    if (request !== undefined && !isReturn && isOnProbation(records.updates.find(app.id))) {
      const fault = state === "FAILED" ? failure : await this.#hiddenFault(observed, context, job.signal);
      if (fault !== undefined && this.blamesRelease(fault)) {
        return await this.#judgeRelease(job, { app, request, failure: fault });
      }
    }
    await this.#sayHealth(app, checkedContainers(observed, context), job.signal);
    if (hasChanged) await reporter.announce(app, state, job.signal);
    const { isProbationOver } = health;
    if (request !== undefined && hasPassedProbation({ state: app.state, hasChanged, isProbationOver })) {
      health.endProbation();
      return { request, why: "followUp", mayUpdate: false, forced: { goal: "closeUpdate" } };
    }
    // An update that failed waits for its own next try, or its waits would never grow.
    const again: Attempt | undefined = request && { request, why: "followUp", mayUpdate: isReturn };
    if (app.state === "FAILED" && (hasChanged || isReturn)) {
      if (hasChanged) await this.#showFailure(app, failure, job.signal);
      if (app.id.stage === "DEV") return undefined;
      if (isReturn) return again;
      this.scheduleRetry(app);
      return undefined;
    }
    this.recordState(app, observed);
    if (hasChanged && app.id.stage === "PROD" && isFinished(observed, context)) {
      this.scheduleRetry(app);
      return undefined;
    }
    const isMoved = app.former !== undefined && !health.isRetryDue;
    return (hasChanged || isMoved) && app.id.stage === "PROD" ? again : undefined;
  }

  /**
   * Corrects the state of an app that nobody has watched, by what was observed. `isReported`: reports it in any case.
   */
  async correct(
    job: Job,
    { observed, isReported }: { observed: ObservedApp | undefined; isReported: boolean },
  ): Promise<void> {
    const { records, reporter } = this.#deps;
    const app = records.find(this.#id);
    if (app === undefined) return;
    if (observed !== undefined) {
      const state = correctedState(app.state, observed, this.#contextOf(app));
      // A removal that was interrupted has more to remove than the engine shows.
      const isUnfinished = app.state === "DELETING" && isGone(app.target) && isGone(state);
      reporter.setState(app, isUnfinished ? app.state : state);
      this.recordState(app, observed);
    }
    if (isReported) await reporter.report(app, job.signal);
  }

  /** Reports the app's state as it is. */
  async report(signal: AbortSignal): Promise<void> {
    const app = this.#deps.records.find(this.#id);
    if (app !== undefined) await this.#deps.reporter.report(app, signal);
  }

  /** True when a failure is the fault of the app's release, as far as the device is stable at this moment. */
  blamesRelease(failure: ReleaseFailure): boolean {
    return blamesRelease(failure, { isDeviceUnstable: this.#isDeviceUnstable() });
  }

  /** Goes back from a release on probation that is at fault; undefined when there is none. */
  rollBack(app: LiveApp, { request, failure }: { request: AppRequest; failure: ReleaseFailure }): Attempt | undefined {
    const rollBack = rollBackAfter(failure, this.#deps.records.updates.find(app.id));
    if (rollBack === undefined) return undefined;
    this.#deps.channels.say(app, rollBackText(rollBack));
    return { request, why: "followUp", mayUpdate: false, forced: { goal: "rollBack", reason: rollBack.reason } };
  }

  /** Records how the app is doing, and follows the logs of its containers while it runs. */
  recordState(app: LiveApp, observed?: ObservedApp): void {
    const { records, health, channels } = this.#deps;
    const isRunning = app.state === "RUNNING";
    health.recordState({ isRunning, isOnProbation: isRunning && isOnProbation(records.updates.find(app.id)) });
    if (!isRunning || observed === undefined) return;
    const { services = [] } = observed.project ?? {};
    if (services.length > 0 && this.#deps.composeOf(app) !== undefined) channels.followProject(app, services);
    else for (const container of observed.containers) channels.follow(container);
  }

  /** Begins the wait for the next try, and says so in the app's log. */
  scheduleRetry(app: LiveApp, { isDownload = false } = {}): void {
    const { health, pauseOf } = this.#deps;
    const { attempt, delayMs } = isDownload ? health.scheduleDownload(pauseOf(app)) : health.scheduleRetry();
    this.#deps.channels.say(app, crashLoopText(attempt, delayMs));
  }

  /** Failures so far do not count, and the next try is an hour away: only other settings help, says the app's log. */
  scheduleSlowRetry(app: LiveApp): void {
    const { health, channels } = this.#deps;
    health.forgetFailures();
    health.scheduleRetryIn(configurationRetryMs);
    channels.say(app, configurationText);
  }

  /**
   * An engine that stops ends its containers first, so the verdict waits until it is clear whether the engine is there.
   */
  async #judgeRelease(
    job: Job,
    { app, request, failure }: { app: LiveApp; request: AppRequest; failure: RunFailure },
  ): Promise<Attempt | undefined> {
    await this.#deps.clock.sleep(verdictDelayMs, job.signal);
    if (this.#isDeviceUnstable() || await this.#tryObserve(app, job.signal) === undefined) return undefined;
    await this.#showFailure(app, failure, job.signal);
    return this.rollBack(app, { request, failure });
  }

  #contextOf(app: LiveApp): HealthContext {
    const { namesOf, composeOf } = this.#deps;
    return { project: namesOf(app).project, compose: composeOf(app) };
  }

  /** What is wrong with a release that runs: a check that says no, a service that fails again and again. */
  async #hiddenFault(
    observed: ObservedApp,
    context: HealthContext,
    signal: AbortSignal,
  ): Promise<RunFailure | undefined> {
    const failed = failedServiceOf(observed, { ...context, isStrict: true });
    if (failed !== undefined) return failed;
    const sick = checkedContainers(observed, context).find(({ isUnhealthy }) => isUnhealthy);
    if (sick === undefined) return undefined;
    const output = await this.#deps.readHealth(sick.id, signal);
    const { service } = sick;
    return { kind: "unhealthy", output, wasKilled: false, ...(service === undefined ? {} : { service }) };
  }

  /** In the app's log, once for each change. */
  async #sayHealth(app: LiveApp, checked: readonly CheckedContainer[], signal: AbortSignal): Promise<void> {
    const { channels, readHealth } = this.#deps;
    const sick = new Map(checked.filter(({ isUnhealthy }) => isUnhealthy).map((one) => [one.id, subjectOf(app, one)]));
    const known = this.#sick;
    this.#sick = sick;
    for (const [id, subject] of sick) {
      if (!known.has(id)) channels.say(app, unhealthyText(subject, await readHealth(id, signal)));
    }
    for (const { id, isUnhealthy } of checked) {
      const subject = known.get(id);
      if (subject !== undefined && !isUnhealthy) channels.say(app, healthyText(subject));
    }
  }

  async #showFailure(app: LiveApp, failure: RunFailure, signal: AbortSignal): Promise<void> {
    const { channels } = this.#deps;
    const { service } = failure;
    if (failure.kind === "unhealthy") {
      channels.say(app, unhealthyText(subjectOf(app, failure), failure.output));
    } else if (service === undefined) await channels.showExit(app, failure.exitCode, signal);
    else await channels.showServiceExit(app, { ...service, exitCode: failure.exitCode }, signal);
  }

  /** Undefined when the engine does not answer; the app is observed again when it does. */
  async #tryObserve(app: LiveApp, signal: AbortSignal): Promise<ObservedApp | undefined> {
    try {
      return await this.#deps.observeApp(app, signal);
    } catch (error) {
      this.#deps.log.debug("Cannot observe an app", { app: app.appName, error });
      return undefined;
    }
  }

  #isDeviceUnstable(): boolean {
    return this.#deps.isDeviceUnstable() || this.#deps.health.wasDiskFull();
  }
}

function subjectOf({ appName, id: { stage } }: LiveApp, { service }: { service?: { name: string } }): string {
  return service?.name ?? `${appName} (${stage})`;
}
