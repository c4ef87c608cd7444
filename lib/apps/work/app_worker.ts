/** Sees to it that one thing at a time is done with an app, and that nothing that is asked meanwhile is lost. */

import type { AppId, AppRequest } from "../../model/app.ts";
import { within } from "../../async/deadline.ts";
import { AppWatch, type AppWatchDeps } from "./app_watch.ts";
import { interrupts } from "../plan/decide.ts";
import { Attempts, type AttemptsDeps } from "./attempts.ts";
import type { ObservedApp } from "../state/observed_app.ts";
import { Job } from "./job.ts";

/**
 * Why a request is acted on: Studio asks, a connect brings what it wants anew, the agent has started and must not download, or a failed
 * app is tried again.
 */
export type Origin = "request" | "sync" | "boot" | "retry";

/** What a runner works with. */
export interface AppWorkerDeps extends Omit<AppWatchDeps, "onRetry" | "onProven">, Omit<AttemptsDeps, "watch"> {
  /** Ends with the agent. */
  life: AbortSignal;
}

/** How long something that was cut may take to end. */
const endLimitMs = 60_000;

/**
 * The runner of one app; it outlives the app's object.
 *
 * - One turn at a time. What is asked during a turn is stored by the caller and done before the turn is over, or right after.
 * - Whatever happens within a turn, the turn ends.
 */
export class AppWorker {
  readonly id: AppId;
  readonly #parts: AppWorkerDeps;
  readonly #watch: AppWatch;
  readonly #rounds: Attempts;
  #turn: Job | undefined;
  #turnEnd: Promise<void> = Promise.resolve();
  /** When something was last done with the app, on the clock. What was seen of it before tells nothing any more. */
  #doneAtMs = -Infinity;
  #missedLook: { isReturn: boolean } | undefined;

  constructor(id: AppId, parts: AppWorkerDeps) {
    this.id = id;
    this.#parts = parts;
    this.#watch = new AppWatch(id, {
      ...parts,
      onRetry: (request) => parts.keep(this.act(request, "retry")),
      onProven: () => parts.keep(this.look({ isReturn: false })),
    });
    this.#rounds = new Attempts(id, { ...parts, watch: this.#watch });
  }

  /** True while something is done with the app. */
  get isBusy(): boolean {
    return this.#turn !== undefined;
  }

  /**
   * Acts on a stored request and resolves when all is done that follows from it. While something else is done it cuts that, or
   * leaves itself to it, and resolves at once. `observed` spares it a look at the engine. Never throws.
   */
  async act(request: AppRequest, origin: Origin, observed?: ObservedApp & { takenAtMs: number }): Promise<void> {
    if (origin === "request" || origin === "sync") this.#rounds.forgetFailures();
    const turn = this.#turn;
    if (turn === undefined) {
      const look = observed !== undefined && this.#isFresh(observed) ? { observed } : {};
      await this.#takeTurn((own) => {
        return this.#rounds.drive(own, { request, why: origin, mayUpdate: origin !== "boot", ...look });
      });
      return;
    }
    // What is done now has its own way on.
    if (origin === "retry") return;
    turn.isAskedAnew = true;
    const app = this.#parts.records.find(this.id);
    if (app !== undefined && interrupts(app, request, turn.step)) turn.interrupt(request);
  }

  /**
   * Looks whether the app's container is as it should be, and acts on what has changed; while something is done, after that.
   * `isReturn`: the engine was away, so a failed app is tried at once. Never throws.
   */
  async look(options: { isReturn: boolean }): Promise<void> {
    if (this.#turn !== undefined) {
      this.#missedLook = { isReturn: options.isReturn || (this.#missedLook?.isReturn ?? false) };
      return;
    }
    await this.#takeTurn(async (turn) => {
      const next = await this.#watch.observe(turn, options);
      if (next !== undefined) await this.#rounds.drive(turn, next);
    });
  }

  /**
   * Sets the state of an app that nobody has watched to what was found of it at a moment of the clock. While something is done with
   * the app, or when something was since, its state is left alone, and so it is when nothing was found out. With `isReported` Studio
   * is told the state in any case. Never throws.
   */
  async correct(observed: ObservedApp | undefined, options: { isReported: boolean; takenAtMs: number }): Promise<void> {
    if (this.#turn !== undefined) {
      if (options.isReported) await this.#watch.report(this.#parts.life);
      return;
    }
    const news = this.#isFresh(options) ? observed : undefined;
    await this.#takeTurn((turn) => this.#watch.correct(turn, news, options), { isLook: true });
  }

  /** Cuts what is being done and does `work` in its place. Throws what `work` throws; `timeout` when the cut has no effect. */
  async replace(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const what = "Waiting for the end of a transition";
    while (this.#turn !== undefined) {
      this.#turn.end();
      await within(endLimitMs, () => this.#turnEnd, { what, signal: this.#parts.life });
    }
    this.#rounds.forgetFailures();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const turn = this.#takeTurn((own) => work(own.signal).then(resolve, reject));
    await Promise.all([promise, turn]);
  }

  /** Ends the wait for a retry. What is being done ends with the agent's own signal. */
  stop(): void {
    this.#watch.stop();
  }

  #isFresh({ takenAtMs }: { takenAtMs: number }): boolean {
    return takenAtMs >= this.#doneAtMs;
  }

  /** `isLook`: nothing is done with the app in this turn. */
  async #takeTurn(work: (turn: Job) => Promise<void>, { isLook = false } = {}): Promise<void> {
    const turn = this.#turn = new Job(this.#parts.life);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turnEnd = promise;
    try {
      await work(turn);
    } catch (error) {
      // The border of a turn: nobody above could do anything about it.
      if (!turn.signal.aborted) this.#parts.log.error("Work on an app failed", { ...this.id, error });
    } finally {
      this.#turn = undefined;
      if (!isLook) this.#doneAtMs = this.#parts.clock.now();
      resolve();
    }
    await this.#goOn(turn);
  }

  /** Does what came in the last moment of a turn. */
  async #goOn(turn: Job): Promise<void> {
    if (this.#parts.life.aborted) return;
    const request = turn.isAskedAnew ? this.#parts.records.request(this.id) : undefined;
    if (request !== undefined) return await this.act(request, "request");
    const missed = this.#missedLook;
    this.#missedLook = undefined;
    if (missed !== undefined) await this.look(missed);
  }
}
