/** Watches whether the heartbeats of an agent are late. */

import { beatPauseMs } from "../../lib/system/heartbeat.ts";
import type { Stage } from "./stage.ts";

/** How often is looked. */
const lookMs = 50;

/** Notes when status reports come in, until it is disposed. */
export class Beats implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #watching: Promise<void>;
  #lastMs: number | undefined;
  #longestMs = 0;
  /** How many came. */
  count = 0;

  /** Begins. */
  constructor({ studio, device }: Stage) {
    const reportedAt = () => studio.device(device).reportedAt;
    this.#watching = (async () => {
      let known = reportedAt();
      while (!this.#stop.signal.aborted) {
        await new Promise((resolve) => setTimeout(resolve, lookMs));
        if (reportedAt() === known) continue;
        known = reportedAt();
        this.#take(performance.now());
      }
    })();
  }

  /** How much later than it should the latest one came. */
  get lateMs(): number {
    return Math.max(0, this.#longestMs - beatPauseMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#watching;
  }

  #take(nowMs: number): void {
    if (this.#lastMs !== undefined) this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
    this.count += 1;
  }
}
