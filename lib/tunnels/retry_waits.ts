/** Waits until what could not be done is tried again: longer each time, and one wait for each key. */

import type { Clock } from "../async/clock.ts";
import { rebuildDelayMs } from "./tunnel_plan.ts";

/** What the waits work with. */
export interface RetryWaitsDeps {
  /** False while a try would be in vain. */
  isReady(): boolean;
  /** Takes over a promise that nobody waits for, and whatever it rejects with. */
  keep(task: Promise<void>): void;
  clock: Pick<Clock, "sleep">;
}

/** Waits by key. */
export class RetryWaits<Key> {
  readonly #deps: RetryWaitsDeps;
  /** Of waits that follow each other, how many there were, and what ends the last. */
  readonly #waits = new Map<Key, { count: number; end: AbortController }>();

  constructor(deps: RetryWaitsDeps) {
    this.#deps = deps;
  }

  /** Calls `again` after a while, and again and again until the wait is ended. */
  begin(key: Key, again: () => void): void {
    this.end(key);
    const count = (this.#waits.get(key)?.count ?? 0) + 1;
    const end = new AbortController();
    this.#waits.set(key, { count, end });
    this.#deps.keep(this.#wait(again, { count, signal: end.signal }));
  }

  /** Ends the wait; another one that follows is longer. */
  end(key: Key): void {
    this.#waits.get(key)?.end.abort();
  }

  /** Ends the wait, and the next one is a first one. */
  forget(key: Key): void {
    this.end(key);
    this.#waits.delete(key);
  }

  /** Ends all waits. */
  stop(): void {
    for (const { end } of this.#waits.values()) end.abort();
  }

  async #wait(again: () => void, { count, signal }: { count: number; signal: AbortSignal }): Promise<void> {
    const { isReady, clock } = this.#deps;
    for (let tries = count; !signal.aborted; tries += isReady() ? 1 : 0) {
      try {
        await clock.sleep(rebuildDelayMs(tries), signal);
      } catch {
        // The wait was ended.
        return;
      }
      if (isReady()) again();
    }
  }
}
