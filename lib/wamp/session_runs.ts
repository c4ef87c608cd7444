/**
 * Runs the work that every new session begins with, one run at a time: a newer session aborts the run of the older
 * one.
 */

import type { Clock } from "../async/clock.ts";
import { isCanceled, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Session } from "./session.ts";

/** Work on a new session. `signal` is aborted when the session ends. */
export type OnSession = (session: Session, options: { isReconnect: boolean; signal: AbortSignal }) => Promise<void>;

/** How long an aborted run may take to end; one that ignores its signal must not keep the client offline. */
const abortLimitMs = 5_000;

/** Invariant: a run begins only after the one before it has ended or its time to end has passed. */
export class SessionRuns {
  readonly #work: OnSession;
  readonly #clock: Clock;
  readonly #log: Log;
  #current: { controller: AbortController; done: Promise<void> } | undefined;
  #count = 0;

  constructor(options: { work: OnSession; clock: Clock; log: Log }) {
    this.#work = options.work;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** Aborts the run of the older session and begins one for this session. Returns at once. */
  begin(session: Session): void {
    const previous = this.#current;
    previous?.controller.abort();
    const controller = new AbortController();
    const options = { isReconnect: this.#count > 0, signal: controller.signal };
    this.#count += 1;
    const done = this.#waitFor(previous?.done).then(() => this.#run(session, options));
    this.#current = { controller, done };
    session.closed.then(() => controller.abort());
  }

  /** Aborts the current run and waits for it, five seconds at most. */
  async end(): Promise<void> {
    this.#current?.controller.abort();
    await this.#waitFor(this.#current?.done);
  }

  async #waitFor(run: Promise<void> | undefined): Promise<void> {
    if (run === undefined) return;
    const ended = new AbortController();
    const timedOut = this.#clock.sleep(abortLimitMs, ended.signal).then(
      () => this.#log.error("The work of an older session does not end; the next one starts anyway"),
      () => {}, // Canceled: the run ended in time.
    );
    await Promise.race([run, timedOut]);
    ended.abort();
    await timedOut;
  }

  async #run(session: Session, options: { isReconnect: boolean; signal: AbortSignal }): Promise<void> {
    if (options.signal.aborted) return;
    try {
      await this.#work(session, options);
    } catch (error) {
      if (isCanceled(error) || options.signal.aborted) {
        this.#log.debug("The work of a session was aborted", { error });
      } else this.#log.error("The work of a session failed", { error: textOf(error) });
    }
  }
}
