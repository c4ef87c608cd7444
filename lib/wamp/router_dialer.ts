/** Dials again and again: waits between dials, and stops waiting when the network of the machine changes. */

import type { Clock } from "../async/clock.ts";
import { hasCode, isCanceled, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { ConnectTimeout } from "./connect_timeout.ts";
import { dial, type DialOutcome, type LinkIdentity, type Testament } from "./dial.ts";
import type { ConnectionMarker } from "./marker.ts";
import { type ProxySettings, readProxySettings } from "./proxy.ts";
import { RedialSchedule } from "./redial_schedule.ts";
import type { Trace } from "./transport.ts";

/** How to dial. */
export interface RouterDialerOptions {
  /** Read again for every dial, so that a changed login or URL takes effect. */
  identity(): LinkIdentity;
  marker: ConnectionMarker;
  testament(sessionId: number): Testament;
  /**
   * All in milliseconds. `connectMs` is the timeout of the first dial and grows while dials time out (0: two minutes);
   * `pingMs` 0 sends no pings; `responseMs` 0 stands for 5000; `askMs` is how long another holder of the marker may
   * take to answer, 3000 when absent.
   */
  timeouts: { connectMs: number; pingMs: number; responseMs: number; askMs?: number };
  /** Bytes of a message to the router; 16 MiB when absent. A larger one is not sent. */
  sendLimitBytes?: number;
  log: Log;
  clock: Clock;
  /** Returns 0 ≤ x < 1. */
  random(): number;
  /** Changes of the machine's own network; watched only while there is no session. */
  networkChanges?(signal: AbortSignal): AsyncIterable<void>;
  /** Read from the environment when absent. */
  proxies?: ProxySettings;
  trace?: Trace;
}

const standardResponseMs = 5_000;
const standardAskMs = 3_000;
// A dial that has been connecting for this long starts again when the network changes.
const staleDialMs = 2_000;

/** The dials of one link. Invariant: at most one socket is being opened. */
export class RouterDialer {
  readonly #options: RouterDialerOptions;
  readonly #proxies: ProxySettings;
  readonly #connectTimeout: ConnectTimeout;
  readonly #schedule: RedialSchedule;
  #wait = new AbortController();
  #connecting: { sinceMs: number; controller: AbortController } | undefined;
  #hasConnected = false;

  constructor(options: RouterDialerOptions) {
    this.#options = options;
    this.#proxies = options.proxies ?? readProxySettings(Deno.env);
    this.#connectTimeout = new ConnectTimeout(options.timeouts.connectMs);
    this.#schedule = new RedialSchedule({ clock: options.clock, random: () => options.random() });
  }

  /** Waits until the next dial is due, and dials. Ends early, with `failed`, when `signal` is aborted. */
  async next(signal: AbortSignal): Promise<DialOutcome> {
    const watching = new AbortController();
    const watch = this.#watchNetwork(AbortSignal.any([watching.signal, signal]));
    try {
      await this.wait(this.#schedule.drawWaitMs(), signal);
      const outcome = await this.#dial(signal);
      if (!signal.aborted) this.#onOutcome(outcome);
      return outcome;
    } finally {
      watching.abort();
      await watch;
    }
  }

  /** Waits; `dialNow()`, a change of the network and `signal` end the wait early. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (ms <= 0 || signal.aborted) return;
    this.#wait = new AbortController();
    try {
      await this.#options.clock.sleep(ms, AbortSignal.any([this.#wait.signal, signal]));
    } catch (error) {
      if (!isCanceled(error)) throw error;
    }
  }

  /** Ends a wait that is going on. */
  dialNow(): void {
    this.#wait.abort();
  }

  /** A session that came from the last dial has ended after so many milliseconds. */
  onSessionEnd(lastedMs: number): void {
    this.#schedule.onSessionEnd(lastedMs);
  }

  async #dial(signal: AbortSignal): Promise<DialOutcome> {
    const { timeouts, clock } = this.#options;
    const connecting = { sinceMs: clock.now(), controller: new AbortController() };
    this.#connecting = connecting;
    try {
      return await dial({
        ...this.#options,
        identity: this.#options.identity(),
        testament: (sessionId) => this.#options.testament(sessionId),
        connectMs: this.#connectTimeout.ms,
        pingMs: timeouts.pingMs,
        responseMs: timeouts.responseMs || standardResponseMs,
        askMs: timeouts.askMs ?? standardAskMs,
        isFirst: !this.#hasConnected,
        proxies: this.#proxies,
        signal,
        connectSignal: connecting.controller.signal,
      });
    } catch (error) {
      // Whatever one of our callbacks throws must not end the loop: the client would stay offline.
      return { kind: "failed", error, hasConnectTimedOut: false };
    } finally {
      this.#connecting = undefined;
      this.#schedule.onDialEnd(clock.now() - connecting.sinceMs);
    }
  }

  #onOutcome(outcome: DialOutcome): void {
    switch (outcome.kind) {
      case "connected":
        this.#hasConnected = true;
        return this.#connectTimeout.onConnected(outcome.connectedInMs);
      case "failed":
        return this.#onFailed(outcome);
      case "duplicate":
        return this.#schedule.reset();
      case "authRejected":
      case "testamentRefused":
        // Final: there is no next dial.
    }
  }

  #onFailed({ error, hasConnectTimedOut }: { error: unknown; hasConnectTimedOut: boolean }): void {
    if (hasConnectTimedOut) this.#connectTimeout.onTimeout();
    // Canceled: the network changed during the dial, and the next one starts at once.
    if (isCanceled(error)) return this.#schedule.reset();
    this.#schedule.onFailure();
    const phase = hasCode(error, "protocol_error") ? "protocol" : "dial";
    this.#options.log.warn("Cannot connect", { error: textOf(error), attempt: this.#schedule.attempt, phase });
  }

  async #watchNetwork(signal: AbortSignal): Promise<void> {
    const { networkChanges, clock, log } = this.#options;
    if (networkChanges === undefined) return;
    try {
      for await (const _ of networkChanges(signal)) {
        log.debug("The network has changed");
        this.#schedule.reset();
        this.dialNow();
        const connecting = this.#connecting;
        if (connecting && clock.now() - connecting.sinceMs >= staleDialMs) connecting.controller.abort();
      }
    } catch (error) {
      if (!isCanceled(error)) log.warn("Cannot watch the network for changes", { error: textOf(error) });
    }
  }
}
