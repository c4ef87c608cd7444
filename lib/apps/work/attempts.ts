/** What is done with an app within its turn: choose, do, and say what follows from how it ended. */

import type { AppId, AppRequest } from "../../model/app.ts";
import type { Clock } from "../../async/clock.ts";
import { hasCode, textOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { StateReporter } from "../report/state_reporter.ts";
import type { AppWatch } from "./app_watch.ts";
import type { ReadyRequest, StepFactory } from "./step_factory.ts";
import { decide, type Decision } from "../plan/decide.ts";
import { correctedState } from "../watch/observed_state.ts";
import { isGone, type LiveApp } from "../state/live_app.ts";
import type { Goal, Step } from "../plan/steps.ts";
import type { AppRecords } from "../state/app_records.ts";
import type { Attempt } from "./attempt.ts";
import { stableTarget } from "../state/transitions.ts";
import { type ObservedApp, soleContainer } from "../state/observed_app.ts";
import { type FailedUpdate, failedUpdate, hasFailed, mayUpdateTo } from "../plan/rollback.ts";
import { cutText, failureText, refusedUpdateText, updateRetryText } from "../plan/texts.ts";
import { runTransition } from "./transition.ts";
import type { Job } from "./job.ts";

/** What rounds are made with. */
export interface AttemptsDeps {
  records: AppRecords;
  reporter: StateReporter;
  bench: StepFactory;
  watch: AppWatch;
  /** True while the disk is too full to work. */
  isEmergency(): boolean;
  clock: Clock;
  log: Log;
}

/** How a round has failed. */
interface Failure {
  round: Attempt;
  goal?: Goal;
  step?: Step | undefined;
  error: unknown;
  /** Set when the app's container has ended. */
  exitCode?: number;
  /** Somebody outside has ended it. */
  wasKilled?: boolean;
}

/** Rounds of one turn that follow from each other, without a new request; nothing but a mistake reaches this. */
const roundLimit = 20;

/** For work that downloads nothing. */
const noToken = { token: () => Promise.resolve("") };

/** The rounds of one app. The caller sees to it that one of these methods at a time runs. */
export class Attempts {
  readonly #id: AppId;
  readonly #parts: AttemptsDeps;
  /** An update that was canceled or has failed is left alone until Studio asks anew or a retry is due. */
  #skippedVersion = "";

  constructor(id: AppId, parts: AttemptsDeps) {
    this.#id = id;
    this.#parts = parts;
  }

  /** Studio asks anew: failures before do not count, and no retry is due. */
  forgetFailures(): void {
    this.#skippedVersion = "";
    this.#parts.watch.forgetFailures();
  }

  /** Does a round and all that follow from it. Throws when not even a failure could be kept. */
  async drive(turn: Job, first: Attempt): Promise<void> {
    let round: Attempt | undefined = first;
    for (let count = 0; round !== undefined && count < roundLimit; count += 1) {
      round = await this.#do(turn, round);
      // Studio may ask for as long as it likes, each time in the last moment of a round.
      if (round?.isAsked || round?.why === "interrupt") count = 0;
    }
    if (round !== undefined) this.#parts.log.error("An app never gets where it should be", { ...this.#id });
  }

  async #do(turn: Job, round: Attempt): Promise<Attempt | undefined> {
    const app = this.#parts.records.find(this.#id);
    if (app === undefined) return undefined;
    try {
      return await this.#doRound(turn, app, round);
    } catch (error) {
      if (turn.signal.aborted) return await this.#afterCut(turn, app, round);
      return await this.#fail(turn, app, { round, error });
    } finally {
      turn.step = undefined;
    }
  }

  async #doRound(turn: Job, app: LiveApp, round: Attempt): Promise<Attempt | undefined> {
    const { reporter, bench, isEmergency } = this.#parts;
    if (round.forced !== undefined) {
      const { goal } = round.forced;
      return await this.#go(turn, app, { round, goal, ...noToken });
    }
    // A cancel that comes too late wants no download.
    const isCancel = round.why === "interrupt" || round.request.cancelTransition;
    if (!isCancel) await this.#makeReady(turn, app, round);
    const mayUpdate = round.mayUpdate &&
      mayUpdateTo(round.request.newestVersion, { update: this.#parts.records.updates.find(app.id) });
    const choice = decide(app, round.request, { mayUpdate, isEmergency: isEmergency() });
    const ready = await this.#loginFor(turn, round, choice);
    switch (choice.kind) {
      case "nothing":
        return this.#next(turn, round, { onlyIfAsked: true });
      case "noAction":
        await reporter.announce(app, app.state, turn.signal);
        if (!this.#isTidy(app, round.observed)) await bench.tidy(app, round.request, turn.signal);
        return this.#next(turn, round, { onlyIfAsked: true });
      case "refuse":
        return await this.#fail(turn, app, { round, error: choice.error });
      case "go":
        this.#adoptRelease(app, round.request);
        return await this.#go(turn, app, { round, goal: choice.goal, ...ready });
    }
  }

  /** Of apps that are as they should be nobody asks for a login, and what follows in a turn waits for none that it may not need. */
  async #loginFor(turn: Job, { request, why }: Attempt, choice: Decision): Promise<Pick<ReadyRequest, "token">> {
    if (why === "interrupt" || request.cancelTransition) return noToken;
    if (why === "later") return this.#parts.bench.lateToken(request, turn.signal);
    return choice.kind === "go" || why === "request"
      ? await this.#parts.bench.fetchToken(request, turn.signal)
      : noToken;
  }

  /** Files, ports, and the version that Studio knows to be installed. */
  async #makeReady(turn: Job, app: LiveApp, { request, observed }: Attempt): Promise<void> {
    const { reporter, bench, records } = this.#parts;
    await bench.prepare(app, { request, published: observed && soleContainer(observed)?.published }, turn.signal);
    const known = request.presentVersion;
    // Studio may not have heard yet of an update that went through, or of a release that has failed here.
    const isLate = request.requestUpdate && request.newestVersion === app.version;
    const isNews = known !== "" && known !== app.version && !isLate && !hasFailed(known, records.updates.find(app.id));
    if (isNews) reporter.setVersion(app, { version: known });
  }

  /** True when it was seen that the app has no image too many. */
  #isTidy(app: LiveApp, observed: ObservedApp | undefined): boolean {
    return observed !== undefined && observed.tags.every((tag) => tag === app.version);
  }

  /** A first install takes what the request names; nothing of an earlier life of the app counts. */
  #adoptRelease(app: LiveApp, request: AppRequest): void {
    const version = app.version || request.newestVersion || request.version;
    if (isGone(app.state)) {
      app.updateStatus = "";
      this.#parts.reporter.setVersion(app, { version, releaseKey: request.releaseKey });
    } else if (version !== app.version) this.#parts.reporter.setVersion(app, { version });
  }

  async #go(
    turn: Job,
    app: LiveApp,
    options: { round: Attempt; goal: Goal; token: ReadyRequest["token"] },
  ): Promise<Attempt | undefined> {
    const { bench, clock, log } = this.#parts;
    const { round, goal, token } = options;
    log.info("Transition begins", { app: app.appName, ...app.id, from: app.state, goal });
    const reason = round.forced?.goal === "rollBack" ? round.forced.reason : "";
    using work = bench.open(app, { request: round.request, token, reason });
    const onStep = (step: Step) => turn.step = step;
    const ending = await runTransition(goal, work, { signal: turn.signal, clock, log, onStep });
    log.info("Transition ended", { app: app.appName, ...app.id, in: app.state, goal, ending: ending.kind });
    switch (ending.kind) {
      case "reached":
        return await this.#afterSuccess(turn, app, round);
      case "canceled":
        return await this.#afterCut(turn, app, round);
      case "exited":
      case "failed":
        return await this.#fail(turn, app, { round, goal, ...ending });
    }
  }

  async #afterSuccess(turn: Job, app: LiveApp, round: Attempt): Promise<Attempt | undefined> {
    const { bench, records, watch } = this.#parts;
    watch.noteState(app);
    if (records.find(this.#id) === undefined) bench.forget(app);
    const next = this.#next(turn, round, { onlyIfAsked: false });
    const request = records.request(this.#id);
    if (next !== undefined || request === undefined) return next;
    // The port of a container that has just been created is known only now.
    await bench.prepare(app, { request }, turn.signal);
    return this.#next(turn, round, { onlyIfAsked: false });
  }

  /** A cut by Studio is never a failure. Without a successor the agent ends, or somebody else takes over. */
  async #afterCut(turn: Job, app: LiveApp, round: Attempt): Promise<Attempt | undefined> {
    const by = turn.takeInterruption();
    if (by === undefined) return undefined;
    const text = cutText(app.state, turn.step);
    turn.step = undefined;
    if (text !== undefined) this.#parts.bench.say(app, text);
    if (app.state === "UPDATING") {
      this.#dropSwitch(app);
      app.updateStatus = "canceled";
      this.#skippedVersion = round.request.newestVersion;
      // What the update was to replace has not been touched.
      if (by.target !== "PRESENT" && !isGone(stableTarget(by.target))) return await this.#keepOld(turn, app, round);
    }
    return { request: by, why: "interrupt", mayUpdate: false };
  }

  /** What a full disk keeps of it names the installed version as the way back, which is true, and goes with the next update. */
  #dropSwitch(app: LiveApp): void {
    try {
      this.#parts.records.updates.dropSwitch(app.id);
    } catch (error) {
      this.#parts.log.warn("Cannot forget an update that does not take place", { app: app.appName, error });
    }
  }

  async #fail(turn: Job, app: LiveApp, failure: Failure): Promise<Attempt | undefined> {
    const { reporter, bench, watch, log } = this.#parts;
    const { round, goal, step, error, exitCode, wasKilled = false } = failure;
    log.error("Transition failed", { app: app.appName, ...app.id, in: app.state, goal, step: step?.kind, error });
    bench.say(app, failureText(step, error));
    const update = failedUpdate({ goal, state: app.state, step, error });
    if (update !== undefined) return await this.#failUpdate(turn, app, { ...failure, update });
    watch.noteError(error);
    const ofRelease = { kind: "transition", step, error, wasKilled } as const;
    if (watch.blamesRelease(ofRelease)) {
      const back = watch.rollBack(app, round.request, ofRelease);
      if (back !== undefined) {
        if (exitCode !== undefined) await bench.showExit(app, exitCode, turn.signal);
        return back;
      }
    }
    await reporter.announce(app, "FAILED", turn.signal);
    // A long log takes its time; nobody waits for it to learn of the failure.
    if (exitCode !== undefined) await bench.showExit(app, exitCode, turn.signal);
    if (app.id.stage === "PROD" && !hasCode(error, "not_available")) watch.sayRetry(app);
    return this.#next(turn, round, { onlyIfAsked: true });
  }

  /** Nothing was touched yet. A release that cannot run here is not tried again; everything else is, later. */
  async #failUpdate(
    turn: Job,
    app: LiveApp,
    { round, error, update }: Failure & { update: FailedUpdate },
  ): Promise<Attempt | undefined> {
    const { bench, records, watch } = this.#parts;
    const { newestVersion, newReleaseKey } = round.request;
    this.#dropSwitch(app);
    if (update === "refuse") {
      bench.say(app, refusedUpdateText({ from: app.version, to: newestVersion }));
      const to = { version: newestVersion, releaseKey: newReleaseKey };
      records.updates.refuse(app, { to, reason: textOf(error) });
      const next = await this.#keepOld(turn, app, round);
      return next ?? { request: round.request, why: "later", mayUpdate: false, forced: { goal: "closeUpdate" } };
    }
    this.#skippedVersion = newestVersion;
    const { delayMs } = watch.planRetry();
    bench.say(app, updateRetryText(newestVersion, delayMs));
    return await this.#keepOld(turn, app, round);
  }

  /** An update has ended before the switch: the app is what it was, and goes on being that. */
  async #keepOld(turn: Job, app: LiveApp, round: Attempt): Promise<Attempt | undefined> {
    const { reporter, bench } = this.#parts;
    const observed = await bench.observe(app, turn.signal);
    await reporter.announce(app, correctedState(app.state, observed), turn.signal);
    return this.#next(turn, round, { onlyIfAsked: false });
  }

  /** What is left to do, by what Studio wants at this moment; only when it was asked since the round began, with `onlyIfAsked`. */
  #next(turn: Job, round: Attempt, options: { onlyIfAsked: boolean }): Attempt | undefined {
    const { records, isEmergency } = this.#parts;
    const { isAskedAnew } = turn;
    turn.isAskedAnew = false;
    if (options.onlyIfAsked && !isAskedAnew) return undefined;
    const app = records.find(this.#id);
    const request = records.request(this.#id);
    // After a removal nothing is left, and nothing is to be done.
    if (app === undefined || request === undefined) return undefined;
    const mayUpdate = (round.mayUpdate || isAskedAnew) && this.#isUpdateWelcome(request);
    const { kind } = decide(app, request, { mayUpdate, isEmergency: isEmergency() });
    return kind === "go" || kind === "refuse" ? { request, why: "later", mayUpdate, isAsked: isAskedAnew } : undefined;
  }

  /** False for a version that was canceled or has failed. */
  #isUpdateWelcome({ newestVersion }: AppRequest): boolean {
    const update = this.#parts.records.updates.find(this.#id);
    return mayUpdateTo(newestVersion, { update, skippedVersion: this.#skippedVersion });
  }
}
