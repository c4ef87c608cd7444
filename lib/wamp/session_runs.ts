/** Runs the work that follows each new session, one run at a time: a newer session ends the run of the older one. */

import type { Clock } from "../async/clock.ts";
import { isCanceled, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Session } from "./session.ts";

/** Work on a fresh session. `signal` ends when the session does. */
export type OnSession = (session: Session, options: { isReconnect: boolean; signal: AbortSignal }) => Promise<void>;

/** How long a run may take to end after its signal did; a run that ignores it must not keep the device offline. */
const yieldLimitMs = 5_000;

/** Invariant: a run begins only after the one before it has ended or was given up on. */
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

  /** Ends the run of the older session and begins one for this. Returns at once. */
  begin(session: Session): void {
    const before = this.#current;
    before?.controller.abort();
    const controller = new AbortController();
    const options = { isReconnect: this.#count > 0, signal: controller.signal };
    this.#count += 1;
    const done = this.#waitFor(before?.done).then(() => this.#run(session, options));
    this.#current = { controller, done };
    session.closed.then(() => controller.abort());
  }

  /** Ends the current run and waits for it, within bounds. */
  async end(): Promise<void> {
    this.#current?.controller.abort();
    await this.#waitFor(this.#current?.done);
  }

  async #waitFor(run: Promise<void> | undefined): Promise<void> {
    if (run === undefined) return;
    const given = new AbortController();
    const timedOut = this.#clock.sleep(yieldLimitMs, given.signal).then(
      () => this.#log.error("The work of an older session does not end; going on beside it"),
      () => {}, // Canceled: the run ended in time.
    );
    await Promise.race([run, timedOut]);
    given.abort();
    await timedOut;
  }

  async #run(session: Session, options: { isReconnect: boolean; signal: AbortSignal }): Promise<void> {
    if (options.signal.aborted) return;
    try {
      await this.#work(session, options);
    } catch (error) {
      if (isCanceled(error) || options.signal.aborted) {
        this.#log.debug("The work of a session was cut short", { error });
      } else this.#log.error("The work of a session failed", { error: textOf(error) });
    }
  }
}
