/**
 * What systemd learns of the agent when it runs as a service: that it is ready, that it is still healthy, that it ends.
 * Loaded only then.
 */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { isCanceled, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { NotifySocket } from "../host/notify_socket.ts";

/** What is told, and of whom. */
export interface SupervisionOptions {
  /** The value of `NOTIFY_SOCKET`. */
  address: string;
  /** The value of `WATCHDOG_USEC`, if there is one. */
  watchdogMicroseconds: string | undefined;
  /** Where a socket may be made. */
  folders: readonly string[];
  /** Throws when the agent had better be started again. */
  checkHealth(): void;
  /** One line for `systemctl status`. */
  describe(): string;
  clock: Clock;
  log: Log;
}

/** Ends with the telling that the agent ends. */
export type Supervision = AsyncDisposable;

/** A watchdog that is fed three times within its time survives two late timers. */
const feedsPerLimit = 3;

/** A systemd that does not read what it is told must not hold the agent up. */
const tellLimitMs = 2_000;

/** How often a watchdog must be fed, in milliseconds; undefined when there is none. Pure. */
export function feedEveryMs(watchdogMicroseconds: string | undefined): number | undefined {
  if (watchdogMicroseconds === undefined || !/^\d{1,15}$/.test(watchdogMicroseconds)) return undefined;
  const limitMs = Number(watchdogMicroseconds) / 1_000;
  return limitMs > 0 ? Math.max(1, Math.floor(limitMs / feedsPerLimit)) : undefined;
}

/**
 * Reports the agent as ready, and feeds the watchdog from the agent's event loop until it is disposed, as long as
 * `checkHealth()` does not throw. Without a watchdog only the line for people is kept up to date. Never throws: what
 * cannot be told is logged, and systemd then does what it does without an answer.
 */
export function superviseAgent(options: SupervisionOptions): Supervision {
  const { address, folders, log } = options;
  let socket: NotifySocket;
  try {
    socket = NotifySocket.open(address, { folders });
  } catch (error) {
    log.error("Cannot report to systemd", { error });
    return { [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const life = new AbortController();
  const feeding = new Feeder(options, socket).run(life.signal);
  log.debug("Reporting to systemd", { feedEveryMs: feedEveryMs(options.watchdogMicroseconds) });
  return {
    [Symbol.asyncDispose]: async () => {
      if (life.signal.aborted) return;
      life.abort();
      await feeding;
      await tell(socket, { log }, "STOPPING=1", "STATUS=Ending");
      socket[Symbol.dispose]();
    },
  };
}

/** Without a watchdog the line for people need not be newer. */
const describeEveryMs = 30_000;

class Feeder {
  readonly #options: SupervisionOptions;
  readonly #socket: NotifySocket;
  #wasHealthy = true;

  constructor(options: SupervisionOptions, socket: NotifySocket) {
    this.#options = options;
    this.#socket = socket;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, describe, watchdogMicroseconds } = this.#options;
    const everyMs = feedEveryMs(watchdogMicroseconds);
    let said = describe();
    await tell(this.#socket, this.#options, "READY=1", `STATUS=${said}`);
    try {
      for (;;) {
        await clock.sleep(everyMs ?? describeEveryMs, signal);
        const line = describe();
        const assignments = [
          ...everyMs !== undefined && this.#isHealthy() ? ["WATCHDOG=1"] : [],
          ...line === said ? [] : [`STATUS=${line}`],
        ];
        said = line;
        if (assignments.length > 0) await tell(this.#socket, this.#options, ...assignments);
      }
    } catch (error) {
      if (!isCanceled(error)) this.#options.log.error("No longer reporting to systemd", { error });
    }
  }

  #isHealthy(): boolean {
    const { checkHealth, log } = this.#options;
    try {
      checkHealth();
      this.#wasHealthy = true;
    } catch (error) {
      if (this.#wasHealthy) log.error("The agent is not healthy; the watchdog is not fed", { error });
      this.#wasHealthy = false;
    }
    return this.#wasHealthy;
  }
}

async function tell(
  socket: NotifySocket,
  { log }: Pick<SupervisionOptions, "log">,
  ...assignments: readonly string[]
): Promise<void> {
  try {
    await within(tellLimitMs, () => socket.send(...assignments), { what: "Reporting to systemd" });
  } catch (error) {
    log.warn("Cannot report to systemd", { error: textOf(error) });
  }
}
