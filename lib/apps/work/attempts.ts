/** Does what a request asks for, and everything that follows from it, within one job. */

import type { AppId, AppRequest } from "../../model/app.ts";
import type { Clock } from "../../async/clock.ts";
import { noRecorder, type Recorder } from "../../base/recorder.ts";
import { adoptsState, decide, type Decision, isReached, isUpdateInVain } from "../plan/decide.ts";
import { hasFailed, mayUpdateTo } from "../plan/rollback.ts";
import type { Goal, Step } from "../plan/steps.ts";
import { noReleaseText } from "../plan/texts.ts";
import { isGone, type LiveApp } from "../state/live_app.ts";
import type { ObservedApp } from "../state/observed_app.ts";
import type { AppsDeps } from "../dependencies.ts";
import type { AppTools } from "./app_tools.ts";
import type { Attempt, AttemptContext } from "./attempt.ts";
import { AttemptEndings, type AttemptEndingsDeps } from "./attempt_endings.ts";
import type { Job } from "./job.ts";
import { noToken, type RegistryToken } from "./registry_tokens.ts";
import { runTransition } from "./transition.ts";

/** What attempts are made with. */
export interface AttemptsDeps
  extends Omit<AttemptEndingsDeps, "next" | "skipVersion">, Pick<AppTools, "executors" | "tokens"> {
  tunnels: Pick<AppsDeps["tunnels"], "publishStates">;
  /** True while the disk is too full to work. */
  isEmergency(): boolean;
  /** Measures transitions; nothing does without it. */
  recorder?: Recorder;
  clock: Clock;
}

/** Attempts in a row without a new request; only a mistake in the program reaches this. */
const attemptLimit = 20;

/** The attempts of one app. Callers ensure that one method at a time runs. */
export class Attempts {
  readonly #id: AppId;
  readonly #deps: AttemptsDeps;
  readonly #endings: AttemptEndings;
  /** An update that was canceled or has failed is left alone until Studio asks again or a retry is due. */
  #skippedVersion = "";

  constructor(id: AppId, deps: AttemptsDeps) {
    this.#id = id;
    this.#deps = deps;
    this.#endings = new AttemptEndings({
      ...deps,
      next: (context, options) => this.#next(context, options),
      skipVersion: (version) => this.#skippedVersion = version,
    });
  }

  /** Studio asks again: earlier failures do not count, and no retry is due. */
  forgetFailures(): void {
    this.#skippedVersion = "";
    this.#deps.health.forgetFailures();
  }

  /** Brings ports and files of the app in line with its request, and does nothing else. */
  async syncPorts(job: Job): Promise<void> {
    const { records, preparation } = this.#deps;
    const app = records.find(this.#id);
    const request = records.request(this.#id);
    if (app !== undefined && request !== undefined) await preparation.prepare(app, { request }, job.signal);
  }

  /** Makes an attempt and all that follow from it. Throws when not even a failure could be recorded. */
  async run(job: Job, first: Attempt): Promise<void> {
    let attempt: Attempt | undefined = first;
    for (let count = 0; attempt !== undefined && count < attemptLimit; count += 1) {
      attempt = await this.#make(job, attempt);
      // Studio may send requests for as long as it likes, each in the last moment of an attempt.
      if (attempt?.isRequested || attempt?.why === "interruption") count = 0;
    }
    if (attempt !== undefined) this.#deps.log.error("Gave up on an app after too many attempts", { ...this.#id });
  }

  async #make(job: Job, attempt: Attempt): Promise<Attempt | undefined> {
    const app = this.#deps.records.find(this.#id);
    if (app === undefined) return undefined;
    const context: AttemptContext = { job, app, attempt };
    try {
      return await this.#decideAndAct(context);
    } catch (error) {
      if (job.signal.aborted) return await this.#endings.afterInterruption(context);
      return await this.#endings.afterFailure(context, { error });
    } finally {
      job.step = undefined;
    }
  }

  async #decideAndAct(context: AttemptContext): Promise<Attempt | undefined> {
    const { job, app, attempt: { request, forced, why, mayUpdate } } = context;
    const { records, reporter, executors, isEmergency } = this.#deps;
    if (forced !== undefined) {
      const token = this.#deps.tokens.onDemand(request, job.signal);
      return await this.#transition(context, { goal: forced.goal, token });
    }
    // A cancellation that comes too late needs no download.
    const isCancellation = why === "interruption" || request.cancelTransition;
    if (!isCancellation) await this.#prepare(context);
    const observed = await this.#observedOf(context);
    const update = records.updates.find(app.id);
    const isUpdateAllowed = mayUpdate && mayUpdateTo(request.newestVersion, { update });
    if (isUpdateInVain(app, { request, update })) this.#cancelUpdate(app, request);
    const decision = decide(app, request, { mayUpdate: isUpdateAllowed, isEmergency: isEmergency() });
    const token = isCancellation ? noToken : await this.#tokenFor(context, decision);
    switch (decision.kind) {
      case "nothing": {
        const following = this.#next(context, { onlyIfRequested: true });
        if (following === undefined && isGone(app.state)) this.#endings.forget(app);
        return following;
      }
      case "noAction": {
        this.#deps.sayLeftOut(app, request);
        await reporter.announce(app, app.state, job.signal);
        this.#deps.tunnels.publishStates();
        const isTidy = observed !== undefined && app.former === undefined && observed.project === undefined &&
          observed.tags.every((tag) => tag === app.version);
        if (!isTidy) await executors.tidy(app, { request, observed }, job.signal);
        return this.#next(context, { onlyIfRequested: true });
      }
      case "refuse":
        return await this.#endings.afterFailure(context, { error: decision.error });
      case "go":
        this.#adoptRelease(app, request);
        return await this.#transition(context, { goal: decision.goal, token });
    }
  }

  /** What an app has under earlier names is never known from before. */
  async #observedOf({ job, app, attempt }: AttemptContext): Promise<ObservedApp | undefined> {
    const isMoved = app.former !== undefined && app.id.stage === "PROD";
    return isMoved ? await this.#deps.observeApp(app, job.signal) : attempt.observed;
  }

  /** Studio goes on asking for an update until it hears that there will be none. */
  #cancelUpdate(app: LiveApp, { newestVersion }: AppRequest): void {
    const isFirst = app.updateStatus !== "canceled";
    app.updateStatus = "canceled";
    if (isFirst && newestVersion.trim() === "") this.#deps.channels.say(app, noReleaseText);
  }

  /** Updates files and ports, and takes over the version that Studio knows to be installed. */
  async #prepare({ job, app, attempt: { request, why, observed } }: AttemptContext): Promise<void> {
    const { reporter, preparation, records } = this.#deps;
    if (why === "request" && request.current !== undefined && adoptsState(app, request)) app.state = request.current;
    await preparation.prepare(app, { request, observed }, job.signal);
    const known = request.presentVersion;
    // Studio may not have heard yet of an update that went through, or of a release that has failed here.
    const isOutdated = request.requestUpdate && request.newestVersion === app.version;
    if (known === "" || known === app.version || isOutdated || hasFailed(known, records.updates.find(app.id))) return;
    reporter.setVersion(app, { version: known });
  }

  /** An app that is as it should be needs no token, and an attempt that follows from another fetches it when needed. */
  async #tokenFor({ job, attempt: { request, why } }: AttemptContext, decision: Decision): Promise<RegistryToken> {
    const { tokens } = this.#deps;
    if (why === "followUp") return tokens.onDemand(request, job.signal);
    if (decision.kind !== "go" && why !== "request") return noToken;
    return await tokens.fetch(request, job.signal);
  }

  /** A first install takes the release of the request; nothing of an earlier life of the app counts. */
  #adoptRelease(app: LiveApp, request: AppRequest): void {
    const version = app.version || request.newestVersion || request.version;
    if (isGone(app.state)) {
      app.updateStatus = "";
      this.#deps.reporter.setVersion(app, { version, releaseKey: request.releaseKey });
    } else if (version !== app.version) this.#deps.reporter.setVersion(app, { version });
  }

  async #transition(
    context: AttemptContext,
    { goal, token }: { goal: Goal; token: RegistryToken },
  ): Promise<Attempt | undefined> {
    const { executors, clock, log, recorder = noRecorder } = this.#deps;
    const { job, app, attempt: { request, forced, why, mayUseFormerImage = why === "boot" } } = context;
    log.info("Transition begins", { app: app.appName, ...app.id, from: app.state, goal });
    const reason = forced?.goal === "rollBack" ? forced.reason : "";
    using executor = executors.create(app, { goal, request, token, reason, mayUseFormerImage });
    const onStep = (step: Step) => job.step = step;
    const about = {
      "reagent.app.name": app.appName,
      "reagent.app.key": app.id.appKey,
      "reagent.app.stage": app.id.stage,
    };
    const ending = await recorder.record({ kind: "transition", name: goal, about }, async (fail) => {
      const ended = await runTransition(goal, executor, { signal: job.signal, clock, log, recorder, onStep });
      if (ended.kind !== "reached") fail(ended.kind);
      return ended;
    });
    log.info("Transition ended", { app: app.appName, ...app.id, in: app.state, goal, ending: ending.kind });
    try {
      switch (ending.kind) {
        case "reached":
          return await this.#endings.afterSuccess(context);
        case "canceled":
          return await this.#endings.afterInterruption(context);
        case "exited":
        case "failed":
          return await this.#endings.afterFailure(context, { goal, ...ending });
      }
    } finally {
      this.#deps.tunnels.publishStates();
    }
  }

  /** What is left to do, by what Studio wants now. `onlyIfRequested`: only if a request came during the attempt. */
  #next(
    { job, attempt }: AttemptContext,
    { onlyIfRequested }: { onlyIfRequested: boolean },
  ): Attempt | undefined {
    const { records, isEmergency } = this.#deps;
    const isRequested = job.hasNewRequest;
    job.hasNewRequest = false;
    if (onlyIfRequested && !isRequested) return undefined;
    const app = records.find(this.#id);
    const request = records.request(this.#id);
    // After a removal nothing is left to be done.
    if (app === undefined || request === undefined || isReached(app)) return undefined;
    const mayUpdate = (attempt.mayUpdate || isRequested) && this.#mayUpdateTo(request.newestVersion);
    const { kind } = decide(app, request, { mayUpdate, isEmergency: isEmergency() });
    // A request that changes nothing but ports is one, too; also one that does not know those that were found.
    const hasOtherPorts = isRequested && JSON.stringify(request.ports) !== JSON.stringify(attempt.request.ports);
    const isLeft = kind === "go" || kind === "refuse" || (kind === "noAction" && hasOtherPorts);
    return isLeft ? { request, why: "followUp", mayUpdate, isRequested } : undefined;
  }

  #mayUpdateTo(version: string): boolean {
    const update = this.#deps.records.updates.find(this.#id);
    return mayUpdateTo(version, { update, skippedVersion: this.#skippedVersion });
  }
}
