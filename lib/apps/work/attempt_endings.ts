/** What follows from how an attempt has ended: success, interruption or failure. */

import { hasCode } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { isConfigurationError } from "../plan/configuration_error.ts";
import { isFailedDownload, isFailedUpdate } from "../plan/rollback.ts";
import { type Goal, isPulling, type Step } from "../plan/steps.ts";
import { failureText, interruptionText, updateRetryText } from "../plan/texts.ts";
import type { AppsDeps } from "../dependencies.ts";
import type { StateReporter } from "../report/state_reporter.ts";
import type { AppRecords } from "../state/app_records.ts";
import { isGone, type LiveApp } from "../state/live_app.ts";
import { stableTarget } from "../state/transitions.ts";
import type { Health } from "../watch/health.ts";
import { correctedState } from "../watch/observed_state.ts";
import type { AppTools } from "./app_tools.ts";
import type { AppWatch } from "./app_watch.ts";
import type { Attempt, AttemptContext } from "./attempt.ts";

/** What the endings work with. */
export interface AttemptEndingsDeps
  extends Pick<AppTools, "channels" | "composeOf" | "observeApp" | "pauseOf" | "preparation" | "sayLeftOut"> {
  records: AppRecords;
  reporter: StateReporter;
  watch: AppWatch;
  health: Health;
  workJournal: AppsDeps["workJournal"];
  log: Log;
  /** What is left to do, by what Studio wants now. `onlyIfRequested`: only if a request came during the attempt. */
  next(context: AttemptContext, options: { onlyIfRequested: boolean }): Attempt | undefined;
  /** Leaves an update to this version alone until Studio asks again or a retry is due. */
  skipVersion(version: string): void;
}

/** How an attempt has failed. */
export interface AttemptFailure {
  goal?: Goal;
  /** Undefined when it failed before the first step. */
  step?: Step | undefined;
  error: unknown;
  /** Set when the app's process has exited. */
  exitCode?: number;
  /** The process was ended from outside. */
  wasKilled?: boolean;
}

/** The endings of one app's attempts. Each method returns the next attempt of the job, if there is one. */
export class AttemptEndings {
  readonly #deps: AttemptEndingsDeps;

  constructor(deps: AttemptEndingsDeps) {
    this.#deps = deps;
  }

  /** The goal is reached. */
  async afterSuccess(context: AttemptContext): Promise<Attempt | undefined> {
    const { records, reporter, channels, preparation, sayLeftOut, watch, next } = this.#deps;
    const { job, app } = context;
    watch.recordState(app);
    if (records.find(app.id) === undefined) channels.forget(app);
    const following = next(context, { onlyIfRequested: false });
    const request = records.request(app.id);
    if (following !== undefined || request === undefined) return following;
    // The ports of a container that has just been created are known only now.
    await preparation.prepare(app, { request }, job.signal);
    sayLeftOut(app, request);
    // A build that was asked for ends here, and what is there is an image.
    if (app.state === "BUILT" && app.target === "BUILT") await reporter.announce(app, "PRESENT", job.signal);
    return next(context, { onlyIfRequested: app.id.stage === "DEV" });
  }

  /** An interruption by Studio is never a failure. Without a request the agent ends, or the app is being removed. */
  async afterInterruption(context: AttemptContext): Promise<Attempt | undefined> {
    const { job, app, attempt } = context;
    const by = job.takeInterruption();
    if (by === undefined) return undefined;
    const text = interruptionText(app.state, job.step);
    job.step = undefined;
    if (text !== undefined) this.#deps.channels.say(app, text);
    if (app.state === "UPDATING") {
      this.#dropSwitch(app);
      app.updateStatus = "canceled";
      this.#deps.skipVersion(attempt.request.newestVersion);
      // The container that the update was to replace has not been touched.
      if (by.target !== "PRESENT" && !isGone(stableTarget(by.target))) return await this.#keepInstalled(context);
    }
    return { request: by, why: "interruption", mayUpdate: false };
  }

  /** Something has failed: an update, the release, or the app itself. */
  async afterFailure(context: AttemptContext, failure: AttemptFailure): Promise<Attempt | undefined> {
    const { reporter, channels, watch, health, workJournal, log } = this.#deps;
    const { job, app, attempt: { request } } = context;
    const { goal, step, error, exitCode, wasKilled = false } = failure;
    const wasGone = isGone(app.state);
    log.error("Transition failed", { app: app.appName, ...app.id, in: app.state, goal, step: step?.kind, error });
    channels.say(app, failureText(step, error));
    if (isFailedUpdate({ goal, state: app.state, step, error })) {
      return await this.#afterFailedUpdate(context, { step, error });
    }
    if (app.former === "inUse" && isPulling(step)) return await this.#afterFailedRename(context, failure);
    health.recordError(error);
    const ofRelease = { kind: "transition", step, error, wasKilled } as const;
    if (watch.blamesRelease(ofRelease)) {
      const rollBack = watch.rollBack(app, { request, failure: ofRelease });
      if (rollBack !== undefined) {
        if (exitCode !== undefined) await channels.showExit(app, exitCode, job.signal);
        return rollBack;
      }
    }
    await reporter.announce(app, "FAILED", job.signal);
    // Studio learns from the rule which port could not be had.
    if (hasCode(error, "port_in_use")) await this.#deps.preparation.prepare(app, { request }, job.signal);
    // A long log takes its time, so it comes after the report of the failure.
    if (exitCode !== undefined) await channels.showExit(app, exitCode, job.signal);
    const isRefused = hasCode(error, "not_available");
    const leftAloneMs = hasCode(error, "left_alone") ? workJournal.leftAloneMs(app.id) : undefined;
    if (leftAloneMs !== undefined) health.scheduleRetryIn(leftAloneMs);
    else if (app.id.stage === "PROD" && isConfigurationError(step, error)) watch.scheduleSlowRetry(app);
    else if (app.id.stage === "PROD" && !isRefused) {
      watch.scheduleRetry(app, { isDownload: isFailedDownload({ step, error }) });
    }
    const following = this.#deps.next(context, { onlyIfRequested: true });
    if (following === undefined && isRefused && wasGone) this.forget(app);
    return following;
  }

  /**
   * What runs under the earlier name was not touched: its image is as good as the one that cannot be had, and without
   * it the app stays what it was until the next try.
   */
  async #afterFailedRename(
    context: AttemptContext,
    { goal, step, error }: AttemptFailure,
  ): Promise<Attempt | undefined> {
    const { watch } = this.#deps;
    const { app, attempt: { request, mayUseFormerImage = false } } = context;
    if (!mayUseFormerImage && (goal === "run" || goal === "install")) {
      return { request, why: "followUp", mayUpdate: false, forced: { goal }, mayUseFormerImage: true };
    }
    watch.scheduleRetry(app, { isDownload: isFailedDownload({ step, error }) });
    return await this.#keepInstalled(context, { onlyIfRequested: true });
  }

  /** Nothing of the app is on the device, and nothing will be done for it: anybody may ask for apps that never were. */
  forget(app: LiveApp): void {
    this.#deps.reporter.forget(app);
    this.#deps.channels.retire(app);
  }

  /** The running container was not touched. */
  async #afterFailedUpdate(
    context: AttemptContext,
    { step, error }: { step: Step | undefined; error: unknown },
  ): Promise<Attempt | undefined> {
    const { channels, health, watch, skipVersion, pauseOf } = this.#deps;
    const { app, attempt: { request: { newestVersion } } } = context;
    this.#dropSwitch(app);
    skipVersion(newestVersion);
    const isDownload = isFailedDownload({ step, error });
    if (isConfigurationError(step, error)) watch.scheduleSlowRetry(app);
    else {
      const { delayMs } = isDownload ? health.scheduleDownload(pauseOf(app)) : health.scheduleRetry();
      channels.say(app, updateRetryText(newestVersion, delayMs));
    }
    return await this.#keepInstalled(context);
  }

  /**
   * What stays stored on a full disk names the installed version as the fallback, which is true; the next update
   * replaces it.
   */
  #dropSwitch(app: LiveApp): void {
    try {
      this.#deps.records.updates.dropSwitch(app.id);
    } catch (error) {
      this.#deps.log.warn("Cannot forget an update that does not take place", { app: app.appName, error });
    }
  }

  /** An update or a new name has come to nothing: the app stays what it was. */
  async #keepInstalled(
    context: AttemptContext,
    options: { onlyIfRequested: boolean } = { onlyIfRequested: false },
  ): Promise<Attempt | undefined> {
    const { reporter, observeApp, next } = this.#deps;
    const { job, app } = context;
    const observed = await observeApp(app, job.signal);
    await reporter.announce(
      app,
      correctedState(app.state, observed, { compose: this.#deps.composeOf(app) }),
      job.signal,
    );
    return next(context, options);
  }
}
