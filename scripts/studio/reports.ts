/** The state reports of devices, in order, and ways to wait for them. In memory only. */

import type { AppState, Stage, UpdateStatus } from "../../lib/model/app.ts";
import { AgentError, hasCode } from "../../lib/base/errors.ts";

/** One state report. */
export interface Report {
  /** The time of arrival in ISO 8601. */
  at: string;
  deviceKey: number;
  serial: string;
  appKey: number;
  /** Empty for an app that the Studio does not know. */
  appName: string;
  stage: Stage;
  state: AppState;
  releaseKey: number;
  requestorAccountKey: number;
  requestUpdate: boolean;
  releaseBuild: boolean;
  updateStatus: UpdateStatus;
}

/** The number of reports that are kept per device. */
const keptReports = 10_000;

/** The reports of all devices, and those who wait for a change. */
export class Reports {
  readonly #byDevice = new Map<number, Report[]>();
  readonly #watchers = new Set<() => void>();

  /** Adds a report. */
  add(report: Report): void {
    const reports = this.#byDevice.get(report.deviceKey) ?? [];
    reports.push(report);
    if (reports.length > keptReports) reports.shift();
    this.#byDevice.set(report.deviceKey, reports);
    this.changed();
  }

  /** All reports of a device, oldest first. */
  of(deviceKey: number): readonly Report[] {
    return this.#byDevice.get(deviceKey) ?? [];
  }

  /** Wakes all waits because something has changed. */
  changed(): void {
    for (const watch of [...this.#watchers]) watch();
  }

  /** Calls `ask` now and after every change until it returns a value. Throws `timeout` after `limitMs`. */
  async until<T>(what: string, ask: () => T | undefined, { limitMs }: { limitMs: number }): Promise<T> {
    const first = ask();
    if (first !== undefined) return first;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const watch = () => {
      try {
        const answer = ask();
        if (answer !== undefined) resolve(answer);
      } catch (error) {
        reject(error);
      }
    };
    const timer = setTimeout(() => {
      reject(new AgentError("timeout", `Waited ${limitMs} ms in vain: ${what}`));
    }, limitMs);
    this.#watchers.add(watch);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#watchers.delete(watch);
    }
  }

  /** Waits for a report with the given members, after the first `after` ones. Throws `timeout` with the others. */
  async untilReport(
    deviceKey: number,
    wanted: Partial<Report>,
    { after, limitMs }: { after: number; limitMs: number },
  ): Promise<Report> {
    const since = () => this.of(deviceKey).slice(after);
    const what = `a report ${JSON.stringify(wanted)}`;
    try {
      return await this.until(what, () => since().find((report) => isLike(report, wanted)), { limitMs });
    } catch (cause) {
      if (!hasCode(cause, "timeout")) throw cause;
      const others = since().map(({ appName, state }) => `${appName} ${state}`).join(", ");
      throw new AgentError("timeout", `${cause.message}; reported since: ${others || "nothing"}`, { cause });
    }
  }
}

function isLike(report: Report, wanted: Partial<Report>): boolean {
  const has = new Map(Object.entries(report));
  return Object.entries(wanted).every(([name, value]) => has.get(name) === value);
}
