/** Studio and the people in front of it, as the apps of a device see them. */

import type { PortRule } from "../../lib/model/app.ts";
import { type Clock, systemClock } from "../../lib/async/clock.ts";
import { AgentError } from "../../lib/base/errors.ts";
import type { AppsDeps } from "../../lib/apps/dependencies.ts";
import type { Backend } from "../../lib/backend/backend.ts";
import type { AppReport } from "../../lib/backend/requests.ts";

/**
 * Studio and the people in front of it, as the device sees them. `told` has all that they hear, in order: a state for a
 * report (`RUNNING`, `PRESENT pending_remote_confirmation`), a text in quotes for a line of the app's log,
 * `LOGGER_CLEAR`, `ports`.
 */
export class Studio {
  readonly told: string[] = [];
  readonly reports: AppReport[] = [];
  /** The ports that were saved, unreadable entries included. */
  readonly ports: { ports: readonly PortRule[]; others: readonly unknown[] }[] = [];
  /** The answer to the question for all apps. */
  answer: () => unknown[] = () => [];
  isConnected = true;
  /** False lets every call hang, as on a link that is half open. */
  isAnswering = true;
  token = "token";
  /** How often a login for the registry was asked for. */
  tokens = 0;
  /** What happens while Studio takes a report. */
  onReport: () => Promise<void> = () => Promise.resolve();
  /** Whose logs the agent was told to follow, with the id of the container where it was known. */
  readonly followed: string[] = [];
  /** Lines of pulls. */
  progress = 0;

  readonly #clock: Clock;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Forgets what was told. */
  clear(): void {
    this.told.length = 0;
    this.reports.length = 0;
  }

  /** What the agent calls. */
  backend(): Backend {
    const unused = () => Promise.reject(new AgentError("internal", "Not used here"));
    return {
      readDeviceMetadata: unused,
      getAppCredKey: unused,
      updateDeviceStatus: unused,
      updateDeviceArchitecture: unused,
      checkPrivilege: unused,
      matchSubscription: unused,
      runRegistryGc: unused,
      getRequestedAppStates: (signal) => this.#whenConnected(() => this.answer(), signal),
      getRegistryToken: (_, signal) =>
        this.#whenConnected(() => {
          this.tokens += 1;
          return this.token;
        }, signal),
      reportAppState: (report, signal) =>
        this.#whenConnected(async () => {
          await this.onReport();
          this.reports.push(report);
          this.told.push([report.state, report.updateStatus].filter((word) => word !== "").join(" "));
        }, signal),
      savePorts: ({ ports, others }, signal) =>
        this.#whenConnected(() => {
          this.ports.push({ ports, others });
          this.told.push("ports");
        }, signal),
    };
  }

  /** Where the agent writes for people. */
  appLogs(): AppsDeps["appLogs"] {
    return {
      say: (_, text) => void this.told.push(`"${text}"`),
      clearViewer: () => void this.told.push("LOGGER_CLEAR"),
      clearHistory: () => {},
      follow: (channel, { known }) => void this.followed.push(known === undefined ? channel : `${channel} ${known.id}`),
      leave: () => {},
      openFeed: () => ({ push: () => void (this.progress += 1), end: () => Promise.resolve() }),
      showExited: () => Promise.resolve(),
      forget: () => {},
    };
  }

  async #whenConnected<T>(answer: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    await Promise.resolve();
    if (!this.isAnswering) {
      await this.#clock.sleep(30_000, signal);
      throw new AgentError("timeout", "no answer");
    }
    if (!this.isConnected) throw new AgentError("not_connected", "not connected");
    return await answer();
  }
}
