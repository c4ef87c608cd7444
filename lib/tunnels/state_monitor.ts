/** Tells Studio about the states of the tunnels whenever they have changed, and again until it has heard. */

import type { Clock } from "../async/clock.ts";
import { textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { fingerprint, type TunnelState } from "./tunnel_status.ts";

/** What a monitor needs. */
export interface StateMonitorDeps {
  /** Undefined while there is nothing to say, because the client is being started. Throws when it answers badly. */
  read(signal: AbortSignal): Promise<TunnelState[] | undefined>;
  /** Throws when Studio cannot be told. */
  publish(states: TunnelState[]): Promise<void>;
  clock: Clock;
  log: Log;
}

const lookMs = 10_000;

/** Looks at the states every ten seconds, and when it is asked to. */
export class StateMonitor {
  readonly #deps: StateMonitorDeps;
  #told: string | undefined = "";
  #wanted = false;
  #wake: AbortController | undefined;

  constructor(deps: StateMonitorDeps) {
    this.#deps = deps;
  }

  /** Has the states told soon, changed or not. Calls that come together are one. */
  publishSoon(): void {
    this.#wanted = true;
    this.#wake?.abort();
  }

  /** Goes on until `signal` is aborted. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#look(signal);
      if (this.#wanted) continue;
      this.#wake = new AbortController();
      // Either signal only ends the wait.
      await this.#deps.clock.sleep(lookMs, AbortSignal.any([this.#wake.signal, signal])).catch(() => {});
      this.#wake = undefined;
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { read, publish, log } = this.#deps;
    const isWanted = this.#wanted;
    this.#wanted = false;
    try {
      const states = await read(signal);
      if (states === undefined) {
        if (isWanted) this.#told = undefined;
        return;
      }
      const seen = fingerprint(states);
      if (seen === this.#told && !isWanted) return;
      // Forgotten while it is not known whether Studio has heard.
      this.#told = undefined;
      await publish(states);
      this.#told = seen;
    } catch (error) {
      this.#told = undefined;
      if (!signal.aborted) log.debug("Cannot tell the states of the tunnels", { error: textOf(error) });
    }
  }
}
