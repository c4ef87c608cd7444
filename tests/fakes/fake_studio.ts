/** A fake Studio with its users, as the apps of a device see them. */

import type { PortRule } from "../../lib/model/app.ts";
import { type Clock, systemClock } from "../../lib/async/clock.ts";
import { AgentError } from "../../lib/base/errors.ts";
import type { AppsDeps } from "../../lib/apps/dependencies.ts";
import type { Backend } from "../../lib/backend/backend.ts";
import type { AppReport } from "../../lib/backend/requests.ts";

/**
 * Studio and its users, as the device sees them. `entries` has everything that reaches them, in order: a state for a
 * report (`RUNNING`, `PRESENT pending_remote_confirmation`), a text in quotes for a line of the app's log,
 * `LOGGER_CLEAR`, `ports`.
 */
export class FakeStudio {
  readonly entries: string[] = [];
  readonly reports: AppReport[] = [];
  /** The ports that were saved, with unreadable entries. */
  readonly ports: { ports: readonly PortRule[]; others: readonly unknown[] }[] = [];
  /** What Studio wants of all apps. */
  answer: () => unknown[] = () => [];
  isConnected = true;
  /** False makes every call hang, as on a half-open link. */
  isAnswering = true;
  token = "token";
  /** How many registry tokens were requested. */
  tokenRequests = 0;
  /** Called while Studio takes a report. */
  onReport: () => Promise<void> = () => Promise.resolve();
  /** The channels that were followed, with the id of the container where it was known. */
  readonly followed: string[] = [];
  /** The services of which the log was shown because they had failed. */
  readonly shownServices: string[] = [];
  /** How many lines of pulls were shown. */
  pullLines = 0;
  /** Those lines by the channel, also of builds and pushes. */
  readonly fed = new Map<string, string[]>();

  readonly #clock: Clock;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Forgets all entries. */
  clear(): void {
    this.entries.length = 0;
    this.reports.length = 0;
    this.fed.clear();
  }

  /** The backend that the agent calls. */
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
          this.tokenRequests += 1;
          return this.token;
        }, signal),
      reportAppState: (report, signal) =>
        this.#whenConnected(async () => {
          await this.onReport();
          this.reports.push(report);
          this.entries.push([report.state, report.updateStatus].filter((word) => word !== "").join(" "));
        }, signal),
      exposePort: unused,
      savePorts: ({ ports, others }, signal) =>
        this.#whenConnected(() => {
          this.ports.push({ ports, others });
          this.entries.push("ports");
        }, signal),
    };
  }

  /** The logs of apps that the agent writes to. */
  appLogs(): AppsDeps["appLogs"] {
    return {
      say: (_, text) => void this.entries.push(`"${text}"`),
      clearViewer: () => void this.entries.push("LOGGER_CLEAR"),
      clearHistory: () => {},
      showProgress: (_, { progress }) => void this.entries.push(progress),
      follow: (channel, { known }) => void this.followed.push(known === undefined ? channel : `${channel} ${known.id}`),
      leave: () => {},
      openFeed: (channel) => ({ push: (line) => this.#feed(channel, line), end: () => Promise.resolve() }),
      showExited: () => Promise.resolve(),
      followProject: (channel, services) => void this.followed.push(`${channel}: ${services.map(({ name }) => name)}`),
      noteServiceExit: () => {},
      showExitedService: (_, { name }) => Promise.resolve(void this.shownServices.push(name)),
      forget: () => {},
    };
  }

  #feed(channel: string, line: string): void {
    this.pullLines += 1;
    this.fed.set(channel, [...this.fed.get(channel) ?? [], line]);
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
