/** Does one thing at a time for an app, and loses nothing that is asked for meanwhile. */

import type { AppId, AppRequest } from "../../model/app.ts";
import { within } from "../../async/deadline.ts";
import { decide, interrupts } from "../plan/decide.ts";
import { mayUpdateTo } from "../plan/rollback.ts";
import type { ObservedApp } from "../state/observed_app.ts";
import { Health, type HealthDeps } from "../watch/health.ts";
import { AppWatch, type AppWatchDeps } from "./app_watch.ts";
import { Attempts, type AttemptsDeps } from "./attempts.ts";
import type { Origin } from "./attempt.ts";
import { Job } from "./job.ts";

/** What a worker works with. */
export interface AppWorkerDeps
  extends
    Omit<HealthDeps, "onRetry" | "onProbationOver">,
    Omit<AppWatchDeps, "health">,
    Omit<AttemptsDeps, "health" | "watch"> {
  /** Called when the worker has nothing to do any more. */
  onIdle(worker: AppWorker): void;
  /** Ends with the agent. */
  life: AbortSignal;
}

/** How long an interrupted job may take to end. */
const endLimitMs = 60_000;

/**
 * The worker of one app; it may outlive the app's object.
 *
 * - One job at a time. What is asked for during a job is stored by the caller, and done by the job or right after it.
 * - Whatever happens within a job, the job ends.
 */
export class AppWorker {
  readonly id: AppId;
  readonly #deps: AppWorkerDeps;
  readonly #health: Health;
  readonly #watch: AppWatch;
  readonly #attempts: Attempts;
  #job: Job | undefined;
  #jobEnd: Promise<void> = Promise.resolve();
  /** When something was last done with the app, on the clock. Earlier observations of it do not count any more. */
  #doneAtMs = -Infinity;
  /** A look that came during a job, for after the job. */
  #missedLook: { isReturn: boolean } | undefined;
  /** Callers of `replace()` that have not got their turn. */
  #replacing = 0;

  constructor(id: AppId, deps: AppWorkerDeps) {
    this.id = id;
    this.#deps = deps;
    const health = this.#health = new Health(id, {
      ...deps,
      onRetry: () => this.#retry(),
      onProbationOver: () => deps.keep(this.look({ isReturn: false })),
    });
    const watch = this.#watch = new AppWatch(id, { ...deps, health });
    this.#attempts = new Attempts(id, { ...deps, health, watch });
  }

  /**
   * Acts on a stored request and resolves when everything that follows from it is done. During another job it resolves
   * at once: it interrupts that job or leaves the request to it. `observed` saves an observation. Never throws.
   */
  async act(
    request: AppRequest,
    { origin, observed }: { origin: Origin; observed?: (ObservedApp & { takenAtMs: number }) | undefined },
  ): Promise<void> {
    if (origin === "request" || origin === "sync") this.#attempts.forgetFailures();
    const job = this.#job;
    if (job === undefined) {
      const known = observed !== undefined && this.#isFresh(observed) ? { observed } : {};
      await this.#runJob((own) => {
        return this.#attempts.run(own, { request, why: origin, mayUpdate: origin !== "boot", ...known });
      });
      return;
    }
    // The running job decides by itself how to go on.
    if (origin === "retry") return;
    job.hasNewRequest = true;
    const app = this.#deps.records.find(this.id);
    if (app !== undefined && interrupts(app, { request, step: job.step })) job.interrupt(request);
  }

  /** Starts the app again if it runs and nothing is being done with it. Never throws. */
  async restart(): Promise<void> {
    const { records } = this.#deps;
    const request = records.request(this.id);
    if (this.#job !== undefined || request === undefined || records.find(this.id)?.state !== "RUNNING") return;
    await this.#runJob((job) => {
      return this.#attempts.run(job, { request, why: "sync", mayUpdate: false, forced: { goal: "run" } });
    });
  }

  /** Brings the ports of the app in line with its request; a job does that anyway. Never throws. */
  async syncPorts(): Promise<void> {
    if (this.#job !== undefined) return;
    await this.#runJob((job) => this.#attempts.syncPorts(job), { isObservation: true });
  }

  /**
   * Observes the app and acts on what has changed; during a job, after that. `isReturn`: the engine was away, so a
   * failed app is tried at once. Never throws.
   */
  async look(options: { isReturn: boolean }): Promise<void> {
    if (this.#job !== undefined) {
      this.#missedLook = { isReturn: options.isReturn || (this.#missedLook?.isReturn ?? false) };
      return;
    }
    await this.#runJob(async (job) => {
      const next = await this.#watch.observe(job, options);
      if (next !== undefined) await this.#attempts.run(job, next);
    });
  }

  /**
   * Corrects the state of an app that nobody has watched, by what was observed of it at a moment of the clock. The
   * state is left alone when nothing was observed, during a job, and when a job has ended since. `isReported`: reports
   * the state in any case. Never throws.
   */
  async correct(
    observed: ObservedApp | undefined,
    { isReported, takenAtMs }: { isReported: boolean; takenAtMs: number },
  ): Promise<void> {
    if (this.#job !== undefined) {
      if (isReported) await this.#watch.report(this.#deps.life);
      return;
    }
    const known = this.#isFresh({ takenAtMs }) ? observed : undefined;
    await this.#runJob((job) => this.#watch.correct(job, { observed: known, isReported }), { isObservation: true });
  }

  /**
   * Interrupts what is being done and does `work` in its place. Throws whatever `work` throws, and `timeout` when the
   * interrupted job does not end.
   */
  async replace(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#replacing += 1;
    try {
      await this.#endJob();
    } finally {
      this.#replacing -= 1;
    }
    this.#attempts.forgetFailures();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const job = this.#runJob((own) => work(own.signal).then(resolve, reject));
    await Promise.all([promise, job]);
  }

  /** True while nothing is being done, or about to be done. Waits for a retry do not count. */
  get isIdle(): boolean {
    return this.#job === undefined && this.#replacing === 0;
  }

  /** Ends the waits for a retry and for the end of a probation. A job ends with the agent's own signal. */
  stop(): void {
    this.#health.stop();
  }

  async #endJob(): Promise<void> {
    const what = "Waiting for the end of a transition";
    while (this.#job !== undefined) {
      this.#job.end();
      await within(endLimitMs, () => this.#jobEnd, { what, signal: this.#deps.life });
    }
  }

  #isFresh({ takenAtMs }: { takenAtMs: number }): boolean {
    return takenAtMs >= this.#doneAtMs;
  }

  /** `isObservation`: the job does nothing with the app. */
  async #runJob(work: (job: Job) => Promise<void>, { isObservation = false } = {}): Promise<void> {
    const job = this.#job = new Job(this.#deps.life);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#jobEnd = promise;
    try {
      await work(job);
    } catch (error) {
      // The border of a job: no caller could do anything about it.
      if (!job.signal.aborted) this.#deps.log.error("Work on an app failed", { ...this.id, error });
    } finally {
      this.#job = undefined;
      if (!isObservation) this.#doneAtMs = this.#deps.clock.now();
      resolve();
    }
    await this.#goOn(job);
  }

  /** Does what came in the last moment of a job. */
  async #goOn(job: Job): Promise<void> {
    if (this.#deps.life.aborted) return;
    const request = job.hasNewRequest ? this.#deps.records.request(this.id) : undefined;
    if (request !== undefined) return await this.act(request, { origin: "request" });
    const missed = this.#missedLook;
    this.#missedLook = undefined;
    if (missed !== undefined) await this.look(missed);
    else if (this.isIdle) this.#deps.onIdle(this);
  }

  /** Tries a failed app again, unless nothing is left to do for it. A running job is waited for. */
  #retry(): void {
    if (this.#job !== undefined) return this.#health.postponeRetry();
    const { records, keep } = this.#deps;
    const app = records.find(this.id);
    const request = records.request(this.id);
    const update = records.updates.find(this.id);
    const mayUpdate = request !== undefined && mayUpdateTo(request.newestVersion, { update });
    const circumstances = { mayUpdate, isEmergency: false };
    if (app === undefined || request === undefined || decide(app, request, circumstances).kind !== "go") {
      this.#health.forgetFailures();
    } else keep(this.act(request, { origin: "retry" }));
  }
}
