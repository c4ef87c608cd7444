/** What devices said about their apps, in order, and waits for what they will say. In memory only. */

import type { AppState, Stage, UpdateStatus } from "../../lib/model/app.ts";
import { AgentError, hasCode } from "../../lib/base/errors.ts";

/** One state report. */
export interface Report {
  /** When it came, as people write it. */
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

/** So many reports of a device are kept. */
const keptReports = 10_000;

/** The reports of all devices, and everybody who waits for a change of anything. */
export class Reports {
  readonly #byDevice = new Map<number, Report[]>();
  readonly #watchers = new Set<() => void>();

  /** Keeps a report. */
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

  /** Tells those who wait that something has changed. */
  changed(): void {
    for (const watch of [...this.#watchers]) watch();
  }

  /** Asks now and after every change until there is an answer. Throws `timeout` after `limitMs`. */
  async until<T>(what: string, ask: () => T | undefined, limitMs: number): Promise<T> {
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

  /** Waits for a report with these members among those after the first `after`. Throws `timeout` with what came instead. */
  async untilReport(
    deviceKey: number,
    wanted: Partial<Report>,
    { after, limitMs }: { after: number; limitMs: number },
  ): Promise<Report> {
    const since = () => this.of(deviceKey).slice(after);
    const what = `a report ${JSON.stringify(wanted)}`;
    try {
      return await this.until(what, () => since().find((report) => isLike(report, wanted)), limitMs);
    } catch (cause) {
      if (!hasCode(cause, "timeout")) throw cause;
      const seen = since().map(({ appName, state }) => `${appName} ${state}`).join(", ");
      throw new AgentError("timeout", `${cause.message}; reported since: ${seen || "nothing"}`, { cause });
    }
  }
}

function isLike(report: Report, wanted: Partial<Report>): boolean {
  const has = new Map(Object.entries(report));
  return Object.entries(wanted).every(([name, value]) => has.get(name) === value);
}
