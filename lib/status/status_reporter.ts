/** Reports the condition of the device, and takes over what Studio answers. */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import type { Log } from "../base/log.ts";
import type { Backend } from "../backend/backend.ts";
import type { DeviceStatus } from "../backend/requests.ts";
import { PushTurns } from "./push_turns.ts";

/** What the reports contain, and where they go. */
export interface StatusReporterDeps {
  backend: Pick<Backend, "updateDeviceStatus">;
  /** The stats of the device under their wire names. */
  readStats(): Promise<object>;
  /** True when the container engine answers. */
  isEngineAvailable(signal: AbortSignal): Promise<boolean>;
  tunnelCapable(): boolean;
  /** True while the disk is too full to work. */
  isEmergency(): boolean;
  /** Takes over the base of downloads that Studio names. */
  adoptUpdateUrl(updateUrl: string): Promise<void>;
  clock: Clock;
  log: Log;
}

/** The longest time that one report may take, once it is its turn. */
const pushLimitMs = 10_000;

/** The status to report. */
export function chooseStatus(condition: { isBooting: boolean; isEmergency: boolean }): DeviceStatus {
  if (condition.isBooting) return "CONFIGURING";
  return condition.isEmergency ? "EMERGENCY" : "CONNECTED";
}

/**
 * Reports the status.
 *
 * - It is `CONFIGURING` from every connect until its boot run has finished.
 * - On one connection, one report is sent after the other.
 */
export class StatusReporter {
  readonly #deps: StatusReporterDeps;
  readonly #turns: PushTurns;
  #isBooting = true;
  #baseUrl: string | undefined;

  constructor(deps: StatusReporterDeps) {
    this.#deps = deps;
    this.#turns = new PushTurns(deps);
  }

  /** Studio's address as Studio last reported it; apps get the page of their device from it. */
  get baseUrl(): string | undefined {
    return this.#baseUrl;
  }

  /** From every connect until its boot run has finished, and before the first. */
  get isBooting(): boolean {
    return this.#isBooting;
  }

  /** To be called after every connect, when a boot run begins. */
  beginBoot(): void {
    this.#isBooting = true;
    this.#turns.beginConnection();
  }

  /** To be called when a boot run has finished. */
  finishBoot(): void {
    this.#isBooting = false;
  }

  /** Sends one report when it is its turn. Throws `busy` when that does not come, and what the call throws. */
  async report(signal: AbortSignal): Promise<void> {
    const what = "Reporting the device status";
    await this.#turns.run(() => within(pushLimitMs, (limit) => this.#send(limit), { what, signal }), signal);
  }

  async #send(signal: AbortSignal): Promise<void> {
    const { backend, readStats, isEngineAvailable, isEmergency, tunnelCapable, adoptUpdateUrl, log } = this.#deps;
    const [measured, docker_available] = await Promise.all([readStats(), isEngineAvailable(signal)]);
    const stats = { ...measured, docker_available };
    const status = chooseStatus({ isBooting: this.#isBooting, isEmergency: isEmergency() });
    const answer = await backend.updateDeviceStatus({ status, stats, tunnelCapable: tunnelCapable() }, signal);
    this.#baseUrl = answer.baseUrl ?? this.#baseUrl;
    if (answer.updateUrl !== undefined) await adoptUpdateUrl(answer.updateUrl);
    log.debug("Reported the device status", { status });
  }
}
