/** Has one status report at a time on its way, so that an older one never replaces a newer one at Studio. */

import type { Clock } from "../async/clock.ts";
import { AgentError } from "../base/errors.ts";
import { Semaphore } from "../async/semaphore.ts";

/** How long a report waits for the one before: the time between two heartbeats. */
export const turnLimitMs = 30_000;

/** The turns of all reports. Those of one connection do not wait for those of the one before. */
export class PushTurns {
  readonly #clock: Pick<Clock, "sleep">;
  #turn = new Semaphore(1);

  constructor({ clock }: { clock: Pick<Clock, "sleep"> }) {
    this.#clock = clock;
  }

  /** A new connection is up. */
  beginConnection(): void {
    this.#turn = new Semaphore(1);
  }

  /**
   * Does `push` when nothing else is being pushed. Throws `busy` when that takes longer than 30 s, `canceled`, and what
   * `push` throws.
   */
  async run(push: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const limit = new AbortController();
    const begun = new AbortController();
    const waiting = this.#clock.sleep(turnLimitMs, AbortSignal.any([signal, begun.signal])).then(
      () => limit.abort(),
      () => {
        // It has begun, or nobody waits any more.
      },
    );
    const begin = () => {
      begun.abort();
      return push();
    };
    try {
      await this.#turn.run(begin, AbortSignal.any([signal, limit.signal]));
    } catch (error) {
      if (!limit.signal.aborted || signal.aborted) throw error;
      throw new AgentError("busy", "previous device status update still in flight");
    } finally {
      begun.abort();
      await waiting;
    }
  }
}
