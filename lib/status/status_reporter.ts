/** Reports the condition of the device, and remembers the base URL that Studio answers with. */

import type { Log } from "../base/log.ts";
import type { Backend } from "../backend/backend.ts";
import type { DeviceStatus } from "../backend/requests.ts";

/** What the reports contain, and where they go. */
export interface StatusReporterDeps {
  backend: Pick<Backend, "updateDeviceStatus">;
  /** The stats of the device under their wire names. */
  readStats(): Promise<object>;
  tunnelCapable(): boolean;
  /** True while the disk is too full to work. */
  isEmergency(): boolean;
  log: Log;
}

/** The status to report. */
export function chooseStatus(condition: { isBooting: boolean; isEmergency: boolean }): DeviceStatus {
  if (condition.isBooting) return "CONFIGURING";
  return condition.isEmergency ? "EMERGENCY" : "CONNECTED";
}

/** Reports the status. Invariant: it is `CONFIGURING` from every connect until its boot run has finished. */
export class StatusReporter {
  readonly #deps: StatusReporterDeps;
  #isBooting = true;
  #baseUrl: string | undefined;

  constructor(deps: StatusReporterDeps) {
    this.#deps = deps;
  }

  /** Studio's address as Studio last reported it; apps get the page of their device from it. */
  get baseUrl(): string | undefined {
    return this.#baseUrl;
  }

  /** To be called when a boot run begins. */
  beginBoot(): void {
    this.#isBooting = true;
  }

  /** To be called when a boot run has finished. */
  finishBoot(): void {
    this.#isBooting = false;
  }

  /** Sends one report. Throws what the call throws. */
  async report(signal: AbortSignal): Promise<void> {
    const { backend, readStats, isEmergency, tunnelCapable, log } = this.#deps;
    const stats = await readStats();
    const status = chooseStatus({ isBooting: this.#isBooting, isEmergency: isEmergency() });
    const answer = await backend.updateDeviceStatus({ status, stats, tunnelCapable: tunnelCapable() }, signal);
    this.#baseUrl = answer.baseUrl ?? this.#baseUrl;
    log.debug("Reported the device status", { status });
  }
}
