/** Ends terminals that nobody watches any more: a browser that is closed stops nothing. */

import type { Clock } from "../async/clock.ts";
import { textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { TerminalSession } from "./terminal_session.ts";

/** What the reaper works with. */
export interface ReaperDeps {
  clock: Clock;
  log: Log;
  life: AbortSignal;
}

const everyMs = 30_000;

/** Watches while there are terminals. */
export class Reaper {
  readonly #deps: ReaperDeps;
  readonly #watched = new Map<TerminalSession, { limitMs: number; seenAt: number }>();
  #isRunning = false;

  constructor(deps: ReaperDeps) {
    this.#deps = deps;
  }

  /** Ends the terminal once nobody has been subscribed to its output for `limitMs`. */
  watch(session: TerminalSession, { limitMs }: { limitMs: number }): void {
    this.#watched.set(session, { limitMs, seenAt: this.#deps.clock.now() });
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#run().catch((error) => this.#deps.log.debug("Terminals are not watched any more", { error: textOf(error) }));
  }

  async #run(): Promise<void> {
    const { clock, life } = this.#deps;
    try {
      while (this.#watched.size > 0) {
        await clock.sleep(everyMs, life);
        await Promise.all([...this.#watched.keys()].map((session) => this.#look(session)));
      }
    } finally {
      this.#isRunning = false;
    }
  }

  async #look(session: TerminalSession): Promise<void> {
    const watched = this.#watched.get(session);
    if (session.isEnded || watched === undefined) {
      this.#watched.delete(session);
      return;
    }
    // Whatever is no clear answer counts as somebody: a router that cannot be asked must not end any work.
    if (!session.isStarted || await session.isWatched() !== "no") watched.seenAt = this.#deps.clock.now();
    if (this.#deps.clock.now() - watched.seenAt < watched.limitMs) return;
    this.#watched.delete(session);
    await session.end("nobody watches");
  }
}
