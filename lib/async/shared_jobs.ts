/** Long work that many may ask for: little runs at once, the same is done once for all, and the queue is short. */

import { AgentError } from "../base/errors.ts";
import { orAborted, throwIfAborted } from "./deadline.ts";

/** How much is done at once, and how much may wait. */
export interface SharedJobsOptions {
  /** Completes "Cannot …: too much is waiting already". */
  what: string;
  /** Jobs that run at the same time. */
  atOnce: number;
  /** Jobs that wait for their turn. */
  queueLimit: number;
  /** Callers of one job. */
  callerLimit: number;
}

const waitName = "The wait for a shared job";

/** One job, and how many callers wait for it. */
interface SharedJob<T> {
  key: string;
  result: Promise<T>;
  life: AbortController;
  callers: number;
  /** Its turn has come. */
  begin(): void;
  isRunning: boolean;
}

/**
 * Jobs by their keys.
 *
 * - At most `atOnce` jobs run, and those that wait run in order of arrival.
 * - Callers with the key of a job that waits or runs share it; one that goes away does not end it for the others.
 * - A job that nobody waits for any more is aborted, and the next begins when it has ended.
 */
export class SharedJobs<T> {
  readonly #options: SharedJobsOptions;
  readonly #jobs = new Map<string, SharedJob<T>>();
  readonly #waiting: SharedJob<T>[] = [];
  #running = 0;

  constructor(options: SharedJobsOptions) {
    this.#options = options;
  }

  /**
   * The result of the job with this key; `work` is used when there is none yet. Throws what the work throws, `busy`
   * when too much waits already, and `canceled` when `signal` is aborted.
   */
  async run(key: string, work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    throwIfAborted(signal, waitName);
    const job = this.#jobs.get(key) ?? this.#add(key, work);
    if (job.callers >= this.#options.callerLimit) throw this.#refusal();
    job.callers += 1;
    try {
      return await orAborted(job.result, { what: waitName, signal });
    } finally {
      job.callers -= 1;
      if (job.callers === 0) this.#leave(job);
    }
  }

  #add(key: string, work: (signal: AbortSignal) => Promise<T>): SharedJob<T> {
    const { atOnce, queueLimit } = this.#options;
    if (this.#running >= atOnce && this.#waiting.length >= queueLimit) throw this.#refusal();
    const { promise: turn, resolve: begin } = Promise.withResolvers<void>();
    const life = new AbortController();
    const result = turn.then(() => {
      throwIfAborted(life.signal, waitName);
      return work(life.signal);
    });
    const job: SharedJob<T> = { key, result, life, callers: 0, begin, isRunning: false };
    // Whoever waits gets the error; when nobody does, nobody misses it.
    result.catch(() => {}).finally(() => this.#end(job));
    this.#jobs.set(key, job);
    this.#waiting.push(job);
    this.#beginNext();
    return job;
  }

  #beginNext(): void {
    while (this.#running < this.#options.atOnce) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      job.isRunning = true;
      this.#running += 1;
      job.begin();
    }
  }

  #end(job: SharedJob<T>): void {
    this.#forget(job);
    this.#running -= 1;
    this.#beginNext();
  }

  /** The last caller is gone. A new one must not get the result of a job that is being aborted. */
  #leave(job: SharedJob<T>): void {
    this.#forget(job);
    if (job.isRunning) return job.life.abort();
    const index = this.#waiting.indexOf(job);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  #forget(job: SharedJob<T>): void {
    if (this.#jobs.get(job.key) === job) this.#jobs.delete(job.key);
  }

  #refusal(): AgentError {
    return new AgentError("busy", `Cannot ${this.#options.what}: too much is waiting already`);
  }
}
