/** What the device says about its own condition, and the base address that Studio answers with. */

import type { Log } from "../base/log.ts";
import type { Backend } from "../backend/backend.ts";
import type { DeviceStatus } from "../backend/requests.ts";

/** What the reports are made of. */
export interface StatusReporterDeps {
  backend: Pick<Backend, "updateDeviceStatus">;
  /** The figures of the device under their wire names. */
  readStats(): Promise<object>;
  tunnelCapable(): boolean;
  /** True while the disk is too full to work. */
  isEmergency(): boolean;
  log: Log;
}

/** The condition to report. */
export function chooseStatus(facts: { isBooting: boolean; isEmergency: boolean }): DeviceStatus {
  if (facts.isBooting) return "CONFIGURING";
  return facts.isEmergency ? "EMERGENCY" : "CONNECTED";
}

/** Reports the device's condition. Invariant: `CONFIGURING` from every connect until its boot run has finished. */
export class StatusReporter {
  readonly #parts: StatusReporterDeps;
  #isBooting = true;
  #baseUrl: string | undefined;

  constructor(parts: StatusReporterDeps) {
    this.#parts = parts;
  }

  /** The address of Studio as it last told us; apps get the page of their device from it. */
  get baseUrl(): string | undefined {
    return this.#baseUrl;
  }

  /** To be called when a boot run begins. */
  beginBoot(): void {
    this.#isBooting = true;
  }

  /** To be called when a boot run is through. */
  finishBoot(): void {
    this.#isBooting = false;
  }

  /** Sends one report. Throws what the call throws. */
  async report(signal: AbortSignal): Promise<void> {
    const { backend, readStats, isEmergency, tunnelCapable, log } = this.#parts;
    const stats = await readStats();
    const status = chooseStatus({ isBooting: this.#isBooting, isEmergency: isEmergency() });
    const answer = await backend.updateDeviceStatus({ status, stats, tunnelCapable: tunnelCapable() }, signal);
    this.#baseUrl = answer.baseUrl ?? this.#baseUrl;
    log.debug("Reported the device status", { status });
  }
}
